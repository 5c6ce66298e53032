from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.hl7 import Code
from pacs_monitor.hl7.listener import Listener
from pacs_monitor.model import Address, Burden, Hl7Endpoint, Node, Outcome, Phase, Reason, Status, Tls
from pacs_monitor.probes import kinds
from pacs_monitor.probes.hl7_heartbeat import LOOP, Hl7HeartbeatSettings
from tests.peers.authority import Authority
from tests.peers.mllp import ack, answering, framed, good, hl7apy_server, mllp, python_hl7, sending_on
from tests.peers.ports import free_port
from tests.peers.scripted import Conversation, Script, hang
from tests.peers.stunnel import Stunnel
from tests.peers.tls import context_of, tls_server
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON

HEARTBEAT = kinds()["hl7_heartbeat"]
SETTINGS = Hl7HeartbeatSettings()


def node_at(port: int, tls: Tls | None = None) -> Node:
    return Node("ris", host="127.0.0.1", hl7=Hl7Endpoint(port, tls))


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    async with python_hl7() as port:
        yield node_at(port), SETTINGS


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), SETTINGS


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with mllp(hang) as peer:
        yield node_at(peer.port), SETTINGS


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    async with python_hl7() as port:
        yield node_at(port), Hl7HeartbeatSettings(slow="0")


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    authority = Authority(folder)
    with tls_server(context_of(authority.certificate(), authority.ca)) as port:
        yield node_at(port, Tls(authority.ca)), SETTINGS


PEERS = Peers(working, refusing, hanging, warning, blind)


async def beat(script: Script, timeout: float = SOON, **settings: object) -> Outcome:
    async with mllp(script) as peer:
        return await ask(HEARTBEAT, node_at(peer.port), Hl7HeartbeatSettings(**settings), timeout)


async def test_the_server_of_hl7apy_acknowledges() -> None:
    with hl7apy_server() as port:
        outcome = await ask(HEARTBEAT, node_at(port), SETTINGS)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert list(outcome.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.OPERATION]


async def test_the_server_of_hl7apy_hangs_up_on_a_type_that_it_does_not_handle() -> None:
    with hl7apy_server("ADT^A01^ADT_A01") as port:
        outcome = await ask(HEARTBEAT, node_at(port), SETTINGS)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, Reason.CLOSED, Phase.OPERATION)
    assert outcome.detail.endswith("closed the connection without an acknowledgement: wrong port or protocol?")


async def test_what_is_sent_asks_for_an_accept_acknowledgement_and_holds_no_patient() -> None:
    async with mllp(good) as peer:
        names = {"receiving_application": "ENGINE", "receiving_facility": "EAST", "processing_id": "T"}
        await ask(HEARTBEAT, node_at(peer.port), Hl7HeartbeatSettings(**names))
        header, clock, end = peer.last.heard[0].decode().split("\r")
    fields = header.split("|")
    assert fields[2:6] == ["PACSMON", "", "ENGINE", "EAST"]
    assert fields[8] == "NMD^N02^NMD_N02"
    assert fields[10:] == ["T", "2.5.1", "", "", "AL", "NE"]
    assert (clock, end) == (f"NCK|{fields[6]}", "")


async def in_pieces(conversation: Conversation) -> None:
    message = await conversation.hear()
    for byte in framed(ack(message.split(b"|")[9])):
        await conversation.say(bytes((byte,)))


@pytest.mark.parametrize(
    "script",
    [
        in_pieces,
        answering(lambda ours: b"\x0b" + ack(ours) + b"\x1c"),
        answering(lambda ours: framed(ack(ours, version=b"2.7.1"))),
        answering(lambda ours: framed(ack(ours).rstrip(b"\r"))),
        answering(lambda ours: framed(ack(b"STALE")) + framed(ack(ours))),
        answering(lambda ours: framed(ack(b"STALE", b"AE")) + b"\r\n" + framed(ack(ours, b"CA"))),
        answering(lambda ours: framed(ack(ours, rest=b"|fine|||"))),
        answering(lambda ours: b"\0" + framed(ack(ours))),
        answering(lambda ours: b" \r\n\t" + framed(ack(ours))),
        answering(lambda ours: b"\xef\xbb\xbf" + framed(ack(ours))),
        answering(lambda ours: framed(b"\xef\xbb\xbf" + ack(ours))),
        answering(lambda ours: framed(b"\0 \r\n" + ack(ours))),
        answering(lambda ours: b"Welcome to the engine\r\n" + framed(ack(ours))),
        answering(lambda ours: b"\x0b" + ack(b"STALE") + b"\x1c\0\x0b" + ack(ours) + b"\x1c\0"),
    ],
    ids=[
        *("in pieces", "no last CR", "another version", "no segment end", "stale", "stale refusal", "with text"),
        *("NUL before", "blanks before", "BOM before", "BOM within", "NUL within", "text before", "NUL between"),
    ],
)
async def test_acknowledgements_as_they_come_are_ok(script: Script) -> None:
    outcome = await beat(script)
    assert (outcome.status, outcome.detail) == (Status.OK, "")


async def half(conversation: Conversation) -> None:
    await conversation.hear()
    await conversation.say(b"\x0bMSH|^~\\&|")
    conversation.close()


async def reset(conversation: Conversation) -> None:
    await conversation.hear()
    conversation.reset()


def whole(make: Callable[[bytes], bytes]) -> Script:
    return answering(lambda ours: framed(make(ours)))


@pytest.mark.parametrize(
    ("script", "reason", "said"),
    [
        (hang, Reason.NO_ACK, "did not acknowledge the message in time"),
        (whole(lambda ours: b"MSH|^~\\&|||||||ADT^A01|1|P|2.3\r"), Reason.NO_ACK, "no acknowledgement"),
        (whole(lambda ours: ack(ours, b"OK")), Reason.NO_ACK, "code that is not in HL7 table 0008"),
        (answering(ack), Reason.FRAMING, "does not begin with 0B"),
        (answering(lambda ours: b"\x0b" + ack(ours) + b"\r\x0c"), Reason.FRAMING, "did not end it"),
        (answering(lambda ours: b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.FRAMING, "protocol? it speaks HTTP"),
        (
            answering(lambda ours: b"\x15\x03\x01\0\x02\x02\x46"),
            Reason.FRAMING,
            "wrong port or protocol? it speaks TLS",
        ),
        (
            answering(lambda ours: b"\x07\0\0\0\0\x04\0\0\0\0"),
            Reason.FRAMING,
            "wrong port or protocol? it speaks DICOM",
        ),
        (
            whole(lambda ours: ack(b"")),
            Reason.CONTROL_ID_MISMATCH,
            "(MSA-2 is empty); if it never fills MSA-2, set same_",
        ),
        (half, Reason.FRAMING, "did not end it"),
        (whole(lambda ours: b"\x06"), Reason.FRAMING, "is not an HL7 v2 message"),
        (whole(lambda ours: ack(ours, b"AE", rest=b"|DOE^JANE")), Reason.NAK_AE, "answered AE (MSA-1)"),
        (whole(lambda ours: ack(ours, b"CE")), Reason.NAK_AE, "answered CE (MSA-1)"),
        (whole(lambda ours: ack(ours, b"AR")), Reason.NAK_AR, "answered AR (MSA-1)"),
        (whole(lambda ours: ack(ours, b"CR")), Reason.NAK_AR, "answered CR (MSA-1)"),
        (whole(lambda ours: ack(b"STALE")), Reason.CONTROL_ID_MISMATCH, "a message other than ours"),
        (answering(lambda ours: b""), Reason.CLOSED, "closed the connection"),
        (reset, Reason.CLOSED, "closed the connection"),
    ],
)
async def test_each_failure_has_its_reason(script: Script, reason: Reason, said: str) -> None:
    outcome = await beat(script, timeout=HANGS)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, reason, Phase.OPERATION)
    assert said in outcome.detail
    assert "DOE" not in outcome.detail


async def test_codes_that_are_well_can_be_named() -> None:
    rejects = whole(lambda ours: ack(ours, b"AR"))
    assert (await beat(rejects, accept=["AA", "AR"])).status is Status.OK
    with pytest.raises(ValueError, match="'AA', 'AE', 'AR'"):
        Hl7HeartbeatSettings(accept="OK")


async def test_where_the_application_must_answer_a_mere_receipt_is_not_enough() -> None:
    twice = answering(lambda ours: framed(ack(ours, b"CA")) + framed(ack(ours, b"AA")))
    receipt = await beat(whole(lambda ours: ack(ours, b"CA")), timeout=HANGS, accept="AA")
    assert (await beat(twice, accept="AA")).status is Status.OK
    assert receipt.reason is Reason.NO_ACK
    assert receipt.detail.endswith("answered CA (MSA-1); expected one of AA")


async def test_an_engine_that_does_not_copy_the_control_id_can_be_put_up_with() -> None:
    outcome = await beat(whole(lambda ours: ack(b"")), same_control_id=False)
    assert outcome.status is Status.OK


async def test_an_acknowledgement_slower_than_slow_is_a_warning() -> None:
    outcome = await beat(good, slow="0")
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)


async def test_ok_says_what_it_proves() -> None:
    outcome = await beat(good)
    assert outcome.terminal == (
        ("acknowledgement", "AA"),
        ("proves", "that the listener accepts messages, not that they arrive anywhere (verify: loop proves that)"),
    )


async def test_a_node_without_an_endpoint_is_not_configured() -> None:
    outcome = await ask(HEARTBEAT, Node("ris", host="127.0.0.1"), SETTINGS)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert HEARTBEAT.addresses(node_at(2575), SETTINGS) == (Address("127.0.0.1", 2575),)
    assert HEARTBEAT.addresses(node_at(2575), Hl7HeartbeatSettings(port=6661)) == (Address("127.0.0.1", 6661),)


def settings_by(folder: Path, text: bytes) -> Hl7HeartbeatSettings:
    (folder / "beat.hl7").write_bytes(text)
    return Hl7HeartbeatSettings.model_validate({"message": "beat.hl7"}, context={"folder": folder})


TEMPLATE = b"MSH|^~\\&|M|E|K|E|{timestamp}||ADT^A08|{control_id}|T|2.3\nPID|1||ZZTEST||ZZTEST^PACSMONITOR\n"


async def test_a_message_of_ones_own_is_filled_in(tmp_path: Path) -> None:
    async with mllp(good) as peer:
        outcome = await ask(HEARTBEAT, node_at(peer.port), settings_by(tmp_path, TEMPLATE))
        sent = peer.last.heard[0]
    assert outcome.status is Status.OK
    assert sent.startswith(b"MSH|^~\\&|M|E|K|E|2")
    assert sent.endswith(b"|T|2.3\rPID|1||ZZTEST||ZZTEST^PACSMONITOR\r")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"EVN|A08", "does not begin with MSH"),
        (TEMPLATE.replace(b"{control_id}", b"4711"), "its MSH-10 is not {control_id}"),
        (TEMPLATE + b"Z" * 65536, "longer than 65536 bytes"),
        (b"\x0b" + TEMPLATE + b"\x1c\r", "it contains a framing byte (0B, 1C) or NUL"),
        (TEMPLATE.replace(b"ADT", b"\x1cADT"), "it contains a framing byte (0B, 1C) or NUL"),
        (TEMPLATE.decode().encode("utf-16"), "it contains a framing byte (0B, 1C) or NUL"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_told_at_once_and_also_when_it_changes(
    text: bytes, said: str, tmp_path: Path
) -> None:
    settings = settings_by(tmp_path, TEMPLATE)
    with pytest.raises(ValueError, match="is not an HL7 message that can be sent") as raised:
        settings_by(tmp_path, text)
    outcome = await ask(HEARTBEAT, node_at(free_port()), settings)
    assert said in str(raised.value)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert said in outcome.detail


async def test_a_file_that_is_gone_is_not_configured(tmp_path: Path) -> None:
    settings = settings_by(tmp_path, TEMPLATE)
    (tmp_path / "beat.hl7").unlink()
    outcome = await ask(HEARTBEAT, node_at(free_port()), settings)
    assert outcome.reason is Reason.NOT_CONFIGURED
    assert outcome.detail.endswith("cannot be sent: No such file or directory")


@pytest.mark.parametrize("name", ["A|B", "A\rB", "Ä", "A" * 181])
def test_a_name_that_would_break_the_header_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        Hl7HeartbeatSettings(receiving_application=name)


async def test_one_connection_a_run_is_made_and_closed() -> None:
    async with mllp(good) as peer:
        for _ in range(2):
            await ask(HEARTBEAT, node_at(peer.port), SETTINGS)
        async with asyncio.timeout(SOON):
            await asyncio.gather(*(conversation.over.wait() for conversation in peer.conversations))
    assert len(peer.conversations) == 2


KEPT = Hl7HeartbeatSettings(keep_open=30.0)


async def test_a_connection_that_is_kept_serves_the_next_run_and_is_closed_when_its_time_is_up() -> None:
    async with mllp(good) as peer:
        await ask(HEARTBEAT, node_at(peer.port), KEPT)
        again = await ask(HEARTBEAT, node_at(peer.port), Hl7HeartbeatSettings(keep_open=0.05))
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
    assert list(again.phases) == [Phase.OPERATION]
    assert (len(peer.conversations), len(peer.last.heard)) == (1, 2)


async def test_a_kept_connection_that_the_peer_has_closed_is_made_anew() -> None:
    async def once(conversation: Conversation) -> None:
        await conversation.say(framed(ack((await conversation.hear()).split(b"|")[9])))
        await conversation.hear()
        conversation.close()

    async with mllp(once) as peer:
        await ask(HEARTBEAT, node_at(peer.port), KEPT)
        again = await ask(HEARTBEAT, node_at(peer.port), SETTINGS)
    assert again.status is Status.OK
    assert len(peer.conversations) == 2


@asynccontextmanager
async def secure(folder: Path, server: Any, trusts: bool = False) -> AsyncIterator[tuple[int, Authority, Tls]]:
    authority = Authority(folder)
    context: ssl.SSLContext = context_of(authority.certificate(), authority.ca if trusts else None)
    ours = authority.certificate("pacsmon", file="us")
    tls = Tls(authority.ca, ours.cert, ours.key) if trusts else Tls(authority.ca)
    async with server(context) as up:
        yield getattr(up, "port", up), authority, tls


@pytest.mark.parametrize("trusts", [False, True], ids=["server certificate", "both certificates"])
async def test_over_tls(tmp_path: Path, trusts: bool) -> None:
    async with secure(tmp_path, python_hl7, trusts) as (port, _, tls):
        outcome = await ask(HEARTBEAT, node_at(port, tls), SETTINGS)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert Phase.TLS in outcome.phases
    assert [measured.name for measured in outcome.measurements] == ["tls_certificate_expiry_timestamp_seconds"]


async def test_the_server_of_hl7apy_acknowledges_behind_tls_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with hl7apy_server() as port, Stunnel(tmp_path, port, authority.certificate()) as front:
        outcome = await ask(HEARTBEAT, node_at(front.port, Tls(authority.ca)), SETTINGS)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert Phase.TLS in outcome.phases


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (hang, Reason.NO_ACK),
        (answering(lambda ours: b"HTTP/1.1 400\r\n"), Reason.FRAMING),
        (whole(lambda ours: ack(ours, b"AE")), Reason.NAK_AE),
        (whole(lambda ours: ack(ours, b"AR")), Reason.NAK_AR),
        (whole(lambda ours: ack(b"STALE")), Reason.CONTROL_ID_MISMATCH),
        (answering(lambda ours: b""), Reason.CLOSED),
        (half, Reason.FRAMING),
    ],
)
async def test_each_failure_has_its_reason_over_tls_too(script: Script, reason: Reason, tmp_path: Path) -> None:
    async with secure(tmp_path, lambda context: mllp(script, context)) as (port, _, tls):
        outcome = await ask(HEARTBEAT, node_at(port, tls), SETTINGS, HANGS)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, reason, Phase.OPERATION)


async def test_a_peer_that_wants_our_certificate_and_is_shown_none_is_our_fault(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with tls_server(context_of(authority.certificate(), authority.ca)) as port:
        outcome = await ask(HEARTBEAT, node_at(port, Tls(authority.ca)), SETTINGS)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.AUTH)


LOOPED = Hl7HeartbeatSettings(verify="loop", receiving_application="PACSMON", receiving_facility="EAST")


@asynccontextmanager
async def our_listener() -> AsyncIterator[Listener]:
    listener = Listener(SystemClock(), ("PACSMON", "EAST"), ("127.0.0.1",))
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


async def test_a_message_that_comes_back_proves_the_path_and_is_measured() -> None:
    async with our_listener() as listener, sending_on(listener.port) as port:
        outcome = await ask(HEARTBEAT, node_at(port), LOOPED, hl7_listener=listener)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    (loop,) = outcome.measurements
    assert loop.name == LOOP
    assert 0 < loop.value < SOON
    assert outcome.terminal[1] == ("proves", "that messages pass through to our own listener")


async def test_a_message_that_the_engine_acknowledges_and_loses_is_silent() -> None:
    async with our_listener() as listener, sending_on(listener.port, loses=True) as port:
        outcome = await ask(HEARTBEAT, node_at(port), LOOPED, HANGS, hl7_listener=listener)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, Reason.SILENT, Phase.OPERATION)
    assert outcome.detail.endswith("acknowledged the message, but it did not come back to our listener in time")
    assert outcome.measurements == ()


async def test_without_a_listener_of_ours_the_loop_cannot_be_verified() -> None:
    outcome = await beat(good, verify="loop")
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


def test_it_writes_and_says_how_much() -> None:
    assert HEARTBEAT.writes
    assert isinstance(HEARTBEAT, Burden)
    assert HEARTBEAT.load(SETTINGS) == (0, 0, 1)
    assert SETTINGS.accept == (Code.AA, Code.CA)
