"""The addresses of chat channels and pagers, as Apprise reads them. They are secrets: no message
repeats one.
"""

import difflib
from typing import Any
from urllib.parse import urlsplit

from ops.cli import Failure, warn

_SHOWN = 4
_WHERE = "docs/subscribers.md lists the usual ones, https://appriseit.com/services/ all"
_RETIRED = {
    "msteams": "Microsoft has switched off the webhooks that msteams:// is for. In Teams, make a "
    "workflow that posts webhook requests to the channel, and give the https:// address that it "
    "shows"
}


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
            return ""
        raise Failure(_help(scheme, str(error))) from None
    if scheme in ("json", "xml", "form"):
        warn(f"{scheme}:// sends alerts unencrypted; {scheme}s:// would not.")
    return found


def ending(text: str) -> str:
    """Its last four characters that are letters or digits, by which people tell addresses apart."""
    path = urlsplit(text)._replace(query="", fragment="").geturl()
    return "".join(each for each in path if each.isascii() and each.isalnum())[-_SHOWN:]


def _help(scheme: str, why: str) -> str:
    from apprise.manager_plugins import NotificationManager

    if scheme in _RETIRED:
        return f"{_RETIRED[scheme]}."
    known: Any = NotificationManager()  # type: ignore[no-untyped-call]
    if scheme in known:
        forms = [each.replace("{schema}", scheme) for each in known[scheme].templates or ()]
        return f"That {scheme}:// address can't be used: {why}. Its forms: {', '.join(forms[:4])}."
    near = difflib.get_close_matches(scheme, list(known.schemas()), 1)
    meant = f" Did you mean {near[0]}://?" if near else ""
    return f"There is no service {scheme}://.{meant} {_WHERE}."
