"""What makes a cold start short. It acts only in Lambda: in any other program that imports
``app.py``, the garbage collector stays as it was.

Import this before anything large: objects made at a cold start live as long as the container, and
scanning them again and again takes a sixth of a cold start.
"""

import functools
import gc
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_UseCase = TypeVar("_UseCase")

# Lambda names the handler, ``app.<function>``, in this variable.
_HANDLER = os.environ.get("_HANDLER", "")

if _HANDLER:
    gc.disable()


def once(make: Callable[[], _UseCase]) -> Callable[[], _UseCase]:
    """Make a use case once in a container. From then on the garbage collector scans only new
    objects. If it scanned those of the cold start too, a large plan would take one and a half times
    as long.
    """

    @functools.cache
    def made() -> _UseCase:
        use_case = make()
        if _HANDLER:
            gc.freeze()
            gc.enable()
        return use_case

    return made


def make_now(use_cases: Mapping[str, Callable[[], Any]]) -> None:
    """Make the use case of the handler that Lambda starts, before a request waits for it: Lambda is
    reported to start functions at full CPU speed, whatever their memory.
    """
    if make := use_cases.get(_HANDLER):
        make()
