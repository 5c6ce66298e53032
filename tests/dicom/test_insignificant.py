"""What the standard calls insignificant, or what nobody asked for, decides nothing: both sides of an association."""

from __future__ import annotations

import asyncio

import pytest

from pacs_monitor.dicom import negotiation
from pacs_monitor.dicom.pdu import HEADER, read_reject
from pacs_monitor.model import Reason
from tests.dicom.support import echo_at, failure_of, target, then
from tests.dicom.test_listener import listening
from tests.peers.scripted import EXPLICIT, IMPLICIT, VERIFICATION, echo_response, release_response, scripted
from tests.support.timing import SOON

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
STORAGE = b"1.2.840.10008.5.1.4.1.1.7"
CONTEXT_ACCEPTED = bytes((1, 0, 0, 0))


def item(kind: int, value: bytes, length: int | None = None) -> bytes:
    """An item or sub-item (PS3.8 9.3.2), perhaps of another length than it says."""
    return bytes((kind, 0)) + (len(value) if length is None else length).to_bytes(2) + value


ECHO = item(0x21, CONTEXT_ACCEPTED + item(0x40, IMPLICIT.encode()))
LENGTH = item(0x51, (16384).to_bytes(4))
UID = item(0x52, b"1.2.3.4")


def accepted(*items: bytes, user: bytes = LENGTH + UID, head: bytes = b"\0\1\0\0" + b" " * 32 + bytes(32)) -> bytes:
    """A-ASSOCIATE-AC (PS3.8 9.3.3)."""
    body = head + b"".join(items) + item(0x50, user)
    return HEADER.pack(2, len(body)) + body


APPLICATION = item(0x10, APPLICATION_CONTEXT)
REFUSED = bytes((3, 0, 3, 0))


@pytest.mark.parametrize(
    "answer",
    [
        accepted(APPLICATION, ECHO, item(0x21, REFUSED + item(0x40, b"\xff\xfe junk"))),
        accepted(APPLICATION, ECHO, item(0x21, REFUSED + item(0x40, b"1" * 200))),
        accepted(APPLICATION, ECHO, item(0x21, REFUSED + item(0x40, b"1.2.3", 500))),
        accepted(APPLICATION, ECHO, item(0x21, REFUSED + item(0x40, b""))),
        accepted(APPLICATION, ECHO, item(0x21, REFUSED)),
        accepted(APPLICATION, ECHO, item(0x21, REFUSED + b"\x40")),
        accepted(APPLICATION, ECHO, item(0x21, bytes((5, 0, 0, 0)) + item(0x40, b"no uid"))),
        accepted(APPLICATION, ECHO, item(0x21, bytes((5, 0, 0, 0)) + item(0x40, b"1.2", 99))),
        accepted(APPLICATION, ECHO, item(0x21, b"\5")),
        accepted(APPLICATION, ECHO, user=LENGTH + item(0x52, b"1.2.276.0.BETA")),
        accepted(APPLICATION, ECHO, user=LENGTH + item(0x52, b"\xff\x00\x1b")),
        accepted(APPLICATION, ECHO, user=LENGTH + item(0x52, b"1." * 40)),
        accepted(APPLICATION, ECHO, user=LENGTH),
        accepted(APPLICATION, ECHO, user=LENGTH + UID + item(0x55, b"\xff" * 40)),
        accepted(APPLICATION, ECHO, user=LENGTH + UID + item(0x54, b"\0\7no uid!\1\1")),
        accepted(APPLICATION, ECHO, user=LENGTH + UID + item(0x54, b"\0\x30" + STORAGE)),
        accepted(APPLICATION, ECHO, user=LENGTH + UID + item(0x54, b"\0\x11" + VERIFICATION.encode() + b"\0\0")),
        accepted(APPLICATION, ECHO, user=LENGTH + UID + item(0x53, b"\1")),
        accepted(item(0x10, b"\xff"), ECHO),
        accepted(ECHO),
        accepted(APPLICATION, ECHO, head=b"\0\0\xff\xff" + b"\xff" * 64),
    ],
    ids=[
        *("syntax of a refusal: junk", "long", "beyond its end", "empty", "none", "one byte"),
        *("a context that nobody proposed", "and beyond its end", "a context without a result"),
        *("implementation class: text", "bytes", "long", "none", "implementation version: bytes"),
        *("role: no UID", "role: beyond its end", "role: that nobody asked for", "operations window"),
        *("application context: junk", "none", "version, reserved bytes and titles"),
    ],
)
async def test_an_accepted_association_serves(answer: bytes) -> None:
    async with scripted(then(answer, echo_response(), release_response())) as peer:
        association = await echo_at(target(peer.port))
    assert association.trace.flags == []
    assert association.accepted.implementation_class_uid in ("1.2.3.4", "")


@pytest.mark.parametrize(
    ("result", "reason"), [(3, Reason.SOP_CLASS_REJECTED), (4, Reason.TRANSFER_SYNTAX_REJECTED), (1, None), (9, None)]
)
@pytest.mark.parametrize("syntax", [b"\xff\xfe", b"", b"x" * 80])
async def test_a_refused_context_is_refused_whatever_its_transfer_syntax(
    result: int, reason: Reason | None, syntax: bytes
) -> None:
    refused = item(0x21, bytes((1, 0, result, 0)) + item(0x40, syntax))
    async with scripted(then(accepted(APPLICATION, refused), release_response())) as peer:
        failure = await failure_of(target(peer.port))
    assert failure.reason is (reason or Reason.SOP_CLASS_REJECTED)
    assert f"result {result}" in failure.detail


async def test_an_accepted_context_in_an_unreadable_transfer_syntax_is_told_as_such() -> None:
    context = item(0x21, CONTEXT_ACCEPTED + item(0x40, b"\xff"))
    assert negotiation.read_accept(accepted(context)[6:]).contexts == {1: (0, "")}


# what is asked of our listener


def proposed(
    *items: bytes, user: bytes = LENGTH + UID, called: bytes = b"PACSMON", calling: bytes = b"ARCHIVE"
) -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""
    body = b"\0\1\0\0" + called + calling + bytes(32) + b"".join((APPLICATION, *items)) + item(0x50, user)
    return HEADER.pack(1, len(body)) + body


def title(text: str, padding: bytes = b" ") -> bytes:
    return text.encode().ljust(16, padding)


def context(number: int, abstract: bytes, *syntaxes: bytes) -> bytes:
    subs = item(0x30, abstract) + b"".join(item(0x40, syntax) for syntax in syntaxes)
    return item(0x20, bytes((number, 0, 0, 0)) + subs)


VERIFY = context(1, VERIFICATION.encode(), IMPLICIT.encode())


async def answer_to(request: bytes) -> bytes:
    """The first PDU that our listener answers."""
    async with listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(request)
        async with asyncio.timeout(SOON):
            header = await reader.readexactly(6)
            answer = header + await reader.readexactly(int.from_bytes(header[2:]))
        writer.close()
    return answer


TITLES = {"called": title("PACSMON"), "calling": title("ARCHIVE")}


@pytest.mark.parametrize(
    ("request_of_theirs", "refused"),
    [
        (proposed(VERIFY, context(3, b"no uid", IMPLICIT.encode()), **TITLES), {3}),
        (proposed(VERIFY, context(3, STORAGE, b"\xff\xfe"), **TITLES), {3}),
        (proposed(VERIFY, context(3, STORAGE, b"\xff\xfe", EXPLICIT.encode()), **TITLES), set()),
        (proposed(VERIFY, context(3, b"1" * 80, IMPLICIT.encode()), **TITLES), {3}),
        (proposed(VERIFY, item(0x20, bytes((3, 0, 0, 0))), **TITLES), {3}),
        (proposed(VERIFY, item(0x20, bytes((3, 0, 0, 0)) + item(0x30, STORAGE, 99)), **TITLES), {3}),
        (proposed(VERIFY, context(2, STORAGE, b"x"), **TITLES), {2}),
        (proposed(VERIFY, item(0x20, b"\3"), **TITLES), set()),
        (proposed(VERIFY, user=LENGTH + item(0x52, b"no uid"), **TITLES), set()),
        (proposed(VERIFY, user=LENGTH + UID + item(0x54, b"\0\x30" + STORAGE), **TITLES), set()),
        (proposed(VERIFY, called=title("PACSMON", b"\0"), calling=title("ARCHIVE", b"\0")), set()),
        (proposed(VERIFY, called=b"PACSMON\0" + b"garbage!", calling=b"ARCHIVE \0\0\0\0\0\0\0\0"), set()),
        (proposed(VERIFY, called=b"  PACSMON       ", calling=b"  ARCHIVE       "), set()),
    ],
    ids=[
        *("abstract syntax: text", "transfer syntax: junk", "one of two: junk", "abstract syntax: long"),
        *("nothing in it", "beyond its end", "an even number", "no number", "implementation class", "role"),
        *("NUL after titles", "NUL and what was in the buffer", "blanks before titles"),
    ],
)
async def test_an_odd_context_is_refused_and_not_the_association(request_of_theirs: bytes, refused: set[int]) -> None:
    answer = await answer_to(request_of_theirs)
    assert answer[0] == 2
    results = {number: result for number, (result, _) in negotiation.read_accept(answer[6:]).contexts.items()}
    assert results[1] == 0
    assert {number for number, result in results.items() if result} == refused


async def test_a_title_that_is_another_is_another_however_it_is_padded() -> None:
    answer = await answer_to(proposed(VERIFY, called=title("PACSMON"), calling=title("ARCHIVES", b"\0")))
    assert (answer[0], read_reject(answer[6:])) == (3, (1, 1, 3))


async def test_an_application_context_that_is_none_is_rejected_as_not_supported() -> None:
    request = proposed(VERIFY, **TITLES).replace(APPLICATION_CONTEXT, b"\xff" * len(APPLICATION_CONTEXT))
    answer = await answer_to(request)
    assert (answer[0], read_reject(answer[6:])) == (3, (1, 1, 2))
