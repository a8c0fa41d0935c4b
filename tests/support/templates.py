"""The production templates as plain data."""

from typing import Any

from ops.stage.stacks import TEMPLATES

import yaml


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain data."""


def _short_form(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    return {suffix: getattr(node, "value", None)}


_Loader.add_multi_constructor("!", _short_form)


def resources(template: str) -> dict[str, Any]:
    """The resources of a template, by their logical names."""
    loaded = yaml.load((TEMPLATES / template).read_text(), _Loader)
    return dict(loaded["Resources"])
