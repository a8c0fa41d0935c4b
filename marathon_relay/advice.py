"""What a user of the relay can do about an error of Marathon's."""

from marathon_relay.marathon import (
    Elsewhere,
    LoginRefused,
    MarathonError,
    NoQueue,
    NoStream,
    Unreachable,
    Untrusted,
)


def sentence(error: MarathonError) -> str:
    """What went wrong with Marathon, and what to do."""
    at = f"Marathon at {error.url}"
    match error:
        case LoginRefused():
            return (
                f"{at} refuses the login (status {error.status}): set MARATHON_USER and "
                "MARATHON_PASSWORD, or MARATHON_TOKEN, or look at MARATHON_TOKEN_FILE. The login "
                "needs the right to view events."
            )
        case Untrusted():
            return f"{at} shows a certificate that is not trusted here: set RELAY_CA."
        case NoStream():
            return f"{at} has no event stream (it came with 0.9): use register.py instead."
        case NoQueue():
            return (
                f"{at} shows no queue (status 404). It came with 0.7. If a proxy hides it, let "
                "GET /v2/queue pass, or set RELAY_QUEUE_SECONDS to 0."
            )
        case Unreachable():
            return f"{at} does not answer ({error}). Look at RELAY_MARATHON and the firewall."
        case Elsewhere():
            return f"{at}: {error}. If it is, name it in RELAY_MARATHON too."
    return f"{at}: {error}."
