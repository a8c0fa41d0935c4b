"""The deployment package runs in an interpreter that has only what Lambda has."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.deploying import bytecode

import pytest

from chalicelib import VERSION
from tests.support.package import (
    FOR_DELIVER,
    LAMBDA_ENVIRONMENT,
    RUNS_HERE,
)

pytestmark = pytest.mark.skipif(not RUNS_HERE, reason="the package is for Linux on x86_64")

REQUEST = {
    "resource": "/health",
    "path": "/health",
    "httpMethod": "GET",
    "headers": {},
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {"resourcePath": "/health", "httpMethod": "GET", "stage": "dev"},
    "body": None,
    "isBase64Encoded": False,
}

CODE = """
import json, sys
import app
print(json.dumps(app.app(json.loads(sys.argv[1]), None)))
callback = json.loads(sys.argv[1]) | {"resource": "/callback", "path": "/callback",
    "httpMethod": "POST", "body": "{}", "requestContext":
    {"resourcePath": "/callback", "httpMethod": "POST", "stage": "dev"}}
print(json.dumps(app.app(callback, None)))
print(json.dumps(sorted(sys.modules)))
"""

STARTED = """
import gc, json, sys
import app
print(json.dumps([gc.isenabled(), sorted(sys.modules)]))
"""


def run(python: Path, package: Path) -> list[Any]:
    """The answers to a GET of the health and a POST without a token, and all modules imported."""
    command = [str(python), "-c", CODE, json.dumps(REQUEST)]
    done = subprocess.run(
        command, cwd=package, env=LAMBDA_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    health, _log, callback, modules = (json.loads(line) for line in done.stdout.splitlines())
    return [health, callback, modules]


def top_level(package: Path) -> set[str]:
    ignored = (".dist-info", ".so")
    return {path.name for path in package.iterdir() if not path.name.endswith(ignored)}


PACKED = {
    "app.py",
    "chalicelib",
    "chalice",
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "typing_extensions.py",
    "typing_inspection",
}


def test_it_runs_and_holds_and_imports_no_more_than_it_needs(ours: Path, python: Path) -> None:
    health, callback, modules = run(python, ours)
    assert (health["statusCode"], json.loads(health["body"])) == (
        200,
        {"status": "ok", "version": VERSION},
    )
    assert callback["statusCode"] == 403
    # What api does not use, its cold start does not pay for.
    assert not {"chalicelib.fanout", "chalicelib.services.topic", "chalicelib.restore"} & set(
        modules
    )
    assert not {"boto3", "ops", "requests", "rich"} & set(modules)
    assert top_level(ours) - FOR_DELIVER == PACKED | {"__pycache__"}
    size = sum(path.stat().st_size for path in ours.rglob("*") if path.is_file())
    assert size <= 40 * 1024 * 1024


USE_CASES = {"chalicelib.ingest", "chalicelib.fanout", "chalicelib.restore"}
CHATS = {"apprise", "requests", "chalicelib.services.messenger"}


@pytest.mark.parametrize(
    ("handler", "made"),
    [
        ("app", {"chalicelib.ingest"}),
        ("fanout", {"chalicelib.fanout"}),
        ("restore", {"chalicelib.restore"}),
        ("alerts", set()),
        ("watch", set()),
        ("deliver", CHATS),
    ],
)
def test_a_function_imports_its_own_use_case_and_deliver_alone_what_sends_to_chats(
    handler: str, made: set[str], ours: Path, python: Path
) -> None:
    done = subprocess.run(
        [str(python), "-c", STARTED],
        cwd=ours,
        env=LAMBDA_ENVIRONMENT | {"_HANDLER": f"app.{handler}"},
        capture_output=True,
        check=True,
    )
    collecting, imported = json.loads(done.stdout)
    assert collecting
    assert (USE_CASES | CHATS) & set(imported) == made


def test_a_cold_start_compiles_nothing(ours: Path, python: Path) -> None:
    done = subprocess.run(
        [str(python), "-v", "-c", "import app"],
        cwd=ours,
        env=LAMBDA_ENVIRONMENT | {"_HANDLER": "app.app"},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = map(Path, re.findall(r"# code object from '?([^'\n]+)", done.stderr))
    suffixes = Counter(path.suffix for path in loaded if path.is_relative_to(ours))
    assert suffixes.keys() == {".pyc"}
    assert suffixes[".pyc"] > 50


def test_out_of_date_bytecode_never_runs(ours: Path, python: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(ours, tmp_path / "package"))
    for source in ("chalicelib/web/answers.py", "pydantic/main.py"):
        edited = package / source
        edited.write_text(f"{edited.read_text()}\nprint('edited')\n")
    done = subprocess.run(
        [str(python), "-c", "import app; app.callback"],
        cwd=package,
        env=LAMBDA_ENVIRONMENT | {"_HANDLER": "app.app"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "edited\n" * 2


def test_making_bytecode_leaves_what_people_put_into_vendor(tmp_path: Path) -> None:
    (tmp_path / "chalicelib").mkdir()
    for name in ("app.py", "chalicelib/text.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    pins = (ROOT / "requirements.txt").read_text().splitlines()
    (pin,) = [each for each in pins if each.startswith("annotated-types==")]
    (tmp_path / "requirements.txt").write_text(pin)
    theirs = tmp_path / "vendor" / "theirs" / "__init__.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("")
    old = tmp_path / "vendor" / "gone" / "__pycache__" / "x.pyc"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    bytecode.make(tmp_path)
    bytecode.make(tmp_path)
    assert theirs.exists()
    assert not (tmp_path / "vendor" / "gone").exists()
    files = {path for path in (tmp_path / "vendor").rglob("*") if path.is_file()}
    assert {path.suffix for path in files - {theirs}} == {".pyc"}


def test_without_bytecode_as_plain_chalice_packs_it_it_runs_too(
    ours: Path, python: Path, tmp_path: Path
) -> None:
    plain = Path(
        shutil.copytree(ours, tmp_path / "plain", ignore=shutil.ignore_patterns("__pycache__"))
    )
    health, callback, _ = run(python, plain)
    assert (health["statusCode"], callback["statusCode"]) == (200, 403)
    assert top_level(plain) - FOR_DELIVER == PACKED
