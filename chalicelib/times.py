"""Times as the project writes them: UTC, ISO 8601, milliseconds."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The time, cut to milliseconds."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def iso(time: datetime) -> str:
    """``2014-03-01T23:29:30.158Z``."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def compact(time: datetime) -> str:
    """``20140301T232930158Z``, as an id begins."""
    return f"{time:%Y%m%dT%H%M%S}{time.microsecond // 1000:03d}Z"


def from_iso(text: str) -> datetime:
    """The time that ``iso`` wrote."""
    return datetime.fromisoformat(text)


def from_epoch(seconds: float) -> datetime:
    """The time so many seconds after the beginning of 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def from_compact(text: str) -> datetime:
    """The time that ``compact`` wrote at the beginning of an id."""
    return datetime.fromisoformat(f"{text[:15]}.{text[15:18]}+00:00")


def span(duration: timedelta) -> str:
    """A duration in words, rounded: ``40 seconds``, ``12 minutes``, ``3 hours 20 minutes``."""
    seconds = max(round(duration.total_seconds()), 1)
    minutes, hours, days = round(seconds / 60), round(seconds / 3600), round(seconds / 86_400)
    if seconds < 90 and seconds != 60:
        return _counted(seconds, "second")
    if minutes < 60:
        return _counted(minutes, "minute")
    if minutes < 600:
        rest = f" {_counted(minutes % 60, 'minute')}" if minutes % 60 else ""
        return _counted(minutes // 60, "hour") + rest
    return _counted(hours, "hour") if hours < 48 else _counted(days, "day")


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def usable_timestamp(value: object) -> datetime | None:
    """An ISO 8601 time with ``Z`` or an offset, of the years 1970 – 9999, cut to milliseconds."""
    time = with_zone(value) if isinstance(value, str) else None
    if time is None or time.year < 1970:
        return None
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def with_zone(text: str) -> datetime | None:
    """An ISO 8601 time with ``Z`` or an offset, in UTC; None for any other text."""
    try:
        time = datetime.fromisoformat(text)
        return None if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
