"""The templates, as far as no emulator shows it: what is encrypted, kept, and for how long."""

import ast
import json
from typing import Any, get_args

from ops import ROOT
from ops.deploying.functions import FUNCTIONS
from ops.stage.config import config, function_settings
from ops.stage.stacks import TEMPLATES

import pytest

import app
from chalicelib import log, restore
from chalicelib.ingest import Outcome, Receipt
from chalicelib.records.record import SUMMARY
from chalicelib.web import answers
from tests.support.templates import resources

TABLE = resources("table.yaml")["EventsTable"]
STAGE = resources("messaging.yaml")


def of_type(kind: str) -> list[dict[str, Any]]:
    return [each for each in STAGE.values() if each["Type"] == kind]


def test_the_table_outlives_its_stack_and_is_backed_up_and_encrypted() -> None:
    assert TABLE["DeletionPolicy"] == "RetainExceptOnCreate"
    assert TABLE["UpdateReplacePolicy"] == "Retain"
    wanted = {
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    }
    assert {name: TABLE["Properties"][name] for name in wanted} == wanted


@pytest.mark.parametrize("index", TABLE["Properties"]["GlobalSecondaryIndexes"])
def test_the_indexes_hold_no_body_and_no_more_than_they_may(index: dict[str, Any]) -> None:
    projected = index["Projection"]["NonKeyAttributes"]
    assert "body" not in projected
    assert len(projected) <= 20
    # A summary is whole when it comes from the index: id, cluster, subject and timestamp follow
    # from the keys.
    assert set(SUMMARY) - {"id", "subject", "timestamp"} <= set(projected)


def test_topics_and_queues_are_encrypted() -> None:
    for topic in ("EventsTopic", "AlertsTopic"):
        assert STAGE[topic]["Properties"]["KmsMasterKeyId"] == "alias/aws/sns"
    for queue in of_type("AWS::SQS::Queue"):
        assert queue["Properties"]["SqsManagedSseEnabled"] is True


def test_only_an_ordered_stages_events_topic_is_fifo() -> None:
    topic = STAGE["EventsTopic"]["Properties"]
    for name in ("TopicName", "FifoTopic", "FifoThroughputScope"):
        assert "Fn::If" in topic[name]
    assert "FifoTopic" not in STAGE["AlertsTopic"]["Properties"]


def test_topics_and_queues_take_nothing_without_tls() -> None:
    policies = of_type("AWS::SNS::TopicPolicy") + of_type("AWS::SQS::QueuePolicy")
    assert len(policies) == 4
    for policy in policies:
        first = policy["Properties"]["PolicyDocument"]["Statement"][0]
        assert first["Effect"] == "Deny"
        assert first["Principal"] == "*"
        assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_queues_keep_two_weeks_and_the_spill_hardly_ever_gives_up() -> None:
    for queue in of_type("AWS::SQS::Queue"):
        assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 86_400
    assert STAGE["SpillQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 1000


def test_the_spill_waits_six_times_as_long_as_restore_may_take() -> None:
    timeout = STAGE["SpillQueue"]["Properties"]["VisibilityTimeout"]
    for stage in config()["stages"]:
        assert timeout >= 6 * function_settings(stage, "restore")["lambda_timeout"]


def test_every_function_has_a_log_group_with_retention() -> None:
    names = {
        json.dumps(group["Properties"]["LogGroupName"])
        for group in of_type("AWS::Logs::LogGroup")
        if "RetentionInDays" in group["Properties"]
    }
    assert names == {
        json.dumps({"Fn::Sub": f"/aws/lambda/{each.lambda_name('${Stage}')}"}) for each in FUNCTIONS
    }


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_has_an_alarm_on_what_fails_silently(metric: str) -> None:
    watched = [
        alarm["Properties"]["Dimensions"][0]["Value"]
        for alarm in ALARMS
        if alarm["Properties"].get("MetricName") == metric
    ]
    assert watched == [{"Fn::Sub": each.lambda_name("${Stage}")} for each in FUNCTIONS]


ALARMS = of_type("AWS::CloudWatch::Alarm")

# What AWS itself emits, from its documentation: namespace, metric, dimensions.
BY_AWS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",)),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", ("QueueName",)),
    ("AWS/SNS", "NumberOfNotificationsRedrivenToDlq", ("TopicName",)),
    ("AWS/SNS", "NumberOfNotificationsFailed", ("TopicName",)),
    ("AWS/Lambda", "IteratorAge", ("FunctionName",)),
    ("AWS/Lambda", "Errors", ("FunctionName",)),
    ("AWS/Lambda", "Throttles", ("FunctionName",)),
    ("AWS/Lambda", "Invocations", ("FunctionName",)),
    ("AWS/ApiGateway", "4XXError", ("ApiName", "Stage")),
    ("AWS/ApiGateway", "5XXError", ("ApiName", "Stage")),
}


# Of the dashboard alone.
BY_AWS_TOO = {
    ("AWS/ApiGateway", "Count", ("ApiName", "Stage")),
    ("AWS/ApiGateway", "Latency", ("ApiName", "Stage")),
    ("AWS/Lambda", "Invocations", ("FunctionName",)),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", ("TableName",)),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", ("TableName", "GlobalSecondaryIndexName")),
    ("AWS/SNS", "NumberOfMessagesPublished", ("TopicName",)),
    ("AWS/Logs", "IncomingBytes", ("LogGroupName",)),
}


def widgets() -> list[dict[str, Any]]:
    body = STAGE["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return list(json.loads(body)["widgets"])


def shown() -> list[tuple[str, str, dict[str, str]]]:
    """Each metric of the dashboard: namespace, name, dimensions."""
    found = []
    for widget in widgets():
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], str):
                namespace, name, *dimensions = metric[:-1]
                pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
                found.append((namespace, name, dict(pairs)))
    return found


def by_the_code(function: str) -> set[str]:
    """The metrics that a function emits, read from its source."""
    module = "web/answers" if function == "api" else function
    source = ROOT / "chalicelib" / f"{module}.py"
    found = set(answers.METRICS.values()) if function == "api" else set()
    found |= set(get_args(restore.Outcome)) if function == "restore" else set()
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr="metrics"), args=[ast.Dict(keys=keys)]):
                found |= {str(each.value) for each in keys if isinstance(each, ast.Constant)}
    return found


FUNCTION_NAMES = {
    f"marathon-events-${{Stage}}{'' if name == 'api' else f'-{name}'}": name
    for name in (each.name for each in FUNCTIONS)
}


def test_the_dashboard_shows_only_what_somebody_emits() -> None:
    for namespace, name, dimensions in shown():
        if namespace == log.NAMESPACE:
            assert set(dimensions) == {"Function"}
            assert name in by_the_code(FUNCTION_NAMES[dimensions["Function"]])
        else:
            assert (namespace, name, tuple(dimensions)) in BY_AWS | BY_AWS_TOO
        if function := dimensions.get("FunctionName"):
            assert function in FUNCTION_NAMES
        if group := dimensions.get("LogGroupName"):
            assert group.removeprefix("/aws/lambda/") in FUNCTION_NAMES


def test_every_outcome_and_every_function_and_every_index_is_on_the_dashboard() -> None:
    ours = {name for namespace, name, _ in shown() if namespace == log.NAMESPACE}
    assert set(answers.METRICS.values()) <= ours
    for metric, dimension in (("Errors", "FunctionName"), ("IncomingBytes", "LogGroupName")):
        names = {found[dimension] for _, name, found in shown() if name == metric}
        assert {each.removeprefix("/aws/lambda/") for each in names} == set(FUNCTION_NAMES)
    indexes = {found.get("GlobalSecondaryIndexName") for _, _, found in shown()}
    made = {each["IndexName"] for each in TABLE["Properties"]["GlobalSecondaryIndexes"]}
    assert made == indexes - {None}


def test_the_burst_that_a_latency_tolerates_is_forty_seconds_by_it() -> None:
    (burst,) = [each["properties"] for each in widgets() if "Burst" in each["properties"]["title"]]
    (computed,), latency = burst["metrics"]
    assert computed["expression"] == f"40000 / {latency[-1]['id']}"  # milliseconds
    assert latency[:2] == ["AWS/ApiGateway", "Latency"]


def test_every_alarm_is_on_the_dashboard() -> None:
    (alarms,) = [each["properties"]["alarms"] for each in widgets() if each["type"] == "alarm"]
    named = [alarm["Properties"]["AlarmName"]["Fn::Sub"] for alarm in ALARMS]
    assert sorted(each.rpartition(":")[2] for each in alarms) == sorted(named)


def test_no_template_is_larger_than_a_request_may_have_it() -> None:
    for template in TEMPLATES.glob("*.yaml"):
        assert template.stat().st_size <= 51_200


def emitted(outcome: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str, tuple[str, ...]]:
    """The metric that the code emits for an outcome of a request."""

    class Always:
        def receive(self, token: str | None, body: bytes) -> Receipt:
            return Receipt(outcome)  # type: ignore[arg-type]

    answers.callback(Always(), None, b"", "")  # type: ignore[arg-type]
    (described,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    return described["Namespace"], described["Metrics"][0]["Name"], ("Function",)


def test_each_alarm_is_on_a_metric_that_somebody_emits(capsys: pytest.CaptureFixture[str]) -> None:
    ours = {emitted(outcome, capsys) for outcome in get_args(Outcome)}
    wanted = {
        (each["Namespace"], each["MetricName"], tuple(_names(each["Dimensions"])))
        for alarm in ALARMS
        for each in metrics(alarm)
    }
    assert wanted <= BY_AWS | ours
    assert wanted & ours == {
        ("MarathonEvents", "Lost", ("Function",)),
        ("MarathonEvents", "Refused", ("Function",)),
    }


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm looks at: one metric, or those of a sum."""
    found = alarm["Properties"]
    if "Metrics" not in found:
        return [found]
    return [each["MetricStat"]["Metric"] for each in found["Metrics"] if "MetricStat" in each]


def test_the_spill_alarm_counts_what_waits_and_what_is_being_tried() -> None:
    """The age of the oldest message leaves out what was received three times: an outage."""
    alarm = STAGE["SpillAlarm"]
    counted = {each["MetricName"] for each in metrics(alarm)}
    assert counted == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
    }
    total, *parts = alarm["Properties"]["Metrics"]
    assert total["Expression"] == " + ".join(each["Id"] for each in parts)
    minutes = {each["MetricStat"]["Period"] for each in parts}
    assert minutes == {60}
    assert alarm["Properties"]["EvaluationPeriods"] == 15


def test_the_alerts_alarm_counts_what_has_no_dead_letters() -> None:
    """Mail and SMS have none."""
    (metric,) = metrics(STAGE["AlertsUndeliveredAlarm"])
    assert metric["MetricName"] == "NumberOfNotificationsFailed"
    assert metric["Dimensions"][0]["Value"] == {"Fn::GetAtt": ["AlertsTopic", "TopicName"]}


def test_no_alarm_goes_off_before_its_function_exists() -> None:
    for alarm in ALARMS:
        assert alarm["Properties"]["TreatMissingData"] in ("notBreaching", "missing")
    # What has stopped has no metric any more, and says so all the same.
    watch = STAGE["WatchStoppedAlarm"]["Properties"]
    assert watch["TreatMissingData"] == "missing"
    assert watch["InsufficientDataActions"] == [{"Ref": "AlarmsTopic"}]


def test_spilled_events_stay_on_a_queue_for_two_weeks_whatever_their_receives() -> None:
    """They go to the dead letters after so many receives, with their age: what is left of the two
    weeks they are kept there.
    """
    spill, dead_letters = (STAGE[name]["Properties"] for name in ("SpillQueue", "DeadLetterQueue"))
    receives = spill["RedrivePolicy"]["maxReceiveCount"]
    hours_until_dead_letter = receives * spill["VisibilityTimeout"] / 3600
    assert hours_until_dead_letter == 100
    for queue in (spill, dead_letters):
        assert queue["MessageRetentionPeriod"] / 3600 >= 2 * hours_until_dead_letter


def _names(dimensions: list[dict[str, Any]]) -> list[str]:
    return [each["Name"] for each in dimensions]


def test_each_alarm_goes_to_the_alarms_topic_which_cloudwatch_may_use() -> None:
    assert all(alarm["Properties"]["AlarmActions"] == [{"Ref": "AlarmsTopic"}] for alarm in ALARMS)
    # One that is encrypted with AWS's own key would refuse CloudWatch.
    assert "KmsMasterKeyId" not in STAGE["AlarmsTopic"]["Properties"]
    policy = STAGE["AlarmsTopicPolicy"]["Properties"]["PolicyDocument"]
    assert {"Service": "cloudwatch.amazonaws.com"} in [
        each["Principal"] for each in policy["Statement"] if each["Effect"] == "Allow"
    ]


def test_the_alarm_on_the_api_names_it_as_chalice_does() -> None:
    stage = STAGE["ServerErrorsAlarm"]["Properties"]["Dimensions"]
    assert stage[0]["Value"] == app.app.app_name
    for name, settings in config()["stages"].items():
        assert settings["api_gateway_stage"] == name
