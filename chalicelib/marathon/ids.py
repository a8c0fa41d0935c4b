"""App paths, and how to read them from Marathon's task, instance and executor ids.

An id begins with the app's path in its "safe" form: without its first slash, other slashes turned
into ``_`` (``/prod/web`` → ``prod_web``; exact since 0.6.0, whose paths hold no ``_``).

No pattern backtracks, so the time for a hostile id of a megabyte grows only in proportion to its
length.
"""

import re
from urllib.parse import unquote

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_WHOLE_UUID = re.compile(_UUID)
_UUID_LENGTH = 36

# 1.4+: <safe>.instance-<uuid> or <safe>.marathon-<uuid>, in a task id followed by .<container>,
# ._app, .$anon and a launch count. Container names of 1.4.0 – 1.4.2 may hold dots.
_INSTANCE = re.compile(rf"\.(?:instance|marathon)-{_UUID}(?=\..|\Z)")
# 0.1.0 – 0.5.1: <name>_<n>-<ms since epoch>.
_OLD_NUMBERS = re.compile(r"\d+-\d+")
# 1.4+: instance-<safe>.<uuid> or marathon-<safe>.<uuid>.
_EXECUTOR_PREFIXES = ("instance-", "marathon-")

_PODS = "/v2/pods"


def path(name: str) -> str:
    """An app, pod or group path; a bare name (before 0.7.0) gets its slash."""
    return name if name.startswith("/") else "/" + name


def app_of_task(task: str) -> str | None:
    """The path of the app or pod that a task or instance id belongs to, or None."""
    if found := _split_instance(task):
        return _from_safe(task[: found[0]])
    # 0.6.0 – 1.7: <safe>.<uuid>, since 1.4.7 also followed by .<launch count>.
    if safe := _before_uuid(task) or _before_uuid(task.rpartition(".")[0]):
        return _from_safe(safe)
    name, _, numbers = task.rpartition("_")
    return path(name) if name and _OLD_NUMBERS.fullmatch(numbers) else None


def app_of_executor(executor: str) -> str | None:
    """The path of the app or pod that an executor id belongs to, or None."""
    for prefix in _EXECUTOR_PREFIXES:
        if executor.startswith(prefix) and (safe := _before_uuid(executor[len(prefix) :])):
            return _from_safe(safe)
    return app_of_task(executor)


def instance_of_task(task: str) -> str | None:
    """The instance id that a task id of 1.4+ contains, or None."""
    found = _split_instance(task)
    return task[: found[1]] if found else None


def life_of(id_: str) -> str:
    """What all ids of one instance share, whatever they look like: its UUID; in ids of 0.1.0 –
    0.5.1, which have none, the id itself.
    """
    last = None
    for found in _INSTANCE.finditer(id_):
        last = found
    if last:
        return last[0][-_UUID_LENGTH:].lower()
    for tail in (id_.rpartition(".")[2], id_.rpartition(".")[0].rpartition(".")[2]):
        if _WHOLE_UUID.fullmatch(tail):
            return tail.lower()
    return id_


def is_instance(id_: str) -> bool:
    """Whether this is the id of a whole instance (1.4+), not of a task in it."""
    found = _split_instance(id_)
    return found is not None and found[1] == len(id_)


def pod_of_uri(uri: str) -> str | None:
    """The pod's path in a request path such as ``/v2/pods//prod/crew``, or None (``/v2/pods``)."""
    if not uri.startswith(_PODS):
        return None
    name = unquote(uri[len(_PODS) :].partition("?")[0]).strip("/")
    return path(name) if name else None


def _split_instance(id_: str) -> tuple[int, int] | None:
    """The positions in an id where its app ends and where its instance ends; None if it names no
    instance. If several marks are followed by a UUID, the last one counts.
    """
    last = None
    for found in _INSTANCE.finditer(id_):
        last = found
    return last.span() if last and last.start() > 0 else None


def _before_uuid(id_: str) -> str:
    """The part before ``.<uuid>`` at the end of an id; empty if it does not end in a UUID."""
    safe, _, uuid = id_.rpartition(".")
    return safe if _WHOLE_UUID.fullmatch(uuid) else ""


def _from_safe(safe: str) -> str:
    return path(safe.replace("_", "/"))
