"""Bytecode for the package that Chalice builds.

Wheels bring none, and a function in Lambda can't keep what it compiles: without it each cold start
compiles all that it imports. Chalice packs what lies in ``vendor/`` beside the wheels.
"""

import compileall
import importlib.metadata
import importlib.util
import py_compile
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode

from ops import ROOT

import chalice
import chalice.app

_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)

# Where Lambda unpacks it.
_TASK = Path("/var/task")

# The zip's dates say nothing, so bytecode goes by its source's hash, or by nothing. What we edit
# goes by the hash: stale bytecode of it never runs. The source of what is pinned isn't even read.
_OURS = PycInvalidationMode.CHECKED_HASH
_PINNED = PycInvalidationMode.UNCHECKED_HASH


@contextmanager
def packed(root: Path = ROOT) -> Iterator[None]:
    """While this lasts, what Chalice packs of the project at ``root`` has its bytecode with it.

    It is made by this Python, which is the one that Chalice takes for the functions. Afterwards
    ``vendor/`` is gone, so that a plain ``chalice deploy`` never packs what is out of date.
    """
    vendor = root / "vendor"
    shutil.rmtree(vendor, ignore_errors=True)
    try:
        _compile_ours(root, vendor)
        for source, name in _pinned(root / "requirements.txt"):
            _compile(source, name, vendor, _PINNED)
        yield
    finally:
        shutil.rmtree(vendor, ignore_errors=True)


def _compile_ours(root: Path, vendor: Path) -> None:
    _compile(root / "app.py", "app.py", vendor, _OURS)
    compileall.compile_dir(
        root / "chalicelib",
        ddir=str(_TASK / "chalicelib"),
        force=True,
        quiet=2,
        invalidation_mode=_OURS,
    )


def _pinned(requirements: Path) -> Iterator[tuple[Path, str]]:
    """Each Python file of Chalice's two and of the pinned packages: where it lies here, and its
    name in the package. What is not installed here in the pinned version is left out.
    """
    for module in (chalice, chalice.app):
        source = Path(str(module.__file__))
        yield source, f"chalice/{source.name}"
    for name, version in _PIN.findall(requirements.read_text()):
        for distribution in importlib.metadata.distributions(name=name):
            if distribution.version == version:
                for file in distribution.files or ():
                    if file.suffix == ".py":
                        yield Path(str(file.locate())), str(file)


def _compile(source: Path, name: str, vendor: Path, mode: PycInvalidationMode) -> None:
    bytecode = importlib.util.cache_from_source(str(vendor / name))
    py_compile.compile(str(source), bytecode, str(_TASK / name), quiet=2, invalidation_mode=mode)
