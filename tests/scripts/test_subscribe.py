"""scripts/subscribe.py: who is subscribed, to what, and what that needs."""

import json
import re
import uuid
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.stage import queues, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.subscribing import chat, subscriptions, targets
from ops.subscribing.filters import Filters
from ops.subscribing.targets import Target

import pytest
import subscribe

from chalicelib.records.notification import notification
from chalicelib.services import aws
from chalicelib.services.clusters import Cluster
from chalicelib.services.topic import Topic
from local.delivering import make_deliver
from tests.support import queue
from tests.support.desk import Desk
from tests.support.lambdas import make_function, make_role
from tests.support.proxy import Exchange, Proxy
from tests.support.queue import Queue
from tests.support.records import record

MAIL = "you@example.net"
WORKFLOW = (
    "https://prod-161.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64"
    "/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0"
    "&sig=KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3Ws"
)
POWER = "default0123.0c.environment.api.powerplatform.com"
HOOK = "https://hooks.example.net/in/s3cret"
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"


class Subscriptions(Desk):
    """Somebody who subscribes others to a stage."""

    def listed(self) -> list[dict[str, Any]]:
        return self.json("--list")

    def publish(self, cluster: str = "prod", **event: Any) -> str:
        made = record(cluster, **event)
        (result,) = Topic(aws.sns(), self.stage.topic_arn).publish([notification(made)], ())
        assert result.outcome == "sent"
        return made.id


@pytest.fixture
def desk(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Subscriptions:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    return Subscriptions(subscribe.main, stage, capsys)


@pytest.fixture
def jobs(aws: str) -> Iterator[Queue]:
    made = queue.make(f"jobs-{uuid.uuid4().hex[:8]}")
    yield made
    client("sqs").delete_queue(QueueUrl=made.url)


# What a target is


STAGE = Stage("prod", "", "", alerts_topic_arn="arn:aws:sns:us-east-1:123456789012:alerts")


def test_a_target_is_recognised() -> None:
    for text, made in (
        ("you@example.net", Target("email", "you@example.net")),
        ("+49 170 123-4567", Target("sms", "+491701234567")),
        (HOOK, Target("https", HOOK)),
    ):
        assert targets.target(text, STAGE) == made
    for arn in (
        "arn:aws:sqs:eu-west-1:123456789012:jobs",
        "arn:aws-cn:sqs:cn-north-1:123456789012:jobs.fifo",
        "arn:aws:lambda:eu-west-1:123456789012:function:notify:live",
    ):
        assert targets.target(arn, STAGE) == Target(arn.split(":")[2], arn)


@pytest.mark.parametrize(
    "address",
    [
        WORKFLOW,
        WORKFLOW.replace(":443", "").replace("prod-161.westeurope.logic.azure", "a.logic.azure"),
        WORKFLOW.replace("prod-161.westeurope.logic.azure.com", POWER).replace(
            "/workflows", "/powerautomate/automations/direct/workflows"
        ),
        WORKFLOW.replace("prod-161.westeurope.logic.azure.com", POWER).replace(
            "/workflows", "/powerautomate/automations/direct/cu/12/workflows"
        ),
    ],
)
def test_teams_own_addresses_of_workflows_are_taken(address: str) -> None:
    made = targets.target(address, STAGE)
    assert made.label == "Power Automate / Workflows for MSTeams ...W3Ws"
    assert "KODu" not in repr(made)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://example.net/in", "unencrypted"),
        ("https://", "is not a target"),
        ("https://[", "is not a target"),
        ("+0123", "is not a target"),
        ("arn:aws:s3:::bucket", "is not a target"),
        ("you", "Give a mail address, a phone number"),
        ("bot:secret@host.example", "That is not a target"),
        ("slak://a/b/c", "Did you mean slack://"),
        ("pagerduty://", "Its forms: pagerduty://"),
        ("msteams://team/a/b/c", "'https://….logic.azure.com:443/workflows/…&sig=…'"),
        ("https://x.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d", "make a workflow"),
        ("https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", "make a workflow"),
        (WORKFLOW.partition("&")[0], "Put it in quotes"),
        (
            "https://bot:secret@hooks.slack.com/services/T0/B0",
            "Slack's are https://hooks.slack.com/",
        ),
        ("https://discord.com/channels/1/2", "Discord's are"),
        ("https://api.telegram.org/bot1:a/sendMessage", "Give tgram://"),
        ("https://events.eu.pagerduty.com/integration/a/enqueue", "Give pagerduty://"),
        ("https://api.opsgenie.com/v2/alerts", "Give opsgenie://"),
        ("tgram://123456789:abcdefg_hijklmnop/1/2", "names no place, or several"),
        ("syslog://", "for one machine alone"),
    ],
)
def test_invalid_targets_are_rejected_with_the_valid_kinds(text: str, why: str) -> None:
    with pytest.raises(Failure, match=re.escape(why)):
        targets.target(text, STAGE)


# Queues


def test_a_queue_gets_what_it_asked_for_and_nothing_else(desk: Subscriptions, jobs: Queue) -> None:
    asked = ["--app", "/shop", "--app", "/web", "--severity", "notice", "--cluster", "prod"]
    (line,) = desk.run("--to", jobs.arn, *asked)
    assert line.endswith(": --cluster prod --app /shop --app /web --severity notice.")
    assert "--test" in desk.told
    wanted = [desk.publish(appId="/shop"), desk.publish(appId="/web")]
    desk.publish(appId="/other")
    desk.publish(appId="/shop", cluster="east")
    desk.publish(appId="/shop", eventType="add_health_check_event")
    found = jobs.take()
    assert [each["id"] for each in found] == wanted
    assert found[0]["event"]["appId"] == "/shop"  # raw: the notification itself


def test_the_queues_policy_is_added_to_and_given_back(desk: Subscriptions, jobs: Queue) -> None:
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": "123456789012"},
        "Action": "sqs:ReceiveMessage",
        "Resource": jobs.arn,
    }
    policy = {"Version": "2012-10-17", "Id": "x", "Statement": theirs}  # one, without a list
    client("sqs").set_queue_attributes(QueueUrl=jobs.url, Attributes={"Policy": json.dumps(policy)})
    for _ in range(2):
        desk.run("--to", jobs.arn)
        first, ours = jobs.statements()
        assert first == theirs
        assert ours["Principal"] == {"Service": "sns.amazonaws.com"}
        assert ours["Action"] == "sqs:SendMessage"
        assert ours["Condition"] == {"ArnEquals": {"aws:SourceArn": desk.stage.topic_arn}}
        assert re.fullmatch("[A-Za-z0-9]+", ours["Sid"])
    desk.run("--to", jobs.arn, "--topic", "alerts")
    assert len(jobs.statements()) == 3
    desk.run("--to", jobs.arn, "--topic", "alerts", "--remove")
    desk.run("--to", jobs.arn, "--remove")
    assert json.loads(jobs.attribute("Policy"))["Id"] == "x"
    assert jobs.statements() == [theirs]


def test_a_queue_without_a_policy_has_none_afterwards(desk: Subscriptions, jobs: Queue) -> None:
    desk.run("--to", jobs.arn)
    assert len(jobs.statements()) == 1
    desk.run("--to", jobs.arn, "--remove")
    assert jobs.statements() == []


def test_subscribing_again_changes_the_filters_and_doubles_nothing(
    desk: Subscriptions, jobs: Queue
) -> None:
    desk.run("--to", jobs.arn, "--app", "/shop")
    (line,) = desk.run("--to", jobs.arn, "--severity", "error")
    assert "already. It now gets: --severity error." in line
    assert "15 minutes" in desk.told
    (found,) = desk.listed()
    assert found["filters"] == {"severity": "error"}
    desk.run("--to", jobs.arn)
    (found,) = desk.listed()
    assert found["filters"] == {}
    desk.publish(appId="/any")
    assert len(jobs.take()) == 1


def test_a_filter_on_the_body_gives_way_to_one_on_attributes(
    desk: Subscriptions, jobs: Queue
) -> None:
    client("sns").subscribe(
        TopicArn=desk.stage.topic_arn,
        Protocol="sqs",
        Endpoint=jobs.arn,
        Attributes={"FilterPolicyScope": "MessageBody", "FilterPolicy": '{"event": {"a": ["b"]}}'},
    )
    (line,) = desk.run("--list")
    assert 'MessageBody: {"event": {"a": ["b"]}}' in line
    with pytest.raises(Failure, match="about the message's body"):
        desk.run("--to", jobs.arn, "--test")
    desk.run("--to", jobs.arn, "--severity", "error")
    (found,) = desk.listed()
    assert (found["scope"], found["filters"]) == ("MessageAttributes", {"severity": "error"})


@pytest.mark.parametrize(
    ("key", "told"), [("alias/aws/sqs", "which SNS can't use"), ("alias/ours", "kms:Decrypt")]
)
def test_a_queue_with_its_own_key_is_subscribed_with_a_warning(
    desk: Subscriptions, jobs: Queue, key: str, told: str
) -> None:
    client("sqs").set_queue_attributes(QueueUrl=jobs.url, Attributes={"KmsMasterKeyId": key})
    desk.run("--to", jobs.arn)
    assert told in desk.told


def test_undelivered_messages_are_kept_and_listed(desk: Subscriptions, jobs: Queue) -> None:
    desk.run("--to", jobs.arn)
    (subscription,) = subscriptions.all_of(desk.stage)
    (url,) = queues.find_all(f"marathon-events-{desk.stage.name}-undelivered-")
    kept = Queue(url, "")
    assert kept.attribute("SqsManagedSseEnabled") == "true"
    assert kept.attribute("MessageRetentionPeriod") == str(14 * 86_400)
    tls, sns = kept.statements()
    assert tls["Effect"] == "Deny"
    assert sns["Condition"] == {"ArnEquals": {"aws:SourceArn": desk.stage.topic_arn}}
    told = client("sns").get_subscription_attributes(SubscriptionArn=subscription.arn)
    redrive = json.loads(told["Attributes"]["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": kept.attribute("QueueArn")}

    client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    assert desk.run("--list")[0].endswith("  (1 undelivered)")
    assert desk.listed()[0]["undelivered"] == 1
    desk.run("--to", jobs.arn, "--remove")
    assert f"undelivered-{subscription.id}" in desk.told
    assert desk.listed() == []
    desk.run("--to", jobs.arn)
    kept.take()
    desk.run("--to", jobs.arn, "--remove")
    assert queues.find_all(f"marathon-events-{desk.stage.name}-undelivered-") == []


def test_a_deleted_queue_can_be_unsubscribed(desk: Subscriptions) -> None:
    gone = queue.make("soon-gone")
    desk.run("--to", gone.arn)
    client("sqs").delete_queue(QueueUrl=gone.url)
    desk.run("--to", gone.arn, "--remove")
    assert desk.listed() == []
    with pytest.raises(Failure, match="no queue soon-gone"):
        desk.run("--to", gone.arn)


def test_an_interrupted_removal_can_be_repeated(desk: Subscriptions, jobs: Queue) -> None:
    desk.run("--to", jobs.arn)
    (found,) = desk.listed()
    client("sns").unsubscribe(SubscriptionArn=found["arn"])
    with pytest.raises(Failure, match="is not subscribed to the events"):
        desk.run("--to", jobs.arn, "--remove")
    assert jobs.statements() == []
    assert queues.find_all(f"marathon-events-{desk.stage.name}-undelivered-") == []


def test_queues_of_stages_with_longer_names_are_not_this_stages(
    desk: Subscriptions, jobs: Queue
) -> None:
    desk.run("--to", jobs.arn)
    (own,) = queues.find_all(f"marathon-events-{desk.stage.name}-undelivered-")
    names = [
        f"marathon-events-{desk.stage.name}-{word}"
        for word in ("to-spill", "undelivered-spill", "undelivered-undelivered-0123abcd")
    ]
    others = [queue.make(each) for each in names]
    desk.run("--to", others[0].arn)
    assert {each["target"] for each in desk.listed()} == {jobs.arn, others[0].arn}
    assert list(chat.all_of(desk.stage)) == []
    subscriptions.remove_all(desk.stage)
    assert queues.find(queues.name_of(own)) is None
    assert all(queues.find(each) for each in names)


# Functions


def test_a_function_may_be_invoked_by_the_topic_and_no_longer_afterwards(
    desk: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "_DELETED_SECONDS", 0)
    name = f"notify-{desk.stage.name}"
    arn = make_function(name, make_role(name))
    for _ in range(2):
        desk.run("--to", arn, "--type", "deployment_failed")
        policy = json.loads(client("lambda").get_policy(FunctionName=name)["Policy"])
        (statement,) = policy["Statement"]
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Action"] == "lambda:InvokeFunction"
        assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": desk.stage.topic_arn}}
    (found,) = desk.listed()
    assert (found["protocol"], found["filters"]) == ("lambda", {"type": ["deployment_failed"]})
    assert found["undelivered"] == 0
    desk.run("--to", arn, "--remove")
    with pytest.raises(client("lambda").exceptions.ResourceNotFoundException):
        client("lambda").get_policy(FunctionName=name)
    desk.run("--to", arn)
    client("lambda").delete_function(FunctionName=name)
    desk.run("--to", arn, "--remove")


# People, and URLs


def test_people_get_the_alerts(desk: Subscriptions) -> None:
    (line,) = desk.run("--to", MAIL, "--app", "/shop/*", "--state", "opened")
    assert line.endswith(
        f"{MAIL} to the alerts of stage {desk.stage.name}: --app '/shop/*' --state opened."
    )
    desk.run("--to", "+491701234567")
    assert "sandbox" in desk.told
    mail, phone = desk.listed()
    assert (mail["topic"], phone["topic"]) == ("alerts", "alerts")
    assert mail["undelivered"] is None
    assert desk.run("--list")[1].endswith("+491701234567  everything")
    desk.run("--to", MAIL, "--remove")
    assert [each["target"] for each in desk.listed()] == ["+491701234567"]


def unconfirmed(exchange: Exchange) -> None:
    """As on AWS before the link is followed; moto confirms by itself."""
    status, headers, body = exchange.ask()
    pending = re.sub(rb"(<SubscriptionArn>)arn:[^<]*", rb"\1PendingConfirmation", body)
    pending = re.sub(rb"(<key>PendingConfirmation</key>\s*<value>)false", rb"\1true", pending)
    exchange.answer(status, pending, headers)


def test_an_unconfirmed_subscription_is_listed_as_such(
    between_scripts: Proxy, desk: Subscriptions
) -> None:
    with between_scripts.fault("GetSubscriptionAttributes", unconfirmed):
        desk.run("--to", MAIL)
        assert f"SNS sends a mail to {MAIL}" in desk.told
        desk.run("--to", HOOK)
        assert "must visit the SubscribeURL" in desk.told
        assert "s3cret" not in desk.told
    with between_scripts.fault("ListSubscriptionsByTopic", unconfirmed):
        assert desk.run("--list")[1].endswith(
            f"alerts  {MAIL}  filters not known yet  (waits for its confirmation)"
        )
        assert [each["confirmed"] for each in desk.listed()] == [False, False]
        with pytest.raises(Failure, match="has not confirmed its subscription, so SNS delivers"):
            desk.run("--to", MAIL, "--test")
        with pytest.raises(Failure, match="It expires two days"):
            desk.run("--to", MAIL, "--remove")
        (line,) = desk.run("--to", MAIL, "--severity", "error")
        assert " already. It now gets: " in line
    assert [each["filters"] for each in desk.listed()] == [{}, {"severity": "error"}]


def test_a_url_is_shown_without_its_secret_part(desk: Subscriptions) -> None:
    (line,) = desk.run("--to", HOOK.replace("hooks", "me:pw@hooks"))
    shown = [line, *desk.run("--list"), json.dumps(desk.listed())]
    assert all("https://hooks.example.net/***" in each for each in shown)
    assert not any(secret in each for each in shown for secret in ("s3cret", "pw@"))
    (found,) = desk.listed()
    told = client("sns").get_subscription_attributes(SubscriptionArn=found["arn"])["Attributes"]
    assert told["RawMessageDelivery"] == "false"
    desk.run("--to", found["id"], "--remove")
    assert desk.listed() == []


REFUSED = [
    ([MAIL, "--topic", "events"], "more than ten messages a second"),
    (["+491701234567", "--topic", "events"], "An SMS has 1,600 characters"),
    ([MAIL, "--type", "deployment_failed"], "--type does not fit the alerts topic"),
    (["arn:aws:sqs:us-east-1:123456789012:jobs.fifo"], "is not ordered"),
    (["arn:aws:sqs:eu-west-1:123456789012:jobs"], "another account or region"),
    (["arn:aws:lambda:us-east-1:210987654321:function:f"], "another account or region"),
    (["nobody"], "is not a target"),
    (["0123abcd", "--test"], "0123abcd is not subscribed"),
    ([MAIL, "--test"], f"{MAIL} is not subscribed"),
    ([MAIL, "--remove"], f"{MAIL} is not subscribed"),
]


def test_impossible_subscriptions_are_rejected_with_a_reason(desk: Subscriptions) -> None:
    for args, why in REFUSED:
        with pytest.raises(Failure, match=why):
            desk.run("--to", *args)
    assert desk.listed() == []


@pytest.mark.parametrize(
    "wrong",
    [[], ["--json"], ["--list", "--app", "/a"], ["--to", MAIL, "--state", "x"], ["--to", ""]],
)
def test_a_wrong_argument_is_refused_with_the_usage(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        subscribe.main(wrong)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_unknown_values_of_filters_are_accepted_with_a_hint(
    desk: Subscriptions, jobs: Queue
) -> None:
    desk.run(
        "--to", jobs.arn, "--type", "deployment_fail", "--status", "TASK_LOOST", "--cluster", "east"
    )
    assert "Did you mean deployment_failed?" in desk.told
    assert "Did you mean TASK_LOST?" in desk.told
    assert "no cluster 'east' yet. Registered: prod." in desk.told
    assert "so it will hear nothing" in desk.told
    with pytest.raises(Failure, match="No event of Marathon"):
        desk.run("--to", jobs.arn, "--test")


def test_mail_on_the_events_topic_needs_a_severity_and_is_warned(desk: Subscriptions) -> None:
    desk.run("--to", MAIL, "--topic", "events", "--severity", "error")
    assert "more than ten messages a second" in desk.told
    desk.run("--to", MAIL)
    with pytest.raises(Failure, match="to both topics"):
        desk.run("--to", MAIL, "--test")
    desk.run("--to", MAIL, "--remove", "--topic", "events")
    assert [each["topic"] for each in desk.listed()] == ["alerts"]


# Trying it out


def test_a_sample_reaches_the_subscriber_and_others_are_named(
    desk: Subscriptions, jobs: Queue
) -> None:
    desk.run("--to", jobs.arn, "--app", "/shop", "--severity", "error")
    desk.run("--to", MAIL, "--topic", "events", "--severity", "error")
    desk.run("--to", "+491701234567")
    (line,) = desk.run("--to", jobs.arn, "--test")
    assert line.startswith(f"Sent to {jobs.arn}: Test: ")
    assert f"It goes to {MAIL} too" in desk.told
    assert "+491701234567" not in desk.told
    (message,) = jobs.take()
    assert message["test"] is True
    assert (message["severity"], message["app"], message["cluster"]) == ("error", "/shop", "prod")
    (found,) = [each for each in desk.listed() if each["protocol"] == "sqs"]
    for name in (found["id"], found["arn"]):
        desk.run("--to", name, "--test")
    assert len(jobs.take()) == 2


def test_a_sample_alert_can_be_sent(desk: Subscriptions, jobs: Queue) -> None:
    desk.run("--to", jobs.arn, "--topic", "alerts", "--state", "resolved", "--severity", "error")
    (line,) = desk.run("--to", jobs.arn, "--test")
    assert line.endswith("Test: [prod] error of /test/sample: resolved")
    (message,) = jobs.take()
    assert message["Subject"].startswith("Test: ")
    assert "Nothing is wrong." in message["Message"]


def test_a_stage_older_than_alerts_says_so(
    desk: Subscriptions, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Stage(**{**vars(desk.stage), "alerts_topic_arn": ""})
    with pytest.raises(Failure, match="has no alerts topic yet"):
        subscriptions.subscribe(old, targets.target(MAIL, old), "alerts", Filters())
    assert list(subscriptions.all_of(old)) == []


def documented_policy() -> Any:
    section = (ROOT / "docs" / "subscribers.md").read_text().partition("## Rights")[2]
    return json.loads(section.partition("```json")[2].partition("```")[0])


@pytest.mark.parametrize(("stage", "granted"), [("prod", True), ("prod-eu", False), ("x", False)])
def test_the_documented_rights_are_on_this_stages_resources_alone(
    stage: str, granted: bool
) -> None:
    resources: list[str] = []
    for each in documented_policy()["Statement"]:
        named = each["Resource"]
        resources += [named] if isinstance(named, str) else named
    resources.remove("*")  # event source mappings, which have no names
    where = "eu-west-1:123456789012:"
    called = [
        *(
            f"cloudformation:{where}stack/{each(stage)}/1f0c9a3e"
            for each in (stacks.table_stack, stacks.messaging_stack, stacks.whole_stack)
        ),
        f"sqs:{where}marathon-events-{stage}-undelivered-1f0c9a3e",
        f"sqs:{where}marathon-events-{stage}-undelivered-1f0c9a3e.fifo",
        f"sqs:{where}marathon-events-{stage}-to-1f0c9a3e",
        *(f"sns:{where}marathon-events-{stage}{each}" for each in ("", ".fifo", "-alerts")),
        *(f"sns:{where}marathon-events-{stage}{each}:1f0c" for each in ("", ".fifo", "-alerts")),
        f"dynamodb:{where}table/marathon-events-{stage}",
    ]
    for arn in called:
        assert any(fnmatchcase(f"arn:aws:{arn}", each) for each in resources) == granted, arn


def test_the_documented_rights_are_the_needed_ones(desk: Subscriptions, jobs: Queue) -> None:
    policy = documented_policy()
    listed = {action for each in policy["Statement"] for action in each["Action"]}
    called = set()

    def note(model: Any, **_: Any) -> None:
        name = model.name.removesuffix("Batch")  # PublishBatch has no right of its own
        service = model.service_model.endpoint_prefix.replace("monitoring", "cloudwatch")
        called.add(f"{service}:{name}")

    clients = [
        aws.sns(),
        *map(client, ("sns", "sqs", "lambda", "ssm", "cloudwatch", "dynamodb", "cloudformation")),
    ]
    for each in clients:
        each.meta.events.register("before-call", note)
    function = make_function(f"rights-{desk.stage.name}", make_role(f"rights-{desk.stage.name}"))
    make_deliver(desk.stage)
    for target in (function, jobs.arn, MAIL, SLACK):
        desk.run("--to", target)
        desk.run("--to", target, "--severity", "error")
    desk.run("--list")
    desk.run("--to", function, "--remove")
    desk.run("--to", jobs.arn, "--test")
    desk.run("--to", jobs.arn, "--remove")
    desk.run("--to", SLACK, "--test")
    desk.run("--to", SLACK, "--remove")
    for each in clients:
        each.meta.events.unregister("before-call", note)
    # What the test itself does, and what comes with making a queue that has tags.
    assert (called - {"lambda:CreateFunction"}) | {"sqs:TagQueue"} == listed
