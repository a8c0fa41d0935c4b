"""Bytecode for the package that Chalice builds.

Wheels contain none, and a function in Lambda can't keep what it compiles. Without bytecode each
cold start compiles everything that it imports. Chalice packs the files in ``vendor/`` beside the
wheels.
"""

import compileall
import importlib.metadata
import importlib.util
import py_compile
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ops import ROOT

import chalice
import chalice.app

# The dates in the zip are of no use. Bytecode that is checked against its source is never out of
# date, whatever is deployed with it, and starts as fast as bytecode that is not.
_MODE = py_compile.PycInvalidationMode.CHECKED_HASH

_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
_CACHE = "__pycache__"
_CHECKED = (3).to_bytes(4, "little")  # by its hash, each time that it is loaded
_TASK = Path("/var/task")  # where Lambda unpacks it


def make(root: Path = ROOT) -> None:
    """Compile all that Chalice packs of the project at ``root``: its own code where it lies, the
    rest and ``app.py`` in ``vendor/``. Of that folder nothing but old bytecode is ever removed, and
    what is still right is not compiled again.

    It is made by this Python, which is the one that Chalice takes for the functions.
    """
    wanted = {root / "vendor" / _compiled(name): (file, name) for file, name in _sources(root)}
    _clear(root / "vendor", {path for path, (file, _) in wanted.items() if _is_of(path, file)})
    compileall.compile_dir(
        root / "chalicelib",
        ddir=str(_TASK / "chalicelib"),
        force=True,
        quiet=2,
        invalidation_mode=_MODE,
    )
    for path, (file, name) in wanted.items():
        if not path.exists():
            py_compile.compile(
                str(file), str(path), str(_TASK / name), quiet=2, invalidation_mode=_MODE
            )


def make_alone(root: Path = ROOT) -> None:
    """``make``, in a process of its own. What a process has loaded shows in the bytecode that it
    writes: so a second deploy of the same code would pack, and change, other bytes.
    """
    program = (
        "import sys, pathlib; from ops.deploying import bytecode; "
        "bytecode.make(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", program, root], cwd=ROOT / "scripts", check=True)


def _compiled(name: Path) -> Path:
    return name.parent / _CACHE / f"{name.stem}.{sys.implementation.cache_tag}.pyc"


def _is_of(bytecode: Path, source: Path) -> bool:
    """Whether it is there and was made of that source, by this Python (PEP 552)."""
    if not bytecode.exists():
        return False
    head = importlib.util.MAGIC_NUMBER + _CHECKED + importlib.util.source_hash(source.read_bytes())
    return bytecode.read_bytes().startswith(head)


def _clear(vendor: Path, current: set[Path]) -> None:
    for old in {*vendor.rglob(f"{_CACHE}/*")} - current:
        old.unlink()
    for folder in sorted(vendor.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _sources(root: Path) -> Iterator[tuple[Path, Path]]:
    """Each Python file that Chalice packs beside ``chalicelib``: where it lies here, and its name
    in the package. Of the pinned packages, those that are installed here in that version.
    """
    yield root / "app.py", Path("app.py")
    for module in (chalice, chalice.app):
        source = Path(str(module.__file__))
        yield source, Path("chalice") / source.name
    for name, version in _PIN.findall((root / "requirements.txt").read_text()):
        for distribution in importlib.metadata.distributions(name=name):
            if distribution.version == version:
                for file in distribution.files or ():
                    if file.suffix == ".py" and ".." not in file.parts:
                        yield Path(str(file.locate())), Path(file)
