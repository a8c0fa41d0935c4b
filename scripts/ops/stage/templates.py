"""CloudFormation templates as plain data, with the long forms of their functions."""

from typing import Any

import yaml

Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Also reads CloudFormation's short forms, such as ``!Ref``."""


def _long_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    match node:
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _long_form)


def parse(text: str) -> Template:
    """A template's text, YAML or JSON, as plain data."""
    loader = _Loader(text)
    try:
        read: Template = loader.get_single_data()
    finally:
        loader.dispose()
    return read
