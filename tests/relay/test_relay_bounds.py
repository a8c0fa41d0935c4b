"""The relay's memory is bounded, whatever Marathon sends; and frames are read however they come."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marathon_relay.frames import Frame, Frames, TooLong
from tests.support.endpoint import Endpoint, serving
from tests.support.relay import eventually, peak_kilobytes, relaying, scripted

_MOST_KB = 200_000  # of the whole process


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    pieces = [b'data: {"x":"', *(b"x" * 1_000_000 for _ in range(60))]
    with (
        serving(Endpoint()) as endpoint,
        scripted(b'data: {"eventType":"a"}\r\n\r\n', *pieces) as url,
        relaying(url, endpoint, tmp_path / "spool") as relay,
    ):
        assert "line without an end" in relay.wait_for("stream_ended")["reason"]
        eventually(lambda: endpoint.records)
        assert peak_kilobytes(relay.process.pid) < _MOST_KB
        # What was cut off is reported as a gap.
        eventually(lambda: endpoint.gaps, "a gap")


def test_a_compressed_stream_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    bomb = gzip.compress(b"data: ") + gzip.compress(b"x" * 2_000_000) * 100
    with (
        serving(Endpoint()) as endpoint,
        scripted(bomb, encoding="gzip") as url,
        relaying(url, endpoint, tmp_path / "spool") as relay,
    ):
        assert "compresses" in relay.wait_for("stream_failed", 2)["reason"]
        assert peak_kilobytes(relay.process.pid) < _MOST_KB


STREAM = (
    b": a comment\r\n\r\n\r\n"
    b'event: a_event\r\ndata: {"s":"\xc2\x85\xe2\x80\xa8 \xff"}\r\n\r\n'
    b'data:{"n":1}\n\n'
    b"\r\n\r\n"
    b"id: 7\r\rdata: two\rdata: lines\r\r"
    b"event: without data\r\n\r\n"
    b"data: not complete\r\n"
)
FRAMES = [
    Frame("a_event", b'{"s":"\xc2\x85\xe2\x80\xa8 \xff"}'),
    Frame("", b'{"n":1}'),
    Frame("", b"two lines"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_frames_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    frames, found, begin = Frames(), [], 0
    for end in [*sorted(cuts), len(STREAM)]:
        found += frames.feed(STREAM[begin:end])
        begin = end
    assert found == FRAMES


@pytest.mark.parametrize("piece", [b"x", b"data: x\n"])
def test_an_event_that_never_ends_is_refused_however_it_grows(piece: bytes) -> None:
    frames = Frames(largest=1000)
    with pytest.raises(TooLong, match="1,000 bytes"):
        for _ in range(1001):
            frames.feed(piece)
