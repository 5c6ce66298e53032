from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.hl7.framing import HEAD, MOST_BETWEEN, Deframer, FramingError, frame
from pacs_monitor.net.protocols import spoken

messages = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\x1c", b"")), max_size=5)


AFTER = [
    b"\r",
    b"",
    b"\r\r",
    b"\r\n",
    b"\0",
    b"\r\0",
    b"\r \t",
    b"\r\xef\xbb\xbf",
    b"\r2026-11-26 08:00 order sent\r\n",
]
"""What senders put between two messages: the standard's CR, none, two; NUL, blanks, a byte order mark, a log line."""


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def fed(*pieces: bytes) -> list[bytes]:
    deframer = Deframer()
    return [got for piece in pieces for got in deframer.feed(piece)]


@given(messages, st.lists(st.integers(0, 400), max_size=12), st.sampled_from(AFTER))
def test_messages_come_out_whole_in_whatever_pieces_they_come_in(
    sent: list[bytes], cuts: list[int], after: bytes
) -> None:
    stream = b"".join(frame(message).removesuffix(b"\r") + after for message in sent)
    deframer = Deframer()
    assert [got for piece in pieces_of(stream, cuts) for got in deframer.feed(piece)] == sent
    assert not deframer.inside
    assert deframer.skipped is (b"order" in after and bool(sent))


@pytest.mark.parametrize("before", [b"\0", b" ", b"\r\n", b"\xef\xbb\xbf", b"[2007-07-12 Thread-89]\n", b"\0\0\0\0"])
@pytest.mark.parametrize("size", [1, 2, 4096])
def test_what_comes_before_a_message_is_skipped(before: bytes, size: int) -> None:
    stream = before + b"\x0bone\x1c\r" + before + b"\x0btwo\x1c\r"
    deframer = Deframer()
    pieces = (stream[at : at + size] for at in range(0, len(stream), size))
    assert [got for piece in pieces for got in deframer.feed(piece)] == [b"one", b"two"]
    assert deframer.skipped is (b"Thread" in before)


@pytest.mark.parametrize(
    ("begins", "who"),
    [
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS"),
        (b"\x01\x00\x00\x00\x00\xcd\x00\x01", "DICOM"),
        (b"\x07\x00\x00\x00\x00\x04", "DICOM"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    ],
)
@pytest.mark.parametrize("size", [1, 4096])
def test_another_protocol_is_told_by_its_beginning(begins: bytes, who: str, size: int) -> None:
    with pytest.raises(FramingError, match=rf"^wrong port or protocol\? it speaks {who}, not MLLP$"):
        fed(*(begins[at : at + size] for at in range(0, len(begins), size)))


def test_bytes_without_end_and_without_a_message_are_no_mllp() -> None:
    with pytest.raises(FramingError, match="no message begins with 0B"):
        fed(*[b"x" * (MOST_BETWEEN // 2)] * 3)


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_another_protocol(data: bytes) -> None:
    try:
        messages = list(Deframer().feed(data))
    except FramingError:
        assert spoken(data.partition(b"\x0b")[0])
    else:
        assert len(messages) <= data.count(b"\x1c")


def test_a_message_that_never_ends_is_not_kept_beyond_its_head() -> None:
    deframer = Deframer()
    for _ in range(40):
        assert list(deframer.feed(b"\x0b" + b"x" * 65536)) == []
    assert deframer.inside
    assert [len(message) for message in deframer.feed(b"\x1c\r")] == [HEAD]
