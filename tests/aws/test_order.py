"""An ordered stage: its queues get each subject's events in order, each once."""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.cli import Failure
from ops.stage import config, resources, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

import deploy
import events
import pytest
import subscribe

from chalicelib.services import aws
from chalicelib.services.clusters import Cluster
from local import functions
from local.functions import Stream
from tests.support import queue
from tests.support.faults import injected, silence
from tests.support.queue import Queue
from tests.support.records import at

FIFO = {"FifoQueue": "true"}


@pytest.fixture
def ordered(aws: str) -> Stage:
    """A stage of the test's own that keeps order."""
    name = f"t{uuid.uuid4().hex[:12]}"
    stacks.bring_up(name, ordered=True)
    return resources.find(name)


@pytest.fixture
def jobs(ordered: Stage) -> Iterator[Queue]:
    """A FIFO queue that is subscribed."""
    made = queue.make(f"jobs-{ordered.name}.fifo", **FIFO)
    assert subscribe.main(["--stage", ordered.name, "--to", made.arn]) == 0
    yield made
    client("sqs").delete_queue(QueueUrl=made.url)


def store(stage: Stage, seconds: range, apps: tuple[str, ...]) -> dict[str, list[str]]:
    """Store events of several apps; the ids of each in their order."""
    records = [at(second, app) for second in seconds for app in apps]
    for each in records:
        stage.store.put(each)
    stage.store.note_day("prod", "2016-04-24")
    return by_subject([{"subject": each.subject, "id": each.id} for each in records])


def by_subject(messages: list[dict[str, Any]]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for each in messages:
        found[each["subject"]].append(each["id"])
    return dict(found)


def pump(stage: Stage, times: int = 1) -> Stream:
    stream = Stream(functions.load(stage), stage)
    for _ in range(times):
        stream.pump()
    return stream


def test_a_queue_gets_each_subjects_events_in_order_once(ordered: Stage, jobs: Queue) -> None:
    sent = store(ordered, range(8), ("/a", "/b", "/c"))
    pump(ordered, 2)
    assert by_subject(jobs.take()) == sent


def test_whatever_is_refused_in_part_the_order_holds(
    ordered: Stage, jobs: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SNS refuses every fourth entry the first time, beside others that it takes."""
    sent = store(ordered, range(8), ("/a", "/b", "/c"))
    real = aws.sns().publish_batch
    seen: set[str] = set()

    def publish_batch(**request: Any) -> Any:
        entries = request["PublishBatchRequestEntries"]
        bad = []
        for each in entries:
            new = each["MessageDeduplicationId"] not in seen
            seen.add(each["MessageDeduplicationId"])
            if new and len(seen) % 4 == 0:
                bad.append(each)
        good = [each for each in entries if each not in bad]
        told: Any = {"Successful": [], "Failed": []}
        if good:
            told = real(**{**request, "PublishBatchRequestEntries": good})
        failed = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in bad]
        return {**told, "Failed": failed}

    with monkeypatch.context() as patched:
        patched.setattr(aws.sns(), "publish_batch", publish_batch)
        pump(ordered, 2)
    assert by_subject(jobs.take()) == sent


def test_a_repeat_within_five_minutes_is_delivered_once(ordered: Stage, jobs: Queue) -> None:
    sent = store(ordered, range(4), ("/a", "/b"))
    stream = Stream(functions.load(ordered), ordered)
    with injected(aws.sns(), "PublishBatch", silence):
        stream.pump()
    assert jobs.take() == []
    for _ in range(2):  # Lambda delivers a batch twice
        pump(ordered)
    assert by_subject(jobs.take()) == sent


def test_a_replay_is_sent_however_soon(ordered: Stage, jobs: Queue) -> None:
    ordered.clusters.claim(Cluster("prod", "http://m", "f"))
    sent = store(ordered, range(3), ("/a",))["app:/a"]
    pump(ordered)
    for _ in range(2):
        command = ["replay", "--stage", ordered.name, "--app", "/a", "--rate", "100", "--yes"]
        assert events.main(command) == 0
    found = jobs.take()  # not before: moto's queues forget what was deleted
    assert [each["id"] for each in found] == sent * 3
    assert [each.get("replay", False) for each in found] == [False] * 3 + [True] * 6


def test_queues_of_a_fifo_topic_are_fifo(
    ordered: Stage, jobs: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ordered.topic_arn.endswith(f":marathon-events-{ordered.name}.fifo")
    assert subscribe.main(["--stage", ordered.name, "--list", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()[-1:]
    id_ = json.loads(line)["id"]
    name = f"marathon-events-{ordered.name}-undelivered-{id_}.fifo"
    assert client("sqs").get_queue_url(QueueName=name)
    for _ in range(2):
        assert subscribe.main(["--stage", ordered.name, "--to", jobs.arn, "--test"]) == 0
    assert [each["test"] for each in jobs.take()] == [True, True]


def test_a_standard_queue_may_subscribe_too(ordered: Stage) -> None:
    plain = queue.make(f"plain-{ordered.name}")
    assert subscribe.main(["--stage", ordered.name, "--to", plain.arn]) == 0
    sent = store(ordered, range(2), ("/a",))
    pump(ordered)
    assert by_subject(plain.take()) == sent


def test_other_subscribers_are_rejected_with_the_way_out(ordered: Stage) -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    for target in ("you@example.net", "https://hooks.example.net", function):
        with pytest.raises(Failure, match=r"only queues can subscribe .* --topic alerts"):
            subscribe.main(["--stage", ordered.name, "--to", target, "--topic", "events"])


def test_a_later_deploy_keeps_the_order_and_the_topic(ordered: Stage) -> None:
    stacks.bring_up(ordered.name)
    assert resources.find(ordered.name) == ordered
    stacks.bring_up(ordered.name, "ops@example.net")
    assert resources.find(ordered.name) == ordered


@pytest.fixture
def known(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage that the config has."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"stages": {stage.name: {}}}))
    monkeypatch.setattr(config, "CONFIG", file)
    return stage


def test_a_stage_without_order_is_refused_with_the_way_to_go(known: Stage) -> None:
    way = rf"make destroy STAGE={known.name}, then make deploy STAGE={known.name} ARGS=--ordered"
    with pytest.raises(Failure, match=way):
        deploy.main(["--stage", known.name, "--ordered", "--yes"])
    assert resources.find(known.name) == known


def test_ordered_says_what_it_rules_out_and_asks_first(
    known: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks.delete(stacks.messaging_stack(known.name))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(Failure, match="Nothing was changed"):
        deploy.main(["--stage", known.name, "--ordered"])
    told = " ".join(capsys.readouterr().err.split())
    assert "no mail address, phone number, function or HTTPS endpoint" in told
    assert resources.find(known.name).topic_arn == ""
