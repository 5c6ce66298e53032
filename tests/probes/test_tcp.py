from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.model import Address, Node, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.tcp import TcpSettings
from tests.peers.ports import free_port
from tests.peers.scripted import full_accept_queue, hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON

TCP = kinds()["tcp"]


def at(port: int) -> tuple[Node, Any]:
    return Node("switch", host="127.0.0.1"), TcpSettings(port=port)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield at(peer.port)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    with full_accept_queue() as port:
        yield at(port)


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield Node("switch", host="127.0.0.1"), TcpSettings(port=peer.port, slow=1e-6)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    yield Node("switch", host="switch.invalid"), TcpSettings(port=22)


PEERS = Peers(working, refusing, hanging, warning, blind)


async def test_an_accepted_connection_is_ok_and_closed_again() -> None:
    async def until_closed(conversation: object) -> None:
        """The script ends at once; then the peer hears until the client closes."""

    async with scripted(until_closed) as peer:
        outcome = await ask(TCP, *at(peer.port))
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
    assert outcome.status is Status.OK
    assert set(outcome.phases) == {Phase.RESOLVE, Phase.CONNECT}
    assert peer.last.heard == []


async def test_a_refused_port_is_tcp_refused() -> None:
    outcome = await ask(TCP, *at(free_port()))
    assert (outcome.reason, outcome.phase) == (Reason.TCP_REFUSED, Phase.CONNECT)


async def test_a_full_accept_queue_is_tcp_timeout() -> None:
    with full_accept_queue() as port:
        outcome = await ask(TCP, *at(port), HANGS)
    assert (outcome.reason, outcome.phase) == (Reason.TCP_TIMEOUT, Phase.CONNECT)


async def test_a_connection_slower_than_slow_is_a_warning() -> None:
    async with scripted(hang) as peer:
        node, _ = at(peer.port)
        outcome = await ask(TCP, node, TcpSettings(port=peer.port, slow=1e-6))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)
    assert "more than 0.001 ms" in outcome.detail


async def test_a_node_without_a_host_is_not_configured() -> None:
    outcome = await ask(TCP, Node("switch"), TcpSettings(port=free_port()))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


def test_it_takes_the_seat_of_its_address() -> None:
    node, settings = at(4242)
    assert TCP.uses_association
    assert TCP.addresses(node, settings) == (Address("127.0.0.1", 4242),)


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_outside_1_to_65535_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        TcpSettings(port=port)
