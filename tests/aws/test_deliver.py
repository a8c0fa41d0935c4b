"""What lies on a target's queue reaches the chat channel or pager, once, as text; what can't is
tried again or set aside.
"""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ops.doctor import stage_checks
from ops.stage import queues
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.subscribing import chat, subscriptions

import pytest
import subscribe

from chalicelib import incident_log, times
from chalicelib.records.delivery import AROUND
from chalicelib.records.incident import State
from chalicelib.records.notification import message
from chalicelib.records.silence import Silence
from chalicelib.services import aws
from chalicelib.services.store import EVERYTHING
from chalicelib.services.targets import parameter_name, queue_name, undelivered_name
from chalicelib.services.topic import Topic
from local import functions, services
from local.delivering import make_deliver
from local.functions import hand_over
from local.services import PAGERDUTY, SLACK, Services
from tests.support import queue
from tests.support.cluster import at, registered, task
from tests.support.night import Night, every_minute

HOSTILE = (
    "<!channel> <https://evil.example|click> [a](https://evil.example) @everyone <@U1> **b** <b>"
)
PAGE = "https://api.example.net/prod/#/timeline?cluster=prod&app=/shop/web_1"


class Desk:
    """Somebody who subscribes chats and pagers, and Lambda, which hands their messages over."""

    def __init__(self, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
        self.stage = stage
        self._functions = functions.load(stage)
        self._capsys = capsys
        self._receipts: dict[str, list[str]] = {}

    def run(self, *args: str) -> list[str]:
        self._capsys.readouterr()
        assert subscribe.main(["--stage", self.stage.name, *args]) == 0
        return self._capsys.readouterr().out.splitlines()

    def subscribe(self, address: str, *filters: str) -> str:
        """Subscribe it; its id."""
        before = {each["id"] for each in self.listed()}
        self.run("--to", address, *filters)
        (made,) = {each["id"] for each in self.listed()} - before
        return str(made)

    def listed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("--list", "--json")]

    def tell(self, state: str = "opened", **more: Any) -> None:
        """Publish an alert as ``watch`` does."""
        severity = more.get("severity", "error")
        attributes = {"cluster": "prod", "subject": "app:/shop/web", "severity": severity}
        text = more.get("text", f"Cluster prod: see https://evil.example/#/x\n\n{AROUND}{PAGE}\n")
        title = more.get("title", "[prod] /shop/web fails")
        made = message(title, text, attributes | {"state": state}, ["/shop/web"])
        (result,) = Topic(aws.sns(), self.stage.alerts_topic_arn).publish([made], ())
        assert result.outcome == "sent"

    def pump(self, id_: str, age: timedelta = timedelta(0)) -> list[str]:
        """Hand over what lies on a target's queue, one message each, as if it came so long ago; the
        lines that are logged.
        """
        sent_at = str(int((times.now() - age).timestamp() * 1000))
        url = self.queue(queue_name(self.stage.name, id_))
        for handle in self._receipts.pop(url, []):
            client("sqs").change_message_visibility(
                QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        self._capsys.readouterr()
        for each in queue.look(url, AttributeNames=["All"]):
            each["Attributes"]["SentTimestamp"] = sent_at
            if not hand_over(self._functions.deliver, url, [each]):
                self._receipts.setdefault(url, []).append(each["ReceiptHandle"])
        return self._capsys.readouterr().out.splitlines()

    def set_aside(self, id_: str) -> list[str]:
        """The reasons why messages could not be delivered."""
        found = queue.look(self.queue(undelivered_name(self.stage.name, id_)), VisibilityTimeout=0)
        return [each["MessageAttributes"]["reason"]["StringValue"] for each in found]

    def queue(self, name: str) -> str:
        found = queues.find(name)
        assert found is not None
        return found


@pytest.fixture
def desk(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Desk:
    stage.clusters.claim(registered())
    make_deliver(stage)
    return Desk(stage, capsys)


@pytest.fixture
def there() -> Iterator[Services]:
    with services.serving() as made:
        yield made


def logged(lines: list[str], message: str) -> dict[str, Any]:
    (found,) = [each for each in map(json.loads, lines) if each.get("message") == message]
    return dict(found)


def parameters(stage: Stage) -> list[Any]:
    """The stage's addresses in the Parameter Store."""
    named = {"Key": "Name", "Option": "BeginsWith", "Values": [f"/marathon-events/{stage.name}/"]}
    return list(client("ssm").describe_parameters(ParameterFilters=[named])["Parameters"])


# What arrives


def test_slack_gets_title_sign_text_and_link_and_markup_is_text(
    desk: Desk, there: Services
) -> None:
    id_ = desk.subscribe(SLACK)
    desk.tell(title=f"[prod] {HOSTILE}"[:99], text=f"{HOSTILE}\n\n{AROUND}{PAGE}\n")
    desk.pump(id_)
    ((shown,),) = [each["attachments"] for each in there.taken["slack"]]
    assert shown["title"].startswith("🔴 [prod] &lt;!channel&gt;")
    for text in (shown["title"], shown["text"]):
        assert "<" not in text
        assert "@everyone" not in text
    assert PAGE.replace("&", "&amp;") in shown["text"]
    assert "apprise" not in json.dumps(shown)  # no picture from elsewhere


def test_a_pager_gets_one_incident_that_is_triggered_updated_and_resolved(
    desk: Desk, there: Services
) -> None:
    id_ = desk.subscribe(PAGERDUTY)
    for state in ("opened", "ongoing", "resolved"):
        desk.tell(state)
        desk.pump(id_)
    opened, ongoing, resolved = there.taken["pagerduty"]
    assert [each["event_action"] for each in there.taken["pagerduty"]] == [
        "trigger",
        "trigger",
        "resolve",
    ]
    assert opened["dedup_key"] == ongoing["dedup_key"] == resolved["dedup_key"]
    assert opened["payload"]["summary"] == "[prod] /shop/web fails"
    assert opened["payload"]["severity"] == "critical"
    assert opened["payload"]["source"] == "prod"
    assert opened["payload"]["custom_details"]["text"].startswith("Cluster prod: see")
    assert opened["links"] == [{"href": PAGE}]
    desk.tell(severity="warning")
    desk.pump(id_)
    assert there.taken["pagerduty"][-1]["payload"]["severity"] == "warning"


@pytest.mark.parametrize(
    ("failed", "recovered", "opened"),
    [(0, 120, 1), (240, 0, 6)],
    ids=["a storm that ends one by one", "one by one, and over together"],
)
def test_a_pagers_incidents_are_all_resolved_in_the_end(
    failed: int, recovered: int, opened: int, desk: Desk, there: Services
) -> None:
    of_one = PAGERDUTY.replace("A", "B", 32)
    ids = [desk.subscribe(PAGERDUTY), desk.subscribe(of_one, "--app", "/app-0")]
    night = Night(desk.stage)
    for n in range(6):
        night.arrive(task(at("00:10:00", failed * n), f"/app-{n}", 1, "TASK_FAILED", "exit 1"))
    night.look_at(*(at("00:12:20", 120 * n) for n in range(12)))
    for n in range(6):
        end = at("00:38:00", recovered * n)
        night.arrive(task(end, f"/app-{n}", 2, "TASK_RUNNING"), end)
    night.look_at(*(at("00:53:20", 120 * n) for n in range(7)))
    for id_ in ids:
        desk.pump(id_)
    keys: dict[str, set[str]] = {"A": set(), "B": set()}
    triggered = set()
    for each in there.taken["pagerduty"]:
        whose = keys[each["routing_key"][0]]
        if each["event_action"] == "trigger":
            whose.add(each["dedup_key"])
            triggered.add((each["routing_key"], each["dedup_key"]))
        else:
            whose.discard(each["dedup_key"])
    assert keys == {"A": set(), "B": set()}
    assert len(triggered) == opened + 1
    log = incident_log.past(desk.stage.alerts_sent, "prod", EVERYTHING)
    assert len({(each.group or each.subject, each.opened_at) for each in log}) == opened
    assert all(each.resolved_at for each in log)


def test_a_webhook_gets_title_and_text_and_filters_hold(desk: Desk, there: Services) -> None:
    id_ = desk.subscribe(there.webhook, "--severity", "error", "--app", "/shop/web")
    desk.tell(severity="warning")
    desk.tell("resolved")
    desk.pump(id_)
    (taken,) = there.taken["webhook"]
    assert taken["title"] == "🟢 [prod] /shop/web fails"
    assert PAGE in taken["message"]
    assert taken["type"] == "success"


# What can't be delivered


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ((429, {"Retry-After": "120"}), 120),
        (None, 15),
    ],
)
def test_a_busy_or_broken_service_is_tried_again_when_it_says(
    fault: Any, seconds: int, desk: Desk, there: Services
) -> None:
    id_ = desk.subscribe(there.webhook)
    desk.tell()
    there.faults = [fault]
    told = logged(desk.pump(id_), "not delivered yet")
    assert told["seconds"] == seconds
    assert there.taken == {}
    desk.pump(id_)
    assert desk.pump(id_) == []
    assert len(there.taken["webhook"]) == 1
    assert there.asked == 2


def test_a_message_that_a_service_refuses_for_good_is_set_aside_with_the_reason(
    desk: Desk, there: Services
) -> None:
    id_ = desk.subscribe(SLACK)
    desk.tell()
    there.faults = [(404, {})]
    lines = desk.pump(id_)
    assert desk.set_aside(id_) == ["status 404"]
    assert there.asked == 1
    assert logged(lines, "not delivered") == logged(lines, "not delivered") | {
        "target": id_,
        "reason": "status 404",
    }
    assert "XXXX" not in "\n".join(lines)
    found = [each for each in stage_checks.check(desk.stage) if each.what == "alerts-undelivered"]
    assert [each.message for each in found] == [
        "Alerts could not be delivered to Slack ...XXXX: 1. The reason of one: status 404."
    ]
    (alarm,) = client("cloudwatch").describe_alarms(
        AlarmNamePrefix=f"marathon-events-{desk.stage.name}-to-{id_}"
    )["MetricAlarms"]
    assert "Slack ...XXXX" in alarm["AlarmDescription"]
    assert alarm["AlarmActions"] == [desk.stage.alarms_topic_arn]


def test_one_whose_address_is_gone_is_set_aside(desk: Desk, there: Services) -> None:
    id_ = desk.subscribe(there.webhook)
    client("ssm").delete_parameter(Name=parameter_name(desk.stage.name, id_))
    desk.tell()
    desk.pump(id_)
    assert desk.set_aside(id_) == ["its address is not in the Parameter Store"]
    assert [e.what for e in stage_checks.check(desk.stage) if e.what == "target-lacks"]


def test_a_message_that_is_no_alert_is_set_aside(desk: Desk, there: Services) -> None:
    id_ = desk.subscribe(there.webhook)
    url = desk.queue(queue_name(desk.stage.name, id_))
    for body in (
        "{}",
        "[]",
        "no JSON",
        '{"Subject": "x", "Message": "y", "MessageAttributes": {}}',
    ):
        client("sqs").send_message(QueueUrl=url, MessageBody=body)
    desk.pump(id_)
    assert len(desk.set_aside(id_)) == 4
    assert there.asked == 0


@pytest.mark.parametrize(("later", "sent"), [("resolved", 0), ("ongoing", 1)])
def test_an_overtaken_alert_is_not_sent(
    later: State, sent: int, desk: Desk, there: Services
) -> None:
    id_ = desk.subscribe(PAGERDUTY)
    desk.tell("opened")
    attributes = {"severity": "error", "subject": "app:/shop/web"}
    told = message("[prod] later", "text", attributes, ["/shop/web"])
    desk.stage.alerts_sent.note("prod", later, told, times.now())
    desk.pump(id_, timedelta(hours=1))
    assert there.asked == sent
    assert desk.set_aside(id_) == []


def test_an_alert_undelivered_for_hours_is_set_aside(desk: Desk, there: Services) -> None:
    id_ = desk.subscribe(there.webhook)
    desk.tell()
    there.faults = [(503, {}), (503, {})]
    desk.pump(id_, timedelta(hours=5))
    assert desk.set_aside(id_) == []
    desk.pump(id_, timedelta(hours=7))
    assert desk.set_aside(id_) == ["given up, last status 503"]


def test_one_that_fails_holds_up_no_other(desk: Desk, there: Services) -> None:
    broken, well = desk.subscribe(SLACK), desk.subscribe(there.webhook)
    desk.tell()
    there.faults = [(500, {})]
    desk.pump(broken)
    desk.pump(well)
    assert len(there.taken["webhook"]) == 1


# Around it


def test_a_test_opens_and_resolves_one_and_nobody_else_hears_it(
    desk: Desk, there: Services
) -> None:
    pager, other = desk.subscribe(PAGERDUTY), desk.subscribe(there.webhook)
    (line,) = desk.run("--to", PAGERDUTY, "--test")
    assert line.startswith("Sent to Pager Duty ...")
    desk.pump(pager)
    desk.pump(other)
    assert there.taken.keys() == {"pagerduty"}
    (opened,) = there.taken["pagerduty"]  # SQS keeps the second for a while
    assert opened["payload"]["summary"].startswith("Test: [")
    url = desk.queue(queue_name(desk.stage.name, pager))
    delayed = queues.attributes(url, ["ApproximateNumberOfMessagesDelayed"])
    assert delayed == {"ApproximateNumberOfMessagesDelayed": "1"}


def test_all_goes_with_its_removal_and_the_address_is_shown_nowhere(
    desk: Desk, there: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SLACK}\n"))
    id_ = desk.subscribe("-")
    (listed,) = desk.listed()
    assert (listed["protocol"], listed["target"], listed["topic"]) == (
        "chat",
        "Slack ...XXXX",
        "alerts",
    )
    assert SLACK[-10:] not in json.dumps(listed)
    (ours,) = parameters(desk.stage)
    assert ours["Type"] == "SecureString"
    desk.run("--to", id_, "--remove")
    assert parameters(desk.stage) == []
    assert queues.find_all(f"marathon-events-{desk.stage.name}-to-") == []
    assert queues.find_all(f"marathon-events-{desk.stage.name}-undelivered-") == []
    alarms = client("cloudwatch").describe_alarms(
        AlarmNamePrefix=f"marathon-events-{desk.stage.name}-to-"
    )
    assert alarms["MetricAlarms"] == []
    mappings = client("lambda").list_event_source_mappings(
        FunctionName=f"marathon-events-{desk.stage.name}-deliver"
    )
    assert mappings["EventSourceMappings"] == []
    assert desk.listed() == []


def test_destroying_a_stage_leaves_nothing_of_its_targets(desk: Desk, there: Services) -> None:
    desk.subscribe(SLACK)
    subscriptions.remove_all(desk.stage)
    assert list(chat.all_of(desk.stage)) == []
    assert parameters(desk.stage) == []


def test_the_doctor_sees_a_target_that_nothing_reads(desk: Desk, there: Services) -> None:
    desk.subscribe(SLACK)
    (mapping,) = client("lambda").list_event_source_mappings(
        FunctionName=f"marathon-events-{desk.stage.name}-deliver"
    )["EventSourceMappings"]
    client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    (found,) = [e for e in stage_checks.check(desk.stage) if e.what == "target-lacks"]
    assert found.level == "error"
    assert "Slack ...XXXX lacks its event source mapping" in found.message
    desk.run("--to", SLACK)
    assert not [e for e in stage_checks.check(desk.stage) if e.what == "target-lacks"]


def test_a_night_is_heard_muted_by_a_silence_and_resolved(desk: Desk, there: Services) -> None:
    chat_id, pager = desk.subscribe(SLACK), desk.subscribe(PAGERDUTY)
    night = Night(desk.stage)

    def deliver() -> None:
        desk.pump(chat_id)
        desk.pump(pager)

    quiet = Silence("s1", at("00:00:00"), at("00:40:00"), "new rack", "ada", apps=("/quiet",))
    desk.stage.incidents.add_silence(quiet)
    night.arrive(task(at("00:10:00"), "/quiet", 1, "TASK_FAILED", "exit 1"))
    night.arrive(task(at("00:10:00"), "/shop/web", 1, "TASK_FAILED", "exit 1"))
    night.look_at(*every_minute(at("00:12:20"), 3))
    deliver()
    (heard,) = there.taken["slack"]
    assert "/shop/web" in heard["attachments"][0]["title"]
    (opened,) = there.taken["pagerduty"]
    for app in ("/quiet", "/shop/web"):
        night.arrive(task(at("00:16:00"), app, 2, "TASK_RUNNING"), at("00:16:00"))
    night.look_at(*every_minute(at("00:16:20"), 30))
    deliver()
    _, over = there.taken["slack"]
    assert over["attachments"][0]["title"].startswith("🟢")
    _, resolved = there.taken["pagerduty"]
    assert (opened["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == resolved["dedup_key"]
    assert "/quiet" not in json.dumps(there.taken)
