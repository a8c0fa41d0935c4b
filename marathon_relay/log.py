"""The relay's log: one line for each thing that happened, as text for people or as JSON.

Each line has a name that never changes, so that it can be searched for and documented.
"""

import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

# name: (level, sentence)
LINES = {
    "started": (
        "info",
        "Relay {relay} {version} started. Waiting in the spool {spool}: {spooled}.",
    ),
    "file_open": (
        "warning",
        "{file} contains a token, and other users may read it: run chmod 600 {file}",
    ),
    "serving": ("info", "Serving /health and /metrics at {address}."),
    "stream_opened": ("info", "Listening to Marathon {version} at {url} (leader: {leader})."),
    "stream_ended": ("warning", "The stream ended: {reason}."),
    "stream_failed": ("warning", "No stream: {reason} Next try in {seconds} s."),
    "gap": (
        "warning",
        "Not listening from {start} to {end} ({cause}). The relay reports it to the API.",
    ),
    "spool_full": (
        "error",
        "The spool is full ({bytes} bytes; events: {spooled}): not reading until it has drained. "
        "Find out why the API does not take events, or give more room with --spool-limit.",
    ),
    "spool_drained": ("info", "The spool has room again."),
    "kept_aside": ("error", "An event of {bytes} bytes is kept aside in {file}: {reason}"),
    "aside_full": (
        "error",
        "An event of {bytes} bytes is lost: there is no room for it in the spool's folder aside. "
        "Look through that folder and empty it.",
    ),
    "sending_failed": (
        "warning",
        "Not sent: {reason} Waiting: {spooled}. Next try in {seconds} s.",
    ),
    "sending_again": ("info", "The API takes events again. Waiting: {spooled}."),
    "waiting": (
        "warning",
        "Instances of {path} have waited for {seconds} s to be launched (how many: {count}; main "
        "reason: {reason}). The relay reports it to the API.",
    ),
    "launched": ("info", "No instance of {path} waits any more. The relay reports it to the API."),
    "queue_unknown": ("warning", "What waits to be launched is not known: {reason}"),
    "aside_sent": ("info", "Sent {file} ({bytes} bytes)."),
    "aside_refused": ("error", "Not sent: {file} ({bytes} bytes): {reason}"),
    "aside_done": ("info", "Events that lay aside in {folder}: {sent} sent, {left} left."),
    "changes_unknown": ("warning", "What happened in a gap is not known: {reason}"),
    "stopping": ("info", "Stopping: sending what waits, for at most {seconds} s."),
    "stopped": ("info", "Stopped. Waiting in the spool: {spooled}."),
    "failed": ("error", "The relay ends, because a part of it failed: {reason}"),
}


class Log:
    """Writes lines to ``out``. ``progress``: one more line, shown at the bottom of a terminal."""

    def __init__(
        self, out: TextIO, *, as_json: bool, progress: Callable[[], str] | None = None
    ) -> None:
        self._out = out
        self._json = as_json
        self._progress = progress if out.isatty() and not as_json else None
        self._lock = threading.Lock()

    def write(self, line: str, **parts: object) -> None:
        """Log one of LINES, with its details."""
        level, sentence = LINES[line]
        shown = {name: _visible(value) for name, value in parts.items()}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = sentence.format(**shown)
        if self._json:
            head = {"time": now, "level": level, "event": line, "message": message}
            text = json.dumps(head | shown, ensure_ascii=False)
        else:
            text = f"{now} {level.upper():7} {message}"
        with self._lock:
            self._print(f"\r\033[K{text}\n" if self._progress else f"{text}\n")
        self.show_progress()

    def show_progress(self) -> None:
        """Draw the progress line anew, on a terminal."""
        if self._progress:
            text = str(_visible(self._progress()))
            width = shutil.get_terminal_size().columns - 1
            with self._lock:
                self._print(f"\r\033[K{text[:width]}")

    def end_progress(self) -> None:
        """Take the progress line away."""
        if self._progress:
            self._progress = None
            self._print("\r\033[K")

    def _print(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):
            pass  # the reader of the log is gone; the events matter more


def _visible(value: object) -> object:
    """Numbers stay as they are. Texts may come from outside: only visible characters are kept."""
    if isinstance(value, int | float):
        return value
    return "".join(each if each.isprintable() else "\ufffd" for each in str(value))
