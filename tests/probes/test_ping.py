"""ping, on loopback; as whatever the system allows: unprivileged ICMP, or CAP_NET_RAW."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.net import NetFailure, Passage
from pacs_monitor.probes import kinds
from pacs_monitor.probes.ping import PingSettings, _judge, _socket, checksum
from tests.probes.support import Arranged, Peers, ask

PING = kinds()["ping"]


def at(host: str, **more: object) -> Arranged:
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


PEERS = Peers(working, refusing, hanging)


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


async def test_an_address_that_cannot_be_sent_to_is_told() -> None:
    outcome = await ask(PING, *at("255.255.255.255"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TCP_UNREACHABLE)


async def test_a_slow_host_is_a_warning() -> None:
    outcome = await ask(PING, *at("127.0.0.1", slow=1e-9), timeout=10)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)


async def test_a_node_without_a_host_is_not_configured() -> None:
    assert (await ask(PING, *at(""))).reason is Reason.NOT_CONFIGURED


def judged(*trips: float, **more: object) -> Outcome:
    return _judge(list(trips), "10.0.0.2", PingSettings(count=4, **more), Passage())


@pytest.mark.parametrize(
    ("trips", "status", "reason"),
    [
        ((), Status.FAIL, Reason.TCP_TIMEOUT),
        ((0.1,), Status.WARN, Reason.OVER_LIMIT),
        ((0.1, 0.1), Status.OK, None),
    ],
)
def test_lost_replies_are_counted(trips: tuple[float, ...], status: Status, reason: Reason | None) -> None:
    outcome = judged(*trips)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert outcome.measurements[0].value == 1 - len(trips) / 4


def test_where_the_system_allows_no_icmp_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's refusal stands in here for a system that allows neither kind of socket."""

    def refused(*_: object) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refused)
    with pytest.raises(NetFailure, match="ping_group_range") as caught:
        _socket("127.0.0.1", Passage())
    assert caught.value.outcome().status is Status.UNKNOWN
    assert caught.value.reason is Reason.NOT_CONFIGURED


@given(st.binary(min_size=8, max_size=64).filter(lambda data: len(data) % 2 == 0))
def test_a_packet_with_its_checksum_sums_up_to_nothing(data: bytes) -> None:
    packet = data[:2] + bytes(2) + data[4:]
    assert checksum(data[:2] + checksum(packet).to_bytes(2) + data[4:]) == 0
