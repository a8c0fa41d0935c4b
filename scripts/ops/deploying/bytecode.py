"""Bytecode for the package that Chalice builds.

Wheels contain none, and a function in Lambda can't keep what it compiles. Without bytecode each
cold start compiles everything that it imports. Chalice packs the files in ``vendor/`` beside the
wheels.
"""

import compileall
import importlib.metadata
import py_compile
import re
import shutil
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
_TASK = Path("/var/task")  # where Lambda unpacks it


def make(root: Path = ROOT) -> None:
    """Compile all that Chalice packs of the project at ``root``: its own code where it lies, the
    rest and ``app.py`` in ``vendor/``. Of that folder nothing but old bytecode is ever removed.

    It is made by this Python, which is the one that Chalice takes for the functions.
    """
    vendor = root / "vendor"
    _clear(vendor)
    compileall.compile_dir(
        root / "chalicelib",
        ddir=str(_TASK / "chalicelib"),
        force=True,
        quiet=2,
        invalidation_mode=_MODE,
    )
    for source, name in _sources(root):
        bytecode = vendor / name.parent / _CACHE / f"{name.stem}.{sys.implementation.cache_tag}.pyc"
        py_compile.compile(
            str(source), str(bytecode), str(_TASK / name), quiet=2, invalidation_mode=_MODE
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


def _clear(vendor: Path) -> None:
    for cache in list(vendor.rglob(_CACHE)):
        shutil.rmtree(cache)
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
