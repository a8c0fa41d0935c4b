"""App paths, and what Marathon's task, instance and executor ids tell of them.

An id begins with the app's path in its "safe" form: without its first slash, other slashes turned
into ``_`` (``/prod/web`` → ``prod_web``; exact since 0.6.0, whose paths hold no ``_``).
"""

import re
from urllib.parse import unquote

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

# 1.4+: <safe>.instance-<uuid> or <safe>.marathon-<uuid>, in a task id followed by .<container>,
# ._app, .$anon and a launch count. Container names of 1.4.0 – 1.4.2 may hold dots.
_INSTANCE = re.compile(rf"(?P<instance>(?P<safe>.+)\.(?:instance|marathon)-{_UUID})(?P<rest>\..+)?")
# 0.6.0 – 1.7: <safe>.<uuid>, since 1.4.7 also followed by .<launch count>.
_TASK = re.compile(rf"(?P<safe>.+)\.{_UUID}(?:\.[^.]+)?")
# 0.1.0 – 0.5.1: <name>_<n>-<ms since epoch>.
_OLD_TASK = re.compile(r"(?P<safe>.+)_\d+-\d+")
# 1.4+: instance-<safe>.<uuid> or marathon-<safe>.<uuid>.
_EXECUTOR = re.compile(rf"(?:instance|marathon)-(?P<safe>.+)\.{_UUID}")

_PODS = "/v2/pods"


def path(name: str) -> str:
    """An app, pod or group path; a bare name (before 0.7.0) gets its slash."""
    return name if name.startswith("/") else "/" + name


def app_of_task(task: str) -> str | None:
    """The path of the app or pod that a task or instance id belongs to, or None."""
    if found := _INSTANCE.fullmatch(task) or _TASK.fullmatch(task):
        return _from_safe(found["safe"])
    if found := _OLD_TASK.fullmatch(task):
        return path(found["safe"])
    return None


def app_of_executor(executor: str) -> str | None:
    """The path of the app or pod that an executor id belongs to, or None."""
    if found := _EXECUTOR.fullmatch(executor):
        return _from_safe(found["safe"])
    return app_of_task(executor)


def instance_of_task(task: str) -> str | None:
    """The instance id that a task id of 1.4+ contains, or None."""
    found = _INSTANCE.fullmatch(task)
    return found["instance"] if found else None


def is_instance(id_: str) -> bool:
    """Whether this is the id of a whole instance (1.4+), not of a task in it."""
    found = _INSTANCE.fullmatch(id_)
    return found is not None and not found["rest"]


def pod_of_uri(uri: str) -> str | None:
    """The pod's path in a request path such as ``/v2/pods//prod/crew``, or None (``/v2/pods``)."""
    if not uri.startswith(_PODS):
        return None
    name = unquote(uri[len(_PODS) :].partition("?")[0]).strip("/")
    return path(name) if name else None


def _from_safe(safe: str) -> str:
    return path(safe.replace("_", "/"))
