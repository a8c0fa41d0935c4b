"""The page's files: built where they are missing or old, served as they are, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

from ops import ROOT
from ops.cli import Failure
from ops.deploying import page

import pytest

from chalicelib.web import files
from chalicelib.web.headers import PAGE, SECURITY


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "app.ABC234.js").write_text("1")
    (tmp_path / "secret.js").write_text("2")
    return tmp_path


def test_the_page_is_asked_for_each_time_and_sent_once(built: Path) -> None:
    made = files.index("/prod/", None)
    assert (made.status_code, made.body) == (200, "<p>page</p>")
    assert made.headers["Cache-Control"] == "no-cache"
    tag = made.headers["ETag"]
    assert isinstance(tag, str)
    assert files.index("/prod/", tag).status_code == 304
    assert files.index("/prod/", f"W/{tag}").status_code == 304
    (built / "index.html").write_text("<p>newer</p>")
    assert files.index("/prod/", tag).status_code == 200


def test_without_its_last_slash_the_address_leads_to_the_page(built: Path) -> None:
    made = files.index("/prod", None)
    assert (made.status_code, made.headers["Location"]) == (308, "prod/")


def test_the_files_are_kept_for_ever(built: Path) -> None:
    made = files.file("app.ABC234.js")
    assert (made.status_code, made.body) == (200, "1")
    assert made.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert made.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    ["app.XYZ.js", "secret.js", "index.html", "../files.py", "..", "", "app.ABC234.js\n", "a\0b"],
)
def test_no_other_file_is_served(built: Path, name: str) -> None:
    made = files.file(name)
    assert made.status_code == 404
    assert made.body["error"]["code"] == "not_found"


def test_every_answer_has_the_security_headers(built: Path) -> None:
    answers = [files.index("/", None), files.index("", None), files.file("app.ABC234.js")]
    (built / "index.html").unlink()
    for made in [*answers, files.file("x"), files.index("/", None)]:
        assert SECURITY.items() <= made.headers.items()
    assert "unsafe" not in PAGE["Content-Security-Policy"]
    assert answers[0].headers["Content-Security-Policy"] == PAGE["Content-Security-Policy"]


def test_without_the_page_it_is_said_how_to_build_it(built: Path) -> None:
    (built / "index.html").unlink()
    made = files.index("/", None)
    assert made.status_code == 404
    assert "make page" in made.body


@pytest.mark.usefixtures("built_page")
def test_the_built_page_is_small_and_has_no_inline_script() -> None:
    import gzip

    sizes = [len(gzip.compress(path.read_bytes())) for path in page.BUILT.iterdir()]
    assert sum(sizes) <= 70 * 1024
    index = (page.BUILT / "index.html").read_text()
    assert "<style" not in index
    assert "style=" not in index
    assert index.count("<script") == index.count('<script type="module" src="page/app.')


def test_no_address_of_a_registry_is_in_the_lock_file() -> None:
    lock = (page.SOURCES / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert lock.count('"integrity"') > 20


@pytest.mark.usefixtures("built_page")
def test_an_up_to_date_page_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    page.ensure()
    monkeypatch.setattr(page, "_run", lambda *_: pytest.fail("built again"))
    page.ensure()


class Machine:
    """A machine with that Node.js on its PATH, and what was run on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: Path, version: str | None) -> None:
        self.ran: list[list[str]] = []
        self.node = where / "machine" / "node"
        self.wheel: Path | None = None
        monkeypatch.setattr(page, "BUILT", where / "built")
        monkeypatch.setattr(shutil, "which", lambda name: str(self.node.with_name(name)))
        monkeypatch.setattr(page, "_version", lambda _: int(version) if version else 0)
        monkeypatch.setattr(page, "_installed", lambda: self.wheel)
        monkeypatch.setattr(page, "_checked", self._run)

    def _run(self, command: list[str], *_: object) -> None:
        self.ran.append(command)
        if "pip" in command:
            self.wheel = Path("/wheel/bin/node")


def test_a_recent_node_of_the_machine_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, tmp_path, "20")
    page.ensure()
    (npm, build) = machine.ran
    assert (npm[0], npm[2:4]) == (str(machine.node), ["ci", "--ignore-scripts"])
    assert build[:2] == [str(machine.node), "build.js"]


@pytest.mark.parametrize("version", [None, "18"])
def test_without_one_pypis_node_is_installed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    machine = Machine(monkeypatch, tmp_path, version)
    page.ensure()
    (pip, npm, build) = machine.ran
    assert pip[0] == sys.executable
    assert pip[-1].endswith("page/requirements.txt")
    assert npm[0] == build[0] == "/wheel/bin/node"
    page.ensure()
    assert len(machine.ran) == 5


def test_a_build_that_fails_says_why_and_deploying_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "BUILT", tmp_path / "built")
    monkeypatch.setattr(page, "_node", lambda: Path(sys.executable))
    monkeypatch.setattr(page, "_npm", lambda _: "-cimport sys; sys.exit('ERESOLVE: no network')")
    with pytest.raises(Failure, match="ERESOLVE: no network") as failure:
        page.ensure()
    assert "The page could not be built" in str(failure.value)
    page.ensure_if_possible()
    told = capsys.readouterr().err
    assert "Going on with no page; make page tries again." in told


def test_the_versions_of_node(tmp_path: Path) -> None:
    node = tmp_path / "node"
    for told, version in (("v22.1.0", 22), ("what?", 0)):
        node.write_text(f"#!/bin/sh\necho {told}\n")
        node.chmod(0o755)
        assert page._version(str(node)) == version  # noqa: SLF001
    assert page._version(str(tmp_path / "missing")) == 0  # noqa: SLF001


@pytest.mark.usefixtures("built_page")
def test_the_pages_own_unit_tests() -> None:
    node = page._node()  # noqa: SLF001
    done = subprocess.run(
        [str(node), "--test"],
        cwd=ROOT / "page",
        env={"PATH": "/usr/bin:/bin", "TZ": "America/New_York"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
