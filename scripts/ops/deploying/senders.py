"""Who may post: the resource policy of a stage's API. Each deploy sends the whole API, so what is
not in Chalice's settings is gone after it.
"""

import argparse
import ipaddress
import json
import re
from typing import Any

from ops import ROOT
from ops.cli import say
from ops.stage import config
from ops.stage.clients import client

ANYWHERE = "anywhere"

Policy = dict[str, Any]

_FOLDER = ROOT / ".chalice"
_RESOURCE = re.compile(r"(?:arn:[^:]*:)?execute-api:(?:[^:]*:[^:]*:[^/]*)?/")


def networks(text: str) -> list[str]:
    """An option's type: networks such as ``203.0.113.0/24,198.51.100.7``; none for anywhere."""
    if text == ANYWHERE:
        return []
    try:
        return [str(ipaddress.ip_network(each.strip(), strict=False)) for each in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{error}: give networks such as 203.0.113.0/24,198.51.100.7, or {ANYWHERE}"
        ) from error


def admit(stage: str, only: list[str]) -> None:
    """Let only these networks post to a stage from its next deploy on; all, if there are none."""
    file = _FOLDER / f"only-from-{stage}.json"
    if not only:
        config.set_api_policy(stage, "")
        file.unlink(missing_ok=True)
        return
    file.write_text(json.dumps(policy(only), indent=2) + "\n")
    config.set_api_policy(stage, file.name)
    say(f"Wrote .chalice/{file.name}, and its name into .chalice/config.json. Commit both.", "dim")


def policy(only: list[str]) -> Policy:
    """Anybody may read (readers have tokens), and only these networks may post."""
    common = {"Principal": "*", "Action": "execute-api:Invoke"}
    posts = ["execute-api:/*/POST/callback", "execute-api:/*/POST/events"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", **common, "Resource": "execute-api:/*"},
            {
                "Effect": "Deny",
                **common,
                "Resource": posts,
                "Condition": {"NotIpAddress": {"aws:SourceIp": only}},
            },
        ],
    }


def wanted(stage: str) -> Policy | None:
    """The policy that a stage's settings name; None if they name none."""
    name = config.api_policy(stage)
    found: Policy | None = json.loads((_FOLDER / name).read_text()) if name else None
    return found


def live(api_id: str) -> Policy | None:
    """The policy that an API has now; None if it has none."""
    text = client("apigateway").get_rest_api(restApiId=api_id).get("policy")
    if not text:
        return None
    if not text.startswith('{"'):  # API Gateway escapes its quotes
        text = text.replace('\\"', '"').replace("\\/", "/")
    found: Policy = json.loads(text)
    return found


def same(one: Policy | None, other: Policy | None) -> bool:
    """Whether two policies say the same. API Gateway completes the names of resources."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            found = [_plain(each) for each in value]
            return found[0] if len(found) == 1 else found
        case str():
            return _RESOURCE.sub("execute-api:/", value)
    return value
