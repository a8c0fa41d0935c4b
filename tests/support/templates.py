"""The production templates as plain data."""

from typing import Any

from ops.stage import templates
from ops.stage.stacks import TEMPLATES


def resources(template: str) -> dict[str, Any]:
    """The resources of a template, by their logical names."""
    return dict(templates.parse((TEMPLATES / template).read_text())["Resources"])
