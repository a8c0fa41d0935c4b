"""Notifies systemd, if it wants this, that the relay is ready, alive, or stopping."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Tell systemd (sd_notify): ``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    # An address that begins with @ is in Linux's abstract namespace.
    address = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.sendto(state.encode(), address)
