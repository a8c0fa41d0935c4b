"""Times as the project writes them: UTC, ISO 8601, milliseconds."""

from datetime import UTC, datetime


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


def duration(seconds: float) -> str:
    """A length of time as people say it, rounded: ``43 ms``, ``1.4 seconds``, ``40 seconds``,
    ``12 minutes``, ``3 hours 20 minutes``, ``5 days``.
    """
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 10 and round(seconds, 1) % 1:
        return f"{seconds:.1f} seconds"
    whole, minutes = round(seconds), round(seconds / 60)
    if whole < 90 and whole != 60:
        return _counted(whole, "second")
    if minutes < 60:
        return _counted(minutes, "minute")
    if minutes < 600:
        rest = f" {_counted(minutes % 60, 'minute')}" if minutes % 60 else ""
        return _counted(minutes // 60, "hour") + rest
    hours = round(seconds / 3600)
    return _counted(hours, "hour") if hours < 48 else _counted(round(seconds / 86_400), "day")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
