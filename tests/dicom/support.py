"""One C-ECHO against a peer, a real or a scripted one."""

from __future__ import annotations

import asyncio
import time

import pytest

from pacs_monitor.dicom import Association, Target, associate
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.model import Address
from pacs_monitor.model import Resolver as ResolverProtocol
from pacs_monitor.net import NetFailure, Resolver
from tests.peers.scripted import Conversation, Script, scripted
from tests.support.timing import SOON, Stopwatch

A_ABORT, A_RELEASE_RQ = 7, 5
"""PDU types (PS3.8 9.3)."""


def target(port: int, host: str = "127.0.0.1", called: str = "PEER") -> Target:
    return Target(Address(host, port), called, "PACSMON")


async def echo_at(to: Target, *, timeout: float = SOON, resolver: ResolverProtocol | None = None) -> Association:
    """The association of a C-ECHO that went well, over by now; raises NetFailure."""
    deadline = time.monotonic() + timeout
    async with await associate(to, CONTEXTS, resolver=resolver or Resolver(), deadline=deadline) as association:
        await echo(association)
    return association


async def failure_of(to: Target, *, timeout: float = SOON, resolver: ResolverProtocol | None = None) -> NetFailure:
    """The failure that a C-ECHO meets, within its deadline."""
    with pytest.raises(NetFailure) as caught, Stopwatch() as watch:
        await echo_at(to, timeout=timeout, resolver=resolver)
    assert watch.seconds < timeout + 1.0
    return caught.value


async def failure_by(script: Script, timeout: float = SOON) -> tuple[NetFailure, Conversation]:
    """What a C-ECHO meets at a scripted peer, and the conversation, after the client closed its socket."""
    async with scripted(script) as peer:
        failure = await failure_of(target(peer.port), timeout=timeout)
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
        return failure, peer.last


def then(*answers: bytes) -> Script:
    """A peer that answers each PDU with the next of these, then hears until the client closes."""

    async def script(conversation: Conversation) -> None:
        for answer in answers:
            await conversation.hear()
            await conversation.say(answer)

    return script
