"""The rights that docs/rights.md lists: what the commands call, and what the policies grant."""

import io
import json
from dataclasses import replace
from typing import Any

from ops.stage import config, deployed
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.stage.stacks import TEMPLATES
from ops.stage.templates import parse

import cost
import doctor
import events
import grant
import plan
import pytest
import register
import rehearse
import relay
import silence
import subscribe

from chalicelib import times
from chalicelib.records.spilled import Spilled, to_messages
from chalicelib.services.clusters import Cluster
from local import cloud
from local.delivering import make_deliver
from local.marathon import SimulatedMarathon
from tests.support import plans
from tests.support.iam import findings
from tests.support.records import at
from tests.support.rights import granted, needed_here, policies, tables

# The services that CloudFormation calls for the types of the templates.
SERVICES = {
    "AWS::CloudWatch": "cloudwatch",
    "AWS::DynamoDB": "dynamodb",
    "AWS::IAM": "iam",
    "AWS::Logs": "logs",
    "AWS::SNS": "sns",
    "AWS::SQS": "sqs",
}
MOST_CHARACTERS = 6144  # of a managed policy, without its spaces


@pytest.fixture
def known(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage with an event, which the config has."""
    whole = config.config()
    whole["stages"] = {stage.name: whole["stages"]["dev"]}
    monkeypatch.setattr(config, "config", lambda: whole)
    stage.clusters.claim(Cluster("prod", "", "f"))
    stage.store.put(at(1))
    nowhere = {"resource_type": "rest_api", "rest_api_url": "http://127.0.0.1:1"}
    deployed.keep_copy(stage, {"resources": [nowhere]})
    stage.store.note_day("prod", "2016-04-24")
    return stage


def test_the_commands_need_no_more_than_their_rows_grant(
    known: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = client("sqs").create_queue(QueueName=f"jobs-{known.name}")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{queue.rpartition('/')[2]}"
    make_deliver(known)
    plans.stored(known.store, *plans.LIGHT)
    known.store.put(replace(at(1), id=f"{times.compact(times.now())}-{0:016}"))
    (copy,) = to_messages(Spilled(at(1).id, at(1).received_at, "0" * 64, "prod", b"{}"), 10_000)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"last_copy": copy})))
    slack = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    runs: list[tuple[Any, list[str], list[str]]] = [
        (plan, [], ["`plan.py`"]),
        (doctor, [], ["`doctor.py`"]),
        (grant, ["--label", "x"], ["`grant.py`"]),
        (grant, ["--list"], ["`grant.py`"]),
        (subscribe, ["--to", arn], ["`subscribe.py`"]),
        (subscribe, ["--list"], ["`subscribe.py`"]),
        (subscribe, ["--test", "--to", arn], ["`subscribe.py`"]),
        (subscribe, ["--remove", "--to", arn], ["`subscribe.py`"]),
        (subscribe, ["--to", slack], ["`subscribe.py`"]),
        (subscribe, ["--test", "--to", slack], ["`subscribe.py`"]),
        (doctor, [], ["`doctor.py`"]),
        (subscribe, ["--remove", "--to", slack], ["`subscribe.py`"]),
        (silence, ["--for", "1h", "--comment", "x"], ["`silence.py`"]),
        (silence, ["--list"], ["`silence.py`"]),
        (events, ["alerts"], ["events.py", "`alerts`"]),
        (events, ["list"], ["events.py", "`list`"]),
        (events, ["stats"], ["events.py", "`stats`"]),
        (events, ["incidents"], ["events.py", "`incidents`"]),
        (events, ["status"], ["events.py status"]),
        (events, ["show", at(1).id], ["events.py", "`show`"]),
        (events, ["deployments"], ["events.py", "`deployments`"]),
        (events, ["deployment", plans.ID], ["events.py", "`deployment`"]),
        (events, ["report"], ["events.py", "`report`"]),
        (events, ["parked"], ["events.py parked"]),
        (events, ["parked", "--send"], ["events.py parked"]),
        (events, ["restore"], ["events.py parked", "`restore`"]),
        (cost, [], ["`cost.py`"]),
        (events, ["replay", "--since", "2016-04-24", "--yes"], ["events.py replay"]),
    ]
    with SimulatedMarathon(name="m", framework_id="f-1").running() as url:
        marathon = ["--marathon", url]
        runs += [
            (register, [*marathon, "--no-verify"], ["`register.py`"]),
            (register, ["--list"], ["`register.py`"]),
            (register, [*marathon, "--remove"], ["`register.py`"]),
            (register, ["--forget", "m"], ["`register.py`"]),
        ]
        for module, args, row in runs:
            with needed_here() as rights:
                command = [args[0]] if module is events else []
                module.main([*command, "--stage", known.name, *args[len(command) :]])
            assert rights, row
            assert rights <= granted(*row), (row, rights - granted(*row))


def test_a_rehearsal_of_a_stage_and_a_relay_need_no_more_than_their_rows_grant(
    known: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rehearsed(Exception):
        pass

    def stop() -> None:
        raise Rehearsed

    monkeypatch.setattr(cloud, "running", stop)  # what follows is on this machine
    monkeypatch.setattr(relay, "main", lambda _: 0)
    with needed_here() as rights:
        with pytest.raises(Rehearsed):
            rehearse.main(["--stage", known.name, "--since", "2016-04-24"])
        relay.run(["--stage", known.name])
    assert rights <= granted("`rehearse.py --stage`", "`relay.py`")


def test_each_policy_grants_what_its_table_lists_and_fits() -> None:
    for table, policy in zip(tables(), policies(), strict=True):
        allowed = [action for each in policy["Statement"] for action in each["Action"]]
        assert sorted(allowed) == sorted(set().union(*table.values()))
        assert len(json.dumps(policy, separators=(",", ":"))) <= MOST_CHARACTERS
        # Some rights can't be narrowed to names that are known here.
        assert [each for each in findings(policy) if not each.startswith("RESOURCE_STAR")] == []


def test_cloudformation_gets_rights_for_every_type_of_the_templates() -> None:
    rights = granted("CloudFormation")
    for name in ("table.yaml", "messaging.yaml"):
        made = parse((TEMPLATES / name).read_text())["Resources"].values()
        for kind in {each["Type"].rpartition("::")[0] for each in made}:
            of_service = [each for each in rights if each.startswith(f"{SERVICES[kind]}:")]
            assert any("Delete" in each for each in of_service), kind
