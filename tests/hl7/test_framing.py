from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.hl7.framing import HEAD, Deframer, FramingError, frame

messages = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\x1c", b"")), max_size=5)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@given(messages, st.lists(st.integers(0, 400), max_size=12), st.sampled_from([b"\r", b"", b"\r\r", b"\r\n"]))
def test_messages_come_out_whole_in_whatever_pieces_they_come_in(
    sent: list[bytes], cuts: list[int], after: bytes
) -> None:
    stream = b"".join(frame(message).removesuffix(b"\r") + after for message in sent)
    deframer = Deframer()
    assert [got for piece in pieces_of(stream, cuts) for got in deframer.feed(piece)] == sent
    assert not deframer.inside


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_a_framing_error(data: bytes) -> None:
    try:
        list(Deframer().feed(data))
    except FramingError:
        assert data.lstrip(b"\r\n")


def test_what_came_whole_before_bad_bytes_is_delivered_first() -> None:
    feed = Deframer().feed(b"\x0bMSH\x1c\x0cMSH")
    assert next(feed) == b"MSH"
    with pytest.raises(FramingError, match="does not begin with 0B"):
        next(feed)


def test_a_message_that_never_ends_is_not_kept_beyond_its_head() -> None:
    deframer = Deframer()
    for _ in range(40):
        assert list(deframer.feed(b"\x0b" + b"x" * 65536)) == []
    assert deframer.inside
    assert [len(message) for message in deframer.feed(b"\x1c\r")] == [HEAD]
