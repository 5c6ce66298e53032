"""Our listener against a sender that others wrote (python-hl7's client) and one of the tests' own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import hl7
import hl7.mllp
import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.config.listening import Hl7Listener
from pacs_monitor.hl7 import listener as room
from pacs_monitor.hl7.listener import Listener
from tests.peers.authority import Authority
from tests.support.timing import SOON

CLOCK = SystemClock()
ORM = "MSH|^~\\&|RIS|EAST|PACSMON|WEST|20261124080000||ORM^O01^ORM_O01|4711|P|2.3\rPID|1||1||DOE^JANE\r"


@asynccontextmanager
async def listening(*sources: str, **options: Any) -> AsyncIterator[Listener]:
    listener = Listener(CLOCK, ("PACSMON", "WEST"), sources or ("127.0.0.0/8",), **options)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


@asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Any, Any]]:
    """python-hl7's client."""
    name = {"server_hostname": "localhost"} if tls else {}
    reader, writer = await hl7.mllp.open_hl7_connection("127.0.0.1", port, ssl=tls, encoding="latin-1", **name)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def send(port: int, *messages: str, tls: ssl.SSLContext | None = None) -> list[tuple[str, str, str]]:
    """MSA-1 to MSA-3 of what comes back."""
    answers = []
    async with asyncio.timeout(SOON), connected(port, tls) as (reader, writer):
        for message in messages:
            writer.writemessage(hl7.parse(message))
            await writer.drain()
            msa = (await reader.readmessage()).segment("MSA")
            answers.append((str(msa[1]), str(msa[2]), str(msa[3])))
    return answers


async def test_messages_are_acknowledged_and_type_time_and_count_are_kept_nothing_else() -> None:
    async with listening() as listener:
        before = CLOCK.now()
        assert await send(listener.port, ORM, ORM.replace("ORM^O01^ORM_O01", "ADT^A08")) == [("AA", "4711", "")] * 2
        assert await send(listener.port, ORM) == [("AA", "4711", "")]
        heard = listener.activity
    assert {kind: one.messages for kind, one in heard.items()} == {"ORM^O01": 2, "ADT^A08": 1}
    assert all(before <= one.last <= CLOCK.now() for one in heard.values())
    assert "DOE" not in repr(vars(listener))


async def test_an_order_of_a_stranger_is_rejected_and_the_stranger_is_sent_away() -> None:
    async with listening("10.0.0.31", "192.168.0.0/16") as listener:
        assert await send(listener.port, ORM) == [("AR", "4711", "messages from this address are not accepted")]
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await send(listener.port, ORM, ORM)
        assert listener.activity == {}


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (ORM.replace("PACSMON", "PACS"), "MSH-5 and MSH-6 name a different receiver"),
        (ORM.replace("WEST", "EAST"), "MSH-5 and MSH-6 name a different receiver"),
        (ORM.replace("ORM^O01^ORM_O01", "DOE^JANE"), "MSH-9 contains no message type"),
    ],
)
async def test_an_order_that_would_be_lost_is_rejected(
    message: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as listener:
        assert await send(listener.port, message, message, ORM) == [("AR", "4711", why)] * 2 + [("AA", "4711", "")]
    assert set(listener.activity) == {"ORM^O01"}
    assert caplog.messages == [f"the HL7 listener refused 127.0.0.1: {why}"]


async def test_in_enhanced_mode_an_order_that_would_be_lost_is_rejected_by_cr() -> None:
    async with listening() as listener:
        answers = await send(listener.port, ORM.replace("PACSMON", "PACS").replace("|P|2.3", "|P|2.3|||AL|NE"))
    assert answers[0][:2] == ("CR", "4711")


async def test_only_so_many_message_types_are_told_apart() -> None:
    types = [f"Z{n:02X}^Z01" for n in range(room.MOST_TYPES)]
    async with listening() as listener:
        await send(listener.port, *(ORM.replace("ORM^O01^ORM_O01", kind) for kind in types))
        assert await send(listener.port, ORM) == [("AR", "4711", "too many different message types")]


async def test_a_large_message_is_counted_and_not_kept() -> None:
    async with listening() as listener:
        assert await send(listener.port, ORM + "OBX|1|ED|||" + "A" * 3_000_000 + "\r") == [("AA", "4711", "")]


async def talk(port: int, data: bytes) -> bytes:
    """Everything that comes back until we are sent away."""
    async with asyncio.timeout(SOON):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        try:
            return await reader.read()
        except ConnectionError:
            return b"reset"
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "wrong port or protocol? it speaks HTTP, not MLLP"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "wrong port or protocol? it speaks TLS, not MLLP"),
        (b"\x01\0\0\0\0\xcd\0\x01\0\0", "wrong port or protocol? it speaks DICOM, not MLLP"),
        (b"\x0bPID|1||1||DOE^JANE\x1c\r", "it does not begin with MSH and its separators"),
        (
            b"\x0bFHS|^~\\&|RIS\rBHS|^~\\&\rMSH|^~\\&|\x1c\r",
            "it is a batch (FHS, BHS); only single messages are accepted",
        ),
        (b"\x0b\x1c\r", "it does not begin with MSH and its separators"),
        (b"DOE^JANE " * 10_000, "no message begins with 0B"),
    ],
)
async def test_what_is_no_hl7_is_sent_away_without_an_answer_and_logged_with_why(
    data: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as listener:
        assert await talk(listener.port, data) in (b"", b"reset")
    assert caplog.messages == [f"the HL7 listener refused 127.0.0.1: it did not send an HL7 message: {why}"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x0b" + ORM.encode(), "it closed the connection within a message, before its end (1C 0D)"),
        (ORM.encode() + b"\x1c\r", "it did not send an HL7 message: nothing began with 0B"),
    ],
)
async def test_a_message_that_was_not_taken_for_its_frame_is_logged(
    data: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as listener, asyncio.timeout(SOON):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(data)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert caplog.messages == [f"the HL7 listener refused 127.0.0.1: {why}"]
    assert listener.activity == {}


SKIPPED = "the HL7 listener ignores bytes that 127.0.0.1 sends outside its messages (0B … 1C 0D)"


@pytest.mark.parametrize(
    ("between", "said"),
    [
        *[(b"\0", []), (b"\r\0", []), (b"\r ", []), (b"\r\xef\xbb\xbf", []), (b"", []), (b"\r\r\n", [])],
        (b"\r[2007-07-12 14:40 DOE^JANE]\n", [SKIPPED]),
    ],
    ids=["NUL", "CR NUL", "blank", "BOM", "nothing", "CR CR LF", "text"],
)
@pytest.mark.parametrize("inside", [b"", b"\xef\xbb\xbf", b"\0\r\n "], ids=["", "BOM within", "NUL within"])
async def test_no_message_is_lost_for_what_stands_before_between_and_after(
    between: bytes, said: list[str], inside: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as listener, asyncio.timeout(SOON):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        for count in (1, 2):  # alone, and two in one segment
            writer.write((between + b"\x0b" + inside + ORM.encode() + b"\x1c" + between) * count)
            for _ in range(count):
                assert b"MSA|AA|4711" in await reader.readuntil(b"\x1c\r")
        writer.close()
        await writer.wait_closed()
    assert listener.activity["ORM^O01"].messages == 3
    assert caplog.messages == said


async def test_a_stranger_that_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "STRANGERS_STAY", 0.05)
    async with listening("10.0.0.31") as listener:
        assert await talk(listener.port, b"\x0b") in (b"", b"reset")
        assert not listener.connections


async def test_silent_connections_give_way_and_senders_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AT_ONCE", 2)
    async with listening() as listener, connected(listener.port) as (reader, writer), connected(listener.port):
        writer.writemessage(hl7.parse(ORM))
        await reader.readmessage()
        assert await send(listener.port, ORM) == [("AA", "4711", "")]  # the silent one has given way
        async with connected(listener.port) as (other, also):
            also.writemessage(hl7.parse(ORM))
            await other.readmessage()
            assert await talk(listener.port, b"") in (b"", b"reset")
            writer.writemessage(hl7.parse(ORM))
            assert str((await reader.readmessage()).segment("MSA")[1]) == "AA"
    assert not listener.connections


async def test_strangers_do_not_keep_known_senders_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "STRANGERS_AT_ONCE", 1)
    async with listening("127.0.0.2") as listener, connected(listener.port), connected(listener.port):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, local_addr=("127.0.0.2", 0))
        writer.write(f"\x0b{ORM}\x1c\r".encode())
        assert b"MSA|AA|4711" in await reader.readuntil(b"\x1c\r")
        writer.close()
        await writer.wait_closed()


async def test_a_sender_that_reads_no_answers_is_sent_away() -> None:
    async with listening() as listener, asyncio.timeout(20):
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port, limit=1024)
        with suppress(ConnectionError):
            while True:
                writer.write(f"\x0b{ORM}\x1c\r".encode() * 1000)
                await writer.drain()
        writer.close()
        assert not listener.connections


async def test_a_message_that_is_expected_is_told_once() -> None:
    async with listening() as listener:
        back, other = listener.expect("4711"), listener.expect("4712")
        began = CLOCK.monotonic()
        await send(listener.port, ORM, ORM)
        assert began <= await back <= CLOCK.monotonic()
        assert not other.done()
        other.cancel()
        await asyncio.sleep(0)
        assert not listener._expected


@pytest.mark.parametrize(
    ("address", "known"),
    [
        *[("10.0.0.31", True), ("::ffff:10.0.0.31", True), ("10.0.0.32", False), ("192.168.7.7", True)],
        *[("fe80::1%eth0", True), ("2001:db8::1", False)],
    ],
)
def test_senders_are_known_by_address_or_network(address: str, known: bool) -> None:
    listener = Listener(CLOCK, ("A", "B"), ("10.0.0.31", "192.168.1.0/16", "fe80::/10"))
    assert listener.knows(address) is known


def settings(folder: Path, **more: Any) -> Hl7Listener:
    data = {
        "listen": "127.0.0.1:0",
        "from": "127.0.0.1",
        "receiving_application": "PACSMON",
        "receiving_facility": "WEST",
    }
    return Hl7Listener.model_validate(data | more, context={"folder": folder})


async def test_over_tls_senders_must_show_a_certificate_where_an_authority_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate()
    tls = {"cert": pair.cert, "key": pair.key, "ca": authority.ca}
    wanted = settings(tmp_path, tls=tls).tls
    assert wanted is not None
    client = ssl.create_default_context(cafile=authority.ca)
    async with listening(tls=wanted.context()) as listener:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await send(listener.port, ORM, tls=client)
        ours = authority.certificate("ris", file="ris")
        client.load_cert_chain(ours.cert, ours.key)
        assert await send(listener.port, ORM, tls=client) == [("AA", "4711", "")]


def test_senders_must_be_addresses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'ris' is not an address"):
        settings(tmp_path, **{"from": ["127.0.0.1", "ris"]})
    assert settings(tmp_path).listen == ("127.0.0.1", 0)
