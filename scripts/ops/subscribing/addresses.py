"""The addresses of chat channels and pagers, as Apprise reads them. They are secrets: no message
repeats one.
"""

import difflib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ops.cli import Failure, warn

_SHOWN = 4
_WHERE = "docs/subscribers.md lists the usual ones, https://appriseit.com/services/ all"
_TEAMS = (
    "Microsoft has switched off the webhooks of Teams' connectors, and msteams:// was for them. In "
    "Teams, make a workflow that posts webhook requests to the channel, and give the address that "
    "it shows, whole and in quotes: 'https://….logic.azure.com:443/workflows/…&sig=…' or "
    "'https://….api.powerplatform.com:443/powerautomate/…&sig=…'"
)
_CUT = "That address of a Teams workflow is not whole: its sig is missing. Put it in quotes"
# What would be taken for an endpoint of one's own, which gets events and must confirm them: of such
# addresses a part, and what should stand in their place.
_ELSEWHERE = (
    (r"https://[^/]+\.webhook\.office\.com/|https://outlook\.office\.com/webhook", _TEAMS),
    (r"https://[^/]+/([^?]+/)?workflows/[^?]+/triggers/manual/paths/invoke(?!.*[?&]sig=)", _CUT),
    (r"https://hooks\.slack\.com/", "Slack's are https://hooks.slack.com/services/T…/B…/…"),
    (r"https://(\w+\.)?discord(app)?\.com/", "Discord's are https://discord.com/api/webhooks/…/…"),
    (r"https://api\.telegram\.org/", "Give tgram://BOT_TOKEN/CHAT_ID"),
    (r"https://[^/]*\.pagerduty\.com/", "Give pagerduty://INTEGRATION_KEY@API_KEY"),
    (r"https://[^/]*\.opsgenie\.com/", "Give opsgenie://API_KEY"),
)


def service(text: str) -> str:
    """The name of the service that an address is for; empty for an ``https://`` URL of none that is
    known. Raises Failure for what is no address.
    """
    # Importing it takes a second, and most targets are none of its.
    from chalicelib.services.messenger import Address, NoAddress

    scheme = text.partition("://")[0].lower()
    try:
        found = Address(text).service
    except NoAddress as error:
        if scheme == "https":
            _check_elsewhere(text)
            return ""
        raise Failure(_help(scheme, str(error))) from None
    if scheme in ("json", "xml", "form"):
        warn(f"{scheme}:// sends alerts unencrypted; {scheme}s:// would not.")
    return found


def _check_elsewhere(text: str) -> None:
    parts = urlsplit(text)
    plain = parts._replace(netloc=parts.hostname or "").geturl()  # without a login
    for pattern, why in _ELSEWHERE:
        if re.match(pattern, plain, re.IGNORECASE):
            raise Failure(f"{why}. {_WHERE}.")


def ending(text: str) -> str:
    """Its last four characters that are letters or digits, by which people tell addresses apart;
    of a Teams workflow, those of its signature, since all else ends alike.
    """
    parts = urlsplit(text)
    signature = parse_qs(parts.query).get("sig", [""])[0]
    path = signature or parts._replace(query="", fragment="").geturl()
    return "".join(each for each in path if each.isascii() and each.isalnum())[-_SHOWN:]


def _help(scheme: str, why: str) -> str:
    from apprise.manager_plugins import NotificationManager

    if scheme == "msteams":
        return f"{_TEAMS}."
    known: Any = NotificationManager()  # type: ignore[no-untyped-call]
    if scheme in known:
        forms = [each.replace("{schema}", scheme) for each in known[scheme].templates or ()]
        return f"That {scheme}:// address can't be used: {why}. Its forms: {', '.join(forms[:4])}."
    near = difflib.get_close_matches(scheme, list(known.schemas()), 1)
    meant = f" Did you mean {near[0]}://?" if near else ""
    return f"There is no service {scheme}://.{meant} {_WHERE}."
