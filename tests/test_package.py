"""What ``chalice package`` builds runs in an interpreter that has only what Lambda has."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from .conftest import copy_project

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
# Lambda brings boto3 and what it needs, and nothing of what tests and scripts use.
LAMBDA_BRINGS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")

CODE = """
import json, sys
import app
print(json.dumps(app.app(json.loads(sys.argv[1]), None)))
callback = json.loads(sys.argv[1]) | {"resource": "/callback", "path": "/callback",
    "httpMethod": "POST", "body": "{}", "requestContext":
    {"resourcePath": "/callback", "httpMethod": "POST", "stage": "dev"}}
print(json.dumps(app.app(callback, None)))
print(json.dumps(sorted(name for name in sys.modules if name.startswith("chalicelib."))))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked deployment package."""
    project = tmp_path_factory.mktemp("project")
    copy_project(project)
    out = tmp_path_factory.mktemp("package")
    chalice = Path(sys.executable).with_name("chalice")
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(chalice), "package", "--stage", "dev", str(out)]
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    with zipfile.ZipFile(out / "deployment.zip") as archive:
        archive.extractall(out / "unpacked")
    return out / "unpacked"


@pytest.fixture(scope="module")
def lambda_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare interpreter with the SDK, as Lambda has it."""
    home = tmp_path_factory.mktemp("lambda")
    venv.create(home, with_pip=False)
    (theirs,) = home.glob("lib/python*/site-packages")
    (ours,) = Path(sys.prefix).glob("lib/python*/site-packages")
    for name in LAMBDA_BRINGS:
        (theirs / name).symlink_to(ours / name)
    return home / "bin" / "python"


def test_it_imports_and_answers(package: Path, lambda_python: Path) -> None:
    environment = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "EVENTS_TABLE": "t",
        "EVENTS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:t",
        "SPILL_QUEUE_URL": "https://sqs/1/spill",
        "DEAD_LETTER_QUEUE_URL": "https://sqs/1/dead",
    }
    done = subprocess.run(
        [lambda_python, "-c", CODE, json.dumps(REQUEST)],
        cwd=package,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    health, _log, callback, modules = lines
    assert (health["statusCode"], json.loads(health["body"])) == (200, {"status": "ok"})
    assert callback["statusCode"] == 403
    # What api does not use, its cold start does not pay for.
    assert not {"chalicelib.fanout", "chalicelib.notifier", "chalicelib.restore"} & set(modules)


def test_it_holds_no_more_than_it_needs(package: Path) -> None:
    found = {path.name for path in package.iterdir() if not path.name.endswith(".dist-info")}
    assert found == {
        "app.py",
        "chalicelib",
        "chalice",
        "annotated_types",
        "pydantic",
        "pydantic_core",
        "typing_extensions.py",
        "typing_inspection",
    }
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    assert size <= 16 * 1024 * 1024
