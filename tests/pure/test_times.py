"""Times and durations, as people give and read them."""

import argparse
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ops import options

import pytest

from chalicelib import times


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 ms"),
        (0.043, "43 ms"),
        (1, "1 second"),
        (1.4, "1.4 seconds"),
        (2.04, "2 seconds"),
        (40, "40 seconds"),
        (60, "1 minute"),
        (89, "89 seconds"),
        (720, "12 minutes"),
        (3600, "1 hour"),
        (12_000, "3 hours 20 minutes"),
        (40_000, "11 hours"),
        (432_000, "5 days"),
    ],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert times.duration(seconds) == words


def settled(**given: str) -> argparse.Namespace:
    args = argparse.Namespace(tz=options.zone(given.pop("tz", "UTC")))
    for name, text in given.items():
        setattr(args, name, options.time(text))
    options.settle_times(args)
    return args


def test_a_time_without_a_zone_is_of_the_zone_asked_for() -> None:
    assert settled(since="2016-04-24T09:00").since == datetime(2016, 4, 24, 9, tzinfo=UTC)
    berlin = settled(since="2016-04-24", tz="Europe/Berlin").since
    assert berlin == datetime(2016, 4, 23, 22, tzinfo=UTC)
    offset = settled(since="2016-04-24T09:00+03:00", tz="Europe/Berlin").since
    assert offset == datetime(2016, 4, 24, 6, tzinfo=UTC)


def test_a_time_of_day_is_the_last_that_has_passed() -> None:
    now = datetime.now(UTC)
    for zone in (UTC, ZoneInfo("Europe/Berlin")):
        for hours in (-1, 1):
            local = (now + timedelta(hours=hours)).astimezone(zone)
            since = settled(since=f"{local:%H:%M}", tz=str(zone)).since
            assert since <= now
            assert since > now - timedelta(hours=25)
            assert f"{since.astimezone(zone):%H:%M}" == f"{local:%H:%M}"


def test_until_a_time_of_day_is_after_since() -> None:
    args = settled(since="23:00", until="22:59")
    assert timedelta() < args.until - args.since < timedelta(days=1)


@pytest.mark.parametrize("text", ["soon", "25:00", "9", "2016-13-01", "1y"])
def test_other_texts_are_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a time"):
        options.time(text)


def test_an_unknown_zone_is_rejected_with_the_nearest() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"Did you mean Europe/Berlin\?"):
        options.zone("Europe/Berln")
    with pytest.raises(argparse.ArgumentTypeError, match="not a time zone"):
        options.zone("../etc/passwd")
