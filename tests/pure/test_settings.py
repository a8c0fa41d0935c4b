"""What a stage sets, read by the functions and by the scripts alike."""

import pytest

from chalicelib.settings import EventSources, Settings, SettingsError

SET = {
    "EVENTS_TABLE": "t",
    "EVENTS_TOPIC_ARN": "arn:aws:sns:us-east-1:1:t",
    "SPILL_QUEUE_URL": "https://sqs/1/spill",
    "DEAD_LETTER_QUEUE_URL": "https://sqs/1/dead",
}


def test_defaults_and_what_people_set() -> None:
    read = Settings.read(SET)
    assert [read.table, read.topic_arn, read.spill_queue_url, read.dead_letter_queue_url] == [
        *SET.values()
    ]
    assert (read.retention_days, read.masking, read.alerts_topic_arn) == (90, "masked", "")
    more = {"RETENTION_DAYS": "0", "NOTIFY_ENV": "full", "ALERTS_TOPIC_ARN": "arn:alerts"}
    read = Settings.read(SET | more | {"NO_EVENTS_MINUTES": "30"})
    assert read.alerts_topic() == "arn:alerts"
    assert read.no_events_minutes == 30
    assert (read.retention_days, read.masking, read.alerts_topic_arn) == (0, "full", "arn:alerts")


def test_all_missing_settings_are_named_together() -> None:
    with pytest.raises(SettingsError, match="EVENTS_TABLE, SPILL_QUEUE_URL; run make deploy"):
        Settings.read(SET | {"EVENTS_TABLE": "", "SPILL_QUEUE_URL": ""})


def test_without_an_alerts_topic_it_is_said_how_to_get_one() -> None:
    with pytest.raises(SettingsError, match="ALERTS_TOPIC_ARN; run make deploy STAGE=… again"):
        Settings.read(SET).alerts_topic()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION_DAYS", "-1"),
        ("RETENTION_DAYS", "x"),
        ("NO_EVENTS_MINUTES", "1h"),
        ("NOTIFY_ENV", "Full"),
    ],
)
def test_invalid_settings_are_rejected(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be .* not '{value}'"):
        Settings.read(SET | {name: value})


def test_sources_of_events_are_in_the_streams_partition_region_and_account() -> None:
    stream = "arn:aws-cn:dynamodb:cn-north-1:123:table/t/stream/2026"
    env = {"EVENTS_STREAM_ARN": stream, "SPILL_QUEUE_URL": "https://sqs/123/spill"}
    assert EventSources.read(env) == EventSources(stream, "arn:aws-cn:sqs:cn-north-1:123:spill")
