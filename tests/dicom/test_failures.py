"""The failure taxonomy up to the accepted association, condition by condition, by real and byte-scripted peers."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from pacs_monitor.dicom import Association
from pacs_monitor.dicom.dimse import Element, write_command
from pacs_monitor.dicom.identity import MAXIMUM_LENGTH
from pacs_monitor.model import Flag, Phase, Reason, Status
from pacs_monitor.net import Resolver
from tests.dicom.objects import failure_at
from tests.dicom.support import A_ABORT, A_RELEASE_RQ, echo_at, failure_by, failure_of, target, then
from tests.peers.dcmtk import Storescp
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.scripted import (
    IMPLICIT,
    Conversation,
    abort,
    accept,
    answer_echo,
    echo_response,
    full_accept_queue,
    reject,
    release_response,
    scripted,
)
from tests.support.timing import HANGS

# resolve


async def test_a_name_that_never_resolved_is_dns() -> None:
    failure = await failure_of(target(104, "no-such-host.invalid"))
    assert (failure.reason, failure.phase) == (Reason.DNS, Phase.RESOLVE)
    assert failure.outcome().status is Status.UNKNOWN
    assert "no-such-host.invalid" in failure.detail


async def test_a_name_that_resolved_before_falls_back_to_its_last_good_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver()
    async with scripted(answer_echo) as peer:
        healthy = await echo_at(target(peer.port, "localhost"), resolver=resolver)
        monkeypatch.setattr("socket.getaddrinfo", _no_name_server)
        remembered = await echo_at(target(peer.port, "localhost"), resolver=resolver)
    assert (healthy.trace.flags, remembered.trace.flags) == ([], [Flag.RESOLVED_FROM_MEMORY])


def _no_name_server(*_args: object, **_more: object) -> None:
    raise OSError("the name server is gone")


# connect


async def test_a_refused_port_is_tcp_refused() -> None:
    failure = await failure_of(target(free_port()))
    assert (failure.reason, failure.phase) == (Reason.TCP_REFUSED, Phase.CONNECT)


async def test_a_full_accept_queue_is_tcp_timeout() -> None:
    with full_accept_queue() as port:
        failure = await failure_of(target(port), timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.TCP_TIMEOUT, Phase.CONNECT)
    assert set(failure.trace.phases) == {Phase.RESOLVE, Phase.CONNECT}


async def test_a_network_without_a_route_is_tcp_unreachable() -> None:
    """No system connects by TCP to the limited broadcast address (RFC 919 7), so nothing leaves the machine."""
    failure = await failure_of(target(104, "255.255.255.255"))
    assert (failure.reason, failure.phase) == (Reason.TCP_UNREACHABLE, Phase.CONNECT)


async def test_ipv6_is_spoken_too() -> None:
    async with scripted(answer_echo, host="::1") as peer:
        association = await echo_at(target(peer.port, "::1"))
    assert association.trace.flags == []


# associate


async def test_a_stopped_orthanc_is_acse_timeout(tmp_path: Path) -> None:
    with Orthanc(tmp_path) as orthanc:
        orthanc.freeze()
        failure = await failure_of(target(orthanc.dicom_port, called="ORTHANC"), timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.ACSE_TIMEOUT, Phase.ASSOCIATE)


async def test_a_peer_that_says_nothing_gets_an_abort() -> None:
    failure, conversation = await failure_by(then(), timeout=HANGS)
    assert failure.reason is Reason.ACSE_TIMEOUT
    assert [pdu[0] for pdu in conversation.heard] == [1, A_ABORT]


async def test_a_peer_that_drips_is_acse_timeout_within_the_deadline() -> None:
    async def drip(conversation: Conversation) -> None:
        for byte in accept():
            await conversation.say(bytes((byte,)))
            await asyncio.sleep(1)

    async with scripted(drip) as peer:
        failure = await failure_of(target(peer.port), timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.ACSE_TIMEOUT, Phase.ASSOCIATE)
    assert "only part of an answer arrived" in failure.detail


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"H", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(40)],
    ids=["http", "one letter", "ssh", "zeros"],
)
async def test_another_protocol_is_not_dicom(answer: bytes) -> None:
    failure, conversation = await failure_by(then(answer))
    assert (failure.reason, failure.phase) == (Reason.NOT_DICOM, Phase.ASSOCIATE)
    assert conversation.heard[-1][0] == A_ABORT


async def test_a_server_that_speaks_first_is_not_dicom() -> None:
    async def greet(conversation: Conversation) -> None:
        await conversation.say(b"220 mail.example.org ESMTP\r\n")

    failure, _ = await failure_by(greet)
    assert (failure.reason, failure.phase) == (Reason.NOT_DICOM, Phase.ASSOCIATE)
    assert "mail.example.org" not in failure.detail


async def test_the_http_port_of_orthanc_is_no_dicom_port(orthanc: Orthanc) -> None:
    failure = await failure_of(target(orthanc.http_port))
    assert failure.phase is Phase.ASSOCIATE
    assert failure.reason in (Reason.NOT_DICOM, Reason.CLOSED_BEFORE_ACCEPT)


@pytest.mark.parametrize("kind", range(1, 8))
async def test_a_peer_that_announces_4_gib_is_not_dicom(kind: int) -> None:
    failure, _ = await failure_by(then(struct.pack(">BxL", kind, 0xFFFFFFFF)))
    assert (failure.reason, failure.phase) == (Reason.NOT_DICOM, Phase.ASSOCIATE)
    assert "4294967295" in failure.detail


async def test_4_gib_in_mid_operation_is_not_dicom() -> None:
    failure, _ = await failure_by(then(accept(), struct.pack(">BxL", 4, 0xFFFFFFFF)))
    assert (failure.reason, failure.phase) == (Reason.NOT_DICOM, Phase.OPERATION)


async def test_a_peer_that_closes_at_once_is_closed_before_accept() -> None:
    async def close(conversation: Conversation) -> None:
        conversation.close()

    failure, _ = await failure_by(close)
    assert (failure.reason, failure.phase) == (Reason.CLOSED_BEFORE_ACCEPT, Phase.ASSOCIATE)
    assert "TLS" in failure.detail


@pytest.mark.parametrize("how", [Conversation.close, Conversation.reset])
async def test_a_peer_that_closes_on_the_request_is_closed_before_accept(how: Callable[[Conversation], None]) -> None:
    async def leave(conversation: Conversation) -> None:
        await conversation.hear()
        how(conversation)

    failure, _ = await failure_by(leave)
    assert (failure.reason, failure.phase) == (Reason.CLOSED_BEFORE_ACCEPT, Phase.ASSOCIATE)


async def test_a_tls_alert_is_closed_before_accept_and_says_so() -> None:
    failure, _ = await failure_by(then(b"\x15\x03\x03\x00\x02\x02\x46"))
    assert (failure.reason, failure.phase) == (Reason.CLOSED_BEFORE_ACCEPT, Phase.ASSOCIATE)
    assert "set tls under dicom" in failure.detail


async def test_a_wrong_called_ae_title_on_orthanc_is_called_aet_unknown(orthanc: Orthanc) -> None:
    failure = await failure_of(target(orthanc.dicom_port, called="WRONG"))
    assert (failure.reason, failure.phase) == (Reason.CALLED_AET_UNKNOWN, Phase.ASSOCIATE)
    assert "1/1/7" in failure.detail


async def test_storescp_that_refuses_is_rejected(tmp_path: Path) -> None:
    with Storescp(tmp_path, "--refuse") as storescp:
        failure = await failure_of(target(storescp.port, called="SINK"))
    assert (failure.reason, failure.phase) == (Reason.REJECTED, Phase.ASSOCIATE)


async def test_an_unknown_calling_ae_title_is_ours_to_register() -> None:
    failure, _ = await failure_by(then(reject(1, 1, 3)))
    assert (failure.reason, failure.phase) == (Reason.CALLING_AET_UNKNOWN, Phase.ASSOCIATE)
    assert failure.outcome().status is Status.UNKNOWN
    assert "please register the calling AE title PACSMON at source address 127.0.0.1: PEER at " in failure.detail


@pytest.mark.parametrize("triple", [(1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2), (1, 3, 1), (0, 9, 9)])
async def test_any_other_rejection_is_rejected_with_its_triple(triple: tuple[int, int, int]) -> None:
    failure, _ = await failure_by(then(reject(*triple)))
    assert failure.reason is Reason.REJECTED
    assert "/".join(map(str, triple)) in failure.detail


@pytest.mark.parametrize("triple", [(2, 3, 1), (2, 3, 2), (2, 1, 2), (2, 2, 2), (2, 1, 1), (2, 1, 7), (2, 1, 3)])
async def test_any_transient_rejection_is_busy_with_its_triple(triple: tuple[int, int, int]) -> None:
    failure, _ = await failure_by(then(reject(*triple)))
    assert (failure.reason, failure.outcome().status) == (Reason.BUSY, Status.WARN)
    assert "/".join(map(str, triple)) in failure.detail


@pytest.mark.parametrize(("source", "said"), [(0, "its application"), (2, "its upper layer: unexpected PDU")])
async def test_an_abort_before_accept_is_aborted_by_peer(source: int, said: str) -> None:
    failure, _ = await failure_by(then(abort(source, 2)))
    assert (failure.reason, failure.phase) == (Reason.ABORTED_BY_PEER, Phase.ASSOCIATE)
    assert "before accepting it" in failure.detail
    assert said in failure.detail


@pytest.mark.parametrize(
    "pdu", [release_response(), echo_response(), accept()[:1] + bytes(5)], ids=["release", "data", "empty accept"]
)
async def test_a_pdu_out_of_turn_is_not_dicom(pdu: bytes) -> None:
    failure, conversation = await failure_by(then(pdu))
    assert (failure.reason, failure.phase) == (Reason.NOT_DICOM, Phase.ASSOCIATE)
    assert conversation.heard[-1][0] == A_ABORT


# negotiate


@pytest.mark.parametrize(
    ("contexts", "reason"),
    [
        ({1: (3, IMPLICIT)}, Reason.SOP_CLASS_REJECTED),
        ({1: (4, IMPLICIT)}, Reason.TRANSFER_SYNTAX_REJECTED),
        ({1: (1, IMPLICIT)}, Reason.SOP_CLASS_REJECTED),
        ({1: (2, IMPLICIT)}, Reason.SOP_CLASS_REJECTED),
        ({3: (0, IMPLICIT)}, Reason.SOP_CLASS_REJECTED),
        ({}, Reason.SOP_CLASS_REJECTED),
    ],
)
async def test_no_context_accepted_gives_the_results_reason_and_a_release(
    contexts: dict[int, tuple[int, str]], reason: Reason
) -> None:
    failure, conversation = await failure_by(then(accept(contexts), release_response()))
    assert (failure.reason, failure.phase) == (reason, Phase.ASSOCIATE)
    assert [pdu[0] for pdu in conversation.heard] == [1, A_RELEASE_RQ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server answered"),
        (b"<html><body>400</body></html>", "a web server answered"),
        (b"\x0bMSH|^~\\&|\x1c\r", "an HL7 listener answered"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server answered"),
        (b"220 mail\r\n", "which is not a DICOM PDU"),
    ],
)
async def test_another_protocol_is_asked_about_first(answer: bytes, told: str) -> None:
    failure, _ = await failure_by(then(answer))
    assert "does not speak DICOM; wrong port or protocol?" in failure.detail
    assert told in failure.detail


async def test_a_port_that_closes_without_a_word_may_be_a_wrong_one() -> None:
    async def close(conversation: Conversation) -> None:
        await conversation.hear()
        conversation.close()

    failure, _ = await failure_by(close)
    assert failure.detail.index("wrong port or protocol?") < failure.detail.index("an allowed address")


@pytest.mark.parametrize(("more", "reason"), [(0, None), (6, None), (7, Reason.NOT_DICOM)])
async def test_a_pdu_six_bytes_too_long_is_read_and_a_longer_one_is_told_as_what_it_is(
    more: int, reason: Reason | None
) -> None:
    """Some peers do not count the six bytes of a presentation data value (PS3.8 D.1.1, 9.3.5.1)."""
    field = b"\0\0\2\x09\2\0\0\0\0\0"  # (0000,0902) Error Comment, to fill the PDU
    command = write_command(0x8030, {Element.MESSAGE_ID_BEING_RESPONDED_TO: 1, Element.STATUS: 0})
    command += field[:4] + (MAXIMUM_LENGTH + more - 6 - len(command) - 8).to_bytes(4, "little")
    command = command.ljust(MAXIMUM_LENGTH + more - 6, b" ")
    answer = struct.pack(">BxLLBB", 4, len(command) + 6, len(command) + 2, 1, 3) + command
    script = then(accept(), answer, release_response())
    if reason is None:
        async with scripted(script) as peer:
            await echo_at(target(peer.port))
        return
    failure, _ = await failure_by(script)
    assert failure.reason is reason
    assert "does not speak DICOM" not in failure.detail
    assert str(MAXIMUM_LENGTH + more) in failure.detail


async def test_an_accepted_context_is_never_told_as_a_refused_one() -> None:
    """The peer said 0, acceptance, with a transfer syntax that was not proposed."""

    async def ask(association: Association) -> None:
        association.context("1.2.840.10008.1.1", "1.2.840.10008.1.2")

    async with scripted(then(accept({1: (0, "1.2.840.10008.1.2.4.50")}), release_response())) as peer:
        failure = await failure_at(peer.port, ask)
    assert failure.reason is Reason.TRANSFER_SYNTAX_REJECTED
    assert "result" not in failure.detail
    assert "JPEG Baseline" in failure.detail
