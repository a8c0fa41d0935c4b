"""Who may post: the resource policy of the API, and what else a deploy would take from it."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.deploying import senders
from ops.stage import config, deployed
from ops.stage.clients import client
from ops.stage.resources import Stage

import plan
import pytest

NETWORKS = ["203.0.113.0/24", "198.51.100.7/32"]


@pytest.fixture
def settings(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of the stage, in a folder of the test's own."""
    whole = config.config()
    whole["stages"] = {stage.name: whole["stages"]["dev"]}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    monkeypatch.setattr(config, "CONFIG", tmp_path / "config.json")
    monkeypatch.setattr(senders, "_FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def api(stage: Stage) -> str:
    """An API of the stage, as moto can make one; its id."""
    gateway = client("apigateway")
    made = str(gateway.create_rest_api(name="marathon-events")["id"])
    (root,) = gateway.get_resources(restApiId=made)["items"]
    method: dict[str, Any] = {"restApiId": made, "resourceId": root["id"], "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="MOCK")
    gateway.create_deployment(restApiId=made, stageName="dev")
    url = f"https://{made}/dev/"
    resource = {"resource_type": "rest_api", "rest_api_id": made, "rest_api_url": url}
    deployed.keep_copy(stage, {"resources": [resource]})
    return made


@pytest.fixture
def planned(
    stage: Stage, settings: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[str]]:
    """Runs the command: what it says of the API's policy, and what it sets by hand."""

    def run() -> list[str]:
        capsys.readouterr()
        plan.main(["--stage", stage.name, "--json"])
        found = map(json.loads, capsys.readouterr().out.splitlines())
        return [
            each["detail"] + (f" ! {each['loss']}" if each["loss"] else "")
            for each in found
            if each["what"] == "the API" and not each["detail"].startswith("requests a second")
        ]

    return run


def set_live(api: str, policy: Any) -> None:
    client("apigateway").update_rest_api(
        restApiId=api,
        patchOperations=[{"op": "replace", "path": "/policy", "value": policy}],
    )


def test_a_policy_set_by_hand_would_be_lost_until_the_config_has_it(
    stage: Stage, api: str, planned: Callable[[], list[str]]
) -> None:
    assert planned() == []
    set_live(api, json.dumps(senders.policy(NETWORKS)))
    (said,) = planned()
    assert "no resource policy ! the API's resource policy" in said
    senders.admit(stage.name, NETWORKS)
    assert planned() == []
    senders.admit(stage.name, NETWORKS[:1])
    assert planned() == ["its resource policy will be that of the config"]
    senders.admit(stage.name, [])
    assert len(planned()) == 1


def test_a_policy_is_known_again_in_the_form_that_api_gateway_gives_it(
    stage: Stage, api: str, planned: Callable[[], list[str]]
) -> None:
    """Resources with their whole names, lists of one as their one, quotes escaped."""
    senders.admit(stage.name, NETWORKS[:1])
    text = json.dumps(senders.policy(NETWORKS[:1]))
    text = text.replace("execute-api:/", f"arn:aws:execute-api:us-east-1:123456789012:{api}/")
    text = text.replace('["203.0.113.0/24"]', '"203.0.113.0/24"').replace('"', '\\"')
    set_live(api, text)
    assert planned() == []


def test_other_settings_made_by_hand_would_be_lost(
    api: str, planned: Callable[[], list[str]]
) -> None:
    client("apigateway").put_gateway_response(
        restApiId=api, responseType="THROTTLED", statusCode="503"
    )
    assert planned() == ["gateway responses ! 1 gateway responses that were set by hand"]


def test_networks_become_a_policy_that_the_config_names(stage: Stage, settings: Path) -> None:
    senders.admit(stage.name, NETWORKS)
    assert config.api_policy(stage.name) == f"only-from-{stage.name}.json"
    policy = json.loads((settings / config.api_policy(stage.name)).read_text())
    _, denied = policy["Statement"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"NotIpAddress": {"aws:SourceIp": NETWORKS}}
    assert denied["Resource"] == ["execute-api:/*/POST/callback", "execute-api:/*/POST/events"]
    senders.admit(stage.name, [])
    assert config.api_policy(stage.name) == ""
    assert not (settings / f"only-from-{stage.name}.json").exists()


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("203.0.113.0/24", ["203.0.113.0/24"]),
        ("203.0.113.9/24, 198.51.100.7", NETWORKS),
        ("2001:db8::/32", ["2001:db8::/32"]),
        ("anywhere", []),
    ],
)
def test_networks_are_read(text: str, networks: list[str]) -> None:
    assert senders.networks(text) == networks


def test_invalid_networks_are_rejected_with_an_example() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"give networks such as 203\.0\.113"):
        senders.networks("marathon.example.net")
