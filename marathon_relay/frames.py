"""The frames of an event stream (Server-Sent Events), from its bytes.

Marathon's frames are lines ``event: …`` and ``data: …``, and an empty line. What follows ``data:``
is kept byte for byte. A heartbeat is an empty line alone.
"""

from dataclasses import dataclass

LARGEST_EVENT = 20 * 1024 * 1024  # bytes; more than that is no event of a sane Marathon


@dataclass(frozen=True)
class Frame:
    """One event of a stream. ``type``: empty if the stream does not name it (before 0.11)."""

    type: str
    data: bytes


class TooLong(Exception):
    """An event or line is larger than LARGEST_EVENT, so it may never end."""


class Frames:
    """Makes frames of the pieces that come from the network, however these are cut."""

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self._largest = largest
        self._rest = bytearray()  # a line whose end has not come yet
        self._after_cr = False
        self._type = ""
        self._data = bytearray()

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames that this piece completes. Raises TooLong."""
        if not piece:
            return []
        if self._after_cr:
            piece = piece.removeprefix(b"\n")
        self._after_cr = piece.endswith(b"\r")
        if len(self._rest) + len(self._data) + len(piece) > self._largest:
            raise TooLong(
                f"an event of more than {self._largest:,} bytes, or a line without an end"
            )
        self._rest += piece
        if b"\n" not in piece and b"\r" not in piece:
            return []
        lines = self._rest.splitlines(keepends=True)
        self._rest = bytearray() if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        found = (self._line(bytes(line.rstrip(b"\r\n"))) for line in lines)
        return [frame for frame in found if frame]

    def _line(self, line: bytes) -> Frame | None:
        """The frame that ends with this line, if one does."""
        if not line:
            frame = Frame(self._type, bytes(self._data)) if self._data else None
            self._type, self._data = "", bytearray()
            return frame
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._type = value.decode("utf-8", "replace")
        elif name == b"data":
            # An event of several lines, which Marathon never sends, becomes one line.
            self._data += b" " + value if self._data else value
        return None
