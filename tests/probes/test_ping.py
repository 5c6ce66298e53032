"""ping, on loopback: that of the machine, and that of networks which lose packets and refuse us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.ping import PingSettings, checksum
from tests.peers.network import alone, drop, let_groups_ping
from tests.peers.user import unprivileged
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

PING = kinds()["ping"]


def at(host: str, **more: object) -> tuple[Node, Any]:
    return Node("switch", host=host), PingSettings(**more)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    yield at("127.0.0.1")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at("255.255.255.255")


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    yield at("nobody.invalid")


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    yield at("127.0.0.1", slow=1e-9)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    yield at("nobody.invalid")


PEERS = Peers(working, refusing, hanging, warning, blind)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_host_that_answers_is_ok_and_measured(host: str) -> None:
    outcome = await ask(PING, *at(host), timeout=10)
    values = {m.name: m.value for m in outcome.measurements}
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert values["ping_lost_ratio"] == 0
    assert 0 < values["ping_round_trip_seconds"] < 5


async def test_pings_at_once_do_not_take_each_others_replies() -> None:
    outcomes = await asyncio.gather(*(ask(PING, *at("127.0.0.1"), timeout=10) for _ in range(8)))
    assert [outcome.status for outcome in outcomes] == [Status.OK] * 8


async def test_replies_that_came_while_the_monitor_was_busy_are_not_lost() -> None:
    """The loop stands still for longer than a reply is waited for, again and again."""
    asking = asyncio.gather(*(ask(PING, *at("127.0.0.1", wait="100ms")) for _ in range(8)))
    while not asking.done():
        time.sleep(0.15)
        await asyncio.sleep(0)
    assert [outcome.status for outcome in await asking] == [Status.OK] * 8


async def test_an_address_that_cannot_be_sent_to_is_told() -> None:
    outcome = await ask(PING, *at("255.255.255.255"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TCP_UNREACHABLE)


async def test_a_slow_host_is_a_warning() -> None:
    outcome = await ask(PING, *at("127.0.0.1", slow=1e-9), timeout=10)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)


async def test_a_node_without_a_host_is_not_configured() -> None:
    assert (await ask(PING, *at(""))).reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize(("host", "kind"), [("127.0.0.1", "icmp"), ("::1", "icmpv6")])
def test_a_network_that_loses_every_second_request_is_a_warning(host: str, kind: str) -> None:
    async def scene() -> Outcome:
        drop(f"{kind} type echo-request numgen inc mod 2 == 0")
        return await ask(PING, *at(host, count=4, lost="20%", wait="500ms"), timeout=10)

    outcome = alone(scene())
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert outcome.detail == f"50 % of the replies from {host} were lost, more than 20 %"
    assert {m.name: m.value for m in outcome.measurements}["ping_lost_ratio"] == 0.5


def test_a_loss_up_to_the_limit_is_ok() -> None:
    async def scene() -> Outcome:
        drop("icmp type echo-request numgen inc mod 2 == 0")
        return await ask(PING, *at("127.0.0.1", count=4, lost="50%", wait="500ms"), timeout=10)

    assert alone(scene()).status is Status.OK


def test_a_host_that_answers_no_request_has_failed() -> None:
    async def scene() -> Outcome:
        drop("icmp type echo-request")
        return await ask(PING, *at("127.0.0.1", wait="300ms"), timeout=10)

    outcome = alone(scene())
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, Reason.TCP_TIMEOUT, Phase.OPERATION)
    assert [m.value for m in outcome.measurements] == [1]


def test_a_user_whose_group_may_ping_needs_no_privilege_and_one_whose_may_not_is_told_what_to_do() -> None:
    async def scene() -> tuple[Outcome, Outcome]:
        let_groups_ping(1, 0)
        with unprivileged():
            refused = await ask(PING, *at("127.0.0.1"), timeout=10)
        let_groups_ping(0, 2**31 - 1)
        with unprivileged():
            return refused, await ask(PING, *at("127.0.0.1"), timeout=10)

    refused, allowed = alone(scene())
    assert (refused.status, refused.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "ping_group_range" in refused.detail
    assert "AmbientCapabilities=CAP_NET_RAW" in refused.detail
    assert allowed.status is Status.OK


@given(st.binary(min_size=8, max_size=64).filter(lambda data: len(data) % 2 == 0))
def test_a_packet_with_its_checksum_sums_up_to_nothing(data: bytes) -> None:
    packet = data[:2] + bytes(2) + data[4:]
    assert checksum(data[:2] + checksum(packet).to_bytes(2) + data[4:]) == 0
