"""C-ECHO and the release, condition by condition, by real and byte-scripted peers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pacs_monitor.dicom import upperlayer
from pacs_monitor.model import Flag, Phase, Reason
from tests.dicom.support import A_ABORT, A_RELEASE_RQ, echo_at, failure_by, target, then
from tests.peers.dcmtk import Storescp
from tests.peers.orthanc import Orthanc
from tests.peers.scripted import (
    EXPLICIT,
    Conversation,
    abort,
    accept,
    echo_response,
    hang,
    release_response,
    scripted,
)
from tests.support.timing import HANGS, SOON

# C-ECHO


async def test_a_real_orthanc_answers(orthanc: Orthanc) -> None:
    association = await echo_at(target(orthanc.dicom_port, called="ORTHANC"))
    assert association.trace.flags == []
    assert association.accepted.implementation_version_name.startswith("OFFIS_DCMTK")


async def test_a_real_storescp_answers(tmp_path: Path) -> None:
    with Storescp(tmp_path) as storescp:
        association = await echo_at(target(storescp.port, called="SINK"))
    assert association.trace.flags == []


async def test_explicit_vr_is_as_good_as_implicit() -> None:
    async with scripted(then(accept({1: (0, EXPLICIT)}), echo_response(), release_response())) as peer:
        association = await echo_at(target(peer.port))
    assert association.accepted.contexts == {1: (0, EXPLICIT)}


async def test_an_answer_in_many_fragments_is_joined() -> None:
    async with scripted(then(accept(), echo_response(fragment=12), release_response())) as peer:
        await echo_at(target(peer.port))


async def test_accept_and_echo_do_not_answer_in_time_is_dimse_timeout() -> None:
    failure, conversation = await failure_by(then(accept()), timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.DIMSE_TIMEOUT, Phase.OPERATION)
    assert [pdu[0] for pdu in conversation.heard] == [1, 4, A_ABORT]
    assert set(failure.trace.phases) == {Phase.RESOLVE, Phase.CONNECT, Phase.ASSOCIATE, Phase.OPERATION}


@pytest.mark.parametrize("how", [Conversation.close, Conversation.reset])
async def test_a_peer_that_closes_in_mid_operation_is_closed(how: Callable[[Conversation], None]) -> None:
    async def leave(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept())
        await conversation.hear()
        how(conversation)

    failure, _ = await failure_by(leave)
    assert (failure.reason, failure.phase) == (Reason.CLOSED, Phase.OPERATION)


@pytest.mark.parametrize(("source", "said"), [(0, "its application"), (2, "its upper layer")])
async def test_an_abort_in_mid_operation_is_aborted_by_peer(source: int, said: str) -> None:
    failure, _ = await failure_by(then(accept(), abort(source, 0)))
    assert (failure.reason, failure.phase) == (Reason.ABORTED_BY_PEER, Phase.OPERATION)
    assert "in mid-operation" in failure.detail
    assert said in failure.detail


async def test_a_release_by_the_peer_in_mid_operation_is_answered_and_closed() -> None:
    failure, conversation = await failure_by(then(accept(), b"\x05\0\0\0\0\x04\0\0\0\0"))
    assert (failure.reason, failure.phase) == (Reason.CLOSED, Phase.OPERATION)
    assert conversation.heard[-1] == release_response()


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (0x0122, Reason.DIMSE_STATUS, "C-ECHO answered 0x0122 (refused: sop class not supported)"),
        (0x0210, Reason.DIMSE_STATUS, "C-ECHO answered 0x0210 (duplicate invocation)"),
        (0x0110, Reason.DIMSE_STATUS, "C-ECHO answered 0x0110 (processing failure)"),
        (0xBEEF, Reason.DIMSE_STATUS, "C-ECHO answered 0xBEEF"),
        (0x0124, Reason.NOT_AUTHORISED, "C-ECHO answered 0x0124 (refused: not authorised)"),
        (0x0213, Reason.OUT_OF_RESOURCES, "C-ECHO answered 0x0213 (resource limitation)"),
    ],
)
async def test_a_status_other_than_success_is_named_and_released(status: int, reason: Reason, words: str) -> None:
    failure, conversation = await failure_by(then(accept(), echo_response(status), release_response()))
    assert (failure.reason, failure.phase, failure.detail) == (reason, Phase.OPERATION, words)
    assert [pdu[0] for pdu in conversation.heard] == [1, 4, A_RELEASE_RQ]
    assert failure.outcome().flags == ()


@pytest.mark.parametrize(
    "answer",
    [
        echo_response(answers=7),
        echo_response(context_id=3),
        b"\4\0\0\0\0\6\0\0\0\2\1\3",
        b"\4\0\0\0\0\4abcd",
        accept(),
        release_response(),
    ],
    ids=["message", "context", "empty command", "no value", "accept", "release"],
)
async def test_another_answer_than_ours_is_not_dicom(answer: bytes) -> None:
    failure, _ = await failure_by(then(accept(), answer, release_response()))
    assert (failure.reason, failure.phase) == (Reason.NOT_DICOM, Phase.OPERATION)


# release


async def _close(conversation: Conversation) -> None:
    conversation.close()


async def _abort(conversation: Conversation) -> None:
    await conversation.say(abort(0, 0))


@pytest.mark.parametrize("instead", [hang, _close, _abort])
async def test_no_release_answer_is_ok_with_a_flag(instead: Callable[[Conversation], Awaitable[None]]) -> None:
    async def script(conversation: Conversation) -> None:
        await then(accept(), echo_response())(conversation)
        await conversation.hear()
        await instead(conversation)

    async with scripted(script) as peer:
        association = await echo_at(target(peer.port))
    assert association.trace.flags == [Flag.RELEASE_TIMEOUT]
    assert association.trace.phases[Phase.RELEASE] < SOON / 2


async def test_a_release_may_use_no_more_than_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upperlayer, "RELEASE_WITHIN", 10 * SOON)

    async def script(conversation: Conversation) -> None:
        await then(accept(), echo_response())(conversation)

    async with scripted(script) as peer:
        association = await echo_at(target(peer.port), timeout=HANGS)
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
    assert association.trace.flags == [Flag.RELEASE_TIMEOUT]
    assert [pdu[0] for pdu in peer.last.heard] == [1, 4, A_RELEASE_RQ, A_ABORT]


async def test_a_release_collision_is_answered_and_awaited() -> None:
    async def script(conversation: Conversation) -> None:
        await then(accept(), echo_response(), b"\x05\0\0\0\0\x04\0\0\0\0")(conversation)
        await conversation.hear()
        await conversation.say(release_response())

    async with scripted(script) as peer:
        association = await echo_at(target(peer.port))
    assert association.trace.flags == []
    assert [pdu[0] for pdu in peer.last.heard] == [1, 4, A_RELEASE_RQ, 6]
