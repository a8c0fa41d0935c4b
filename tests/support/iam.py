"""What an IAM linter says of a policy."""

import functools
import json
import sys
import types
import warnings
from importlib import resources
from typing import Any
from unittest.mock import patch


def findings(policy: dict[str, Any]) -> list[str]:
    """What parliament finds in a policy; nothing where all is well."""
    parliament = _parliament()
    found = parliament.analyze_policy_string(json.dumps(policy)).findings
    return [f"{each.issue}: {each.detail}" for each in found]


@functools.cache
def _parliament() -> Any:
    """The linter. It asks ``pkg_resources``, which setuptools no longer has, for its two files."""
    old = types.ModuleType("pkg_resources")
    old.resource_filename = lambda package, name: str(resources.files(package) / name)  # type: ignore[attr-defined]
    with patch.dict(sys.modules, {"pkg_resources": old}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its source is older than this Python
        import parliament  # type: ignore[import-untyped]
    return parliament
