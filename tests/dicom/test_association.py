"""What holds of every association: it is closed whatever happens, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pacs_monitor.dicom import associate
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.model import Phase, Reason, Tls
from pacs_monitor.net import NetFailure, Resolver
from tests.dicom.support import echo_at, failure_of, target
from tests.peers.certificates import certificate, server_context
from tests.peers.scripted import (
    Conversation,
    Script,
    accept,
    answer_echo,
    echo_response,
    hang,
    release_response,
    scripted,
)
from tests.support.timing import HANGS, SOON

A_ABORT = 7


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def accept_then_hang(conversation: Conversation) -> None:
    await conversation.hear()
    await conversation.say(accept())


async def silent(conversation: Conversation) -> None:
    """Hears, and never answers."""


@pytest.mark.parametrize(("script", "heard"), [(silent, [1, A_ABORT]), (accept_then_hang, [1, 4, A_ABORT])])
async def test_cancellation_aborts_and_closes(script: Script, heard: list[int]) -> None:
    async with scripted(script) as peer:
        run = asyncio.ensure_future(echo_at(target(peer.port), timeout=30))
        async with asyncio.timeout(SOON):
            while not peer.conversations or len(peer.last.heard) < len(heard) - 1:
                await asyncio.sleep(0.005)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await peer.last.over.wait()
        assert run.cancelled()
        assert [pdu[0] for pdu in peer.last.heard] == heard


async def test_an_exception_in_the_block_aborts_and_closes() -> None:
    async def use(port: int) -> None:
        deadline = time.monotonic() + SOON
        async with await associate(target(port), CONTEXTS, resolver=Resolver(), deadline=deadline):
            raise ZeroDivisionError

    async with scripted(accept_then_hang) as peer:
        with pytest.raises(ZeroDivisionError):
            await use(peer.port)
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
        assert [pdu[0] for pdu in peer.last.heard] == [1, A_ABORT]


async def test_a_wait_after_the_end_raises_the_same_failure_again() -> None:
    async def close(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept())
        conversation.close()

    async with scripted(close) as peer:
        deadline = time.monotonic() + SOON
        async with await associate(target(peer.port), CONTEXTS, resolver=Resolver(), deadline=deadline) as association:
            for _ in range(2):
                with pytest.raises(NetFailure, match="closed the connection mid-operation"):
                    await echo(association)


async def test_several_echoes_may_share_an_association() -> None:
    async def thrice(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept())
        for number in (1, 2, 3):
            await conversation.hear()
            await conversation.say(echo_response(answers=number))
        await conversation.hear()
        await conversation.say(release_response())

    async with scripted(thrice) as peer:
        deadline = time.monotonic() + SOON
        async with await associate(target(peer.port), CONTEXTS, resolver=Resolver(), deadline=deadline) as association:
            for _ in range(3):
                await echo(association)
    assert association.trace.flags == []


async def test_hundreds_of_runs_leave_no_descriptor_and_no_task() -> None:
    async def some(port: int, count: int) -> None:
        await asyncio.gather(*(echo_at(target(port), timeout=20) for _ in range(count)))

    async with scripted(answer_echo) as peer:
        await some(peer.port, 20)
        await _until_over(peer.conversations)
        before, tasks = descriptors(), len(asyncio.all_tasks())
        await some(peer.port, 200)
        await _until_over(peer.conversations)
        async with asyncio.timeout(SOON):
            while descriptors() > before or len(asyncio.all_tasks()) > tasks:
                await asyncio.sleep(0.01)


async def test_cancellations_leave_no_descriptor() -> None:
    async with scripted(hang) as peer:
        before = descriptors()
        runs = [asyncio.ensure_future(echo_at(target(peer.port), timeout=30)) for _ in range(100)]
        for step, run in enumerate(runs):
            if step % 3 == 0:
                await asyncio.sleep(0)
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
    async with asyncio.timeout(SOON):
        while descriptors() > before:
            await asyncio.sleep(0.01)


async def _until_over(conversations: list[Conversation]) -> None:
    async with asyncio.timeout(SOON):
        await asyncio.gather(*(conversation.over.wait() for conversation in conversations))


async def test_nagle_is_off() -> None:
    async with scripted(accept_then_hang) as peer:
        deadline = time.monotonic() + SOON
        async with await associate(target(peer.port), CONTEXTS, resolver=Resolver(), deadline=deadline) as association:
            connection = association._transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            association.abort()


@pytest.mark.parametrize(
    ("script", "heard", "timeout"), [(answer_echo, [1, 4, 5], SOON), (accept_then_hang, [1, 4, A_ABORT], HANGS)]
)
async def test_tls_carries_an_association_to_its_end(
    tmp_path: Path, script: Script, heard: list[int], timeout: float
) -> None:
    made = certificate(tmp_path)
    async with scripted(script, tls=server_context(made)) as peer:
        secured = target(peer.port)._replace(tls=Tls(ca=str(made)))
        with suppress(NetFailure):
            association = await echo_at(secured, timeout=timeout)
            assert Phase.TLS in association.trace.phases
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
        assert [pdu[0] for pdu in peer.last.heard] == heard


async def test_an_association_without_tls_to_a_port_that_wants_it_says_so(tmp_path: Path) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # the peer's handshake fails
    async with scripted(hang, tls=server_context(certificate(tmp_path))) as peer:
        failure = await failure_of(target(peer.port))
    assert (failure.reason, failure.phase) == (Reason.CLOSED_BEFORE_ACCEPT, Phase.ASSOCIATE)
    assert "TLS" in failure.detail


async def speak_dicom(conversation: Conversation) -> None:
    """Answers the TLS handshake in clear text."""
    await conversation.say(accept())


async def close(conversation: Conversation) -> None:
    conversation.close()


@pytest.mark.parametrize(
    ("script", "reason", "timeout"),
    [
        (silent, Reason.TLS_TIMEOUT, HANGS),
        (speak_dicom, Reason.TLS_NOT_OFFERED, SOON),
        (close, Reason.TLS_NOT_OFFERED, SOON),
    ],
)
async def test_a_tls_handshake_that_fails_is_told_and_nothing_is_said_in_clear(
    script: Script, reason: Reason, timeout: float
) -> None:
    async with scripted(script) as peer:
        before = descriptors()
        failure = await failure_of(target(peer.port)._replace(tls=Tls()), timeout=timeout)
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
            while descriptors() > before:
                await asyncio.sleep(0.01)
    assert (failure.reason, failure.phase) == (reason, Phase.TLS)
