"""Times as Marathon writes them."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """A time in seconds since 1970, as ISO 8601 with milliseconds, in UTC."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds(text: object) -> float | None:
    """The seconds since 1970 of such a time; None if the text is not one."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        return None
