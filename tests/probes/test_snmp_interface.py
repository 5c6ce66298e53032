"""snmp_interface, with a real net-snmp agent (package snmpd)."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.net import Trace
from pacs_monitor.probes import kinds
from pacs_monitor.probes.snmp_interface import SnmpInterfaceSettings, _rates, _troubles
from pacs_monitor.systems.shared.judgement import worst_of
from pacs_monitor.systems.shared.resources import Interface, Link
from pacs_monitor.systems.snmp import LINKS, SnmpSettings
from tests.peers.network import alone, cable, link
from tests.peers.ports import deaf_port, free_port
from tests.peers.snmpd import COMMUNITY, USER, Snmpd
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

INTERFACE = kinds()["snmp_interface"]
EXPERIMENTAL = b"\x88\xb5"
"""The EtherType for local experiments (IEEE Std 802)."""


def at(port: int, **settings: Any) -> Arranged:
    block = SnmpSettings(port=port, community=COMMUNITY)
    return Node("switch", host="127.0.0.1", systems={"snmp": block}), SnmpInterfaceSettings(**settings)


def load_loopback() -> None:
    """Four megabytes, which nobody hears, at a speed that the agent takes for 10 Mbit/s."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        for _ in range(100):
            deaf.sendto(bytes(40_000), deaf.getsockname())


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Snmpd(folder) as agent:
        yield at(agent.port, interfaces="lo")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    with deaf_port() as port:
        yield at(port)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    memory: dict[str, Any] = {}
    with Snmpd(folder) as agent:
        await ask(INTERFACE, *at(agent.port, interfaces="lo"), memory=memory)
    load_loopback()
    with Snmpd(folder) as agent:  # a new one, since an agent tells the counters of some seconds ago
        yield *at(agent.port, interfaces="lo", load_warn="0.1%"), {"memory": memory}


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with Snmpd(folder) as agent:
        block = SnmpSettings(port=agent.port, username=USER, auth="sha256", auth_password="not this one")
        yield Node("switch", host="127.0.0.1", systems={"snmp": block}), SnmpInterfaceSettings()


PEERS = Peers(working, refusing, hanging, warning, blind)


def values(outcome: Outcome, interface: str = "lo") -> dict[str, float]:
    return {m.name: m.value for m in outcome.measurements if m.labels == (("interface", interface),)}


async def test_a_link_that_is_up_is_ok_and_has_rates_from_the_second_run_on(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    with Snmpd(tmp_path) as agent:
        first = await ask(INTERFACE, *at(agent.port, interfaces="lo"), memory=memory)
        second = await ask(INTERFACE, *at(agent.port, interfaces="lo"), memory=memory)
    assert (first.status, second.status) == (Status.OK, Status.OK)
    assert values(first) == {"interface_up": 1}
    assert set(values(second)) == {
        name for name in (m.name for m in INTERFACE.measures) if name.startswith("interface")
    }


async def test_an_interface_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with Snmpd(tmp_path) as agent:
        outcome = await ask(INTERFACE, *at(agent.port, interfaces=["lo", "Ten*"]))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)
    assert outcome.detail == "interface Ten* is not there"


def test_a_link_that_is_cut_is_told_from_one_that_is_switched_off(tmp_path: Path) -> None:
    async def scene() -> list[Outcome]:
        link("add", "name", "uplink", "type", "veth", "peer", "name", "core")
        outcomes = []
        for plugged in (True, False):
            cable("uplink", "core", plugged=plugged)
            outcomes.append(await seen())
        link("set", "uplink", "down")
        return [*outcomes, await seen()]

    async def seen() -> Outcome:
        with Snmpd(tmp_path) as agent:
            return await ask(INTERFACE, *at(agent.port, interfaces="uplink"))

    outcomes = alone(scene())
    assert [outcome.status for outcome in outcomes] == [Status.OK, Status.FAIL, Status.FAIL]
    switched_off = "uplink is administratively down (ifAdminStatus)"
    assert [outcome.detail for outcome in outcomes] == ["", "uplink is down", switched_off]
    assert [values(outcome, "uplink")["interface_up"] for outcome in outcomes] == [1, 0, 0]


def test_frames_that_a_link_drops_are_a_warning(tmp_path: Path) -> None:
    """A kernel drops frames of a protocol that nobody there speaks, and counts them."""

    async def scene() -> Outcome:
        link("add", "name", "uplink", "type", "veth", "peer", "name", "core")
        cable("uplink", "core")
        memory: dict[str, Any] = {}
        with Snmpd(tmp_path) as agent:
            await ask(INTERFACE, *at(agent.port, interfaces="uplink"), memory=memory)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as core:
            core.bind(("core", 0))
            for _ in range(1000):
                core.send(b"\xff" * 6 + b"\x02" * 6 + EXPERIMENTAL + bytes(46))
        with Snmpd(tmp_path) as agent:
            return await ask(INTERFACE, *at(agent.port, interfaces="uplink", discards_warn=1), memory=memory)

    outcome = alone(scene())
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert "dropped frames per second, more than 1" in outcome.detail
    assert values(outcome, "uplink")["interface_discards_per_second"] > 1


async def test_a_node_without_its_block_is_told_which() -> None:
    outcome = await ask(INTERFACE, Node("switch", host="127.0.0.1"), SnmpInterfaceSettings())
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


def told(octets: int = 0, errors: int = 0, discards: int | None = 0, **more: Any) -> Interface:
    fields = {"link": Link.UP, "speed": 1_000_000_000, "octets_in": octets, **more}
    return Interface("Gi1/0/1", errors=errors, discards=discards, octets_out=0, **fields)


def judge(interface: Interface, **settings: Any) -> Outcome:
    rates = _rates([0.0, 0, 0, 0, 0], interface, 60.0)
    return worst_of([*_troubles(interface, rates, SnmpInterfaceSettings(**settings))], Trace())


@pytest.mark.parametrize(
    ("interface", "status", "detail"),
    [
        (told(), Status.OK, ""),
        (told(errors=6), Status.OK, ""),
        (told(errors=60), Status.WARN, "Gi1/0/1 has 1 frames with errors per second, more than 0.1"),
        (told(discards=600), Status.WARN, "Gi1/0/1 has 10 dropped frames per second, more than 5"),
        (told(octets=60 * 120_000_000), Status.WARN, "Gi1/0/1 is 96 % loaded, the limit is 90 %"),
        (told(octets=60 * 120_000_000, speed=None), Status.OK, ""),
        (told(octets_in=None), Status.OK, ""),
        (told(link=Link.DOWN), Status.FAIL, "Gi1/0/1 is down"),
        (told(link=Link.DOWN, enabled=False), Status.FAIL, "Gi1/0/1 is administratively down (ifAdminStatus)"),
        (told(link=Link.UNKNOWN, enabled=False), Status.FAIL, "Gi1/0/1 is administratively down (ifAdminStatus)"),
        (told(link=Link.LOWER_LAYER_DOWN), Status.FAIL, "Gi1/0/1 is down, because an interface below it is down"),
        (told(link=Link.NOT_PRESENT), Status.FAIL, "Gi1/0/1 is not present: a component is missing"),
        (told(link=Link.TESTING), Status.FAIL, "Gi1/0/1 is in test mode"),
        (told(link=Link.DORMANT), Status.WARN, "Gi1/0/1 is dormant: it waits for an external event"),
        (told(link=Link.UNKNOWN), Status.UNKNOWN, "Gi1/0/1 is in a state unknown to the agent"),
    ],
)
def test_what_is_wrong_with_a_link_is_told(interface: Interface, status: Status, detail: str) -> None:
    outcome = judge(interface, discards_warn=5)
    assert (outcome.status, outcome.detail) == (status, detail)


def test_a_counter_that_went_back_tells_no_rate() -> None:
    assert _rates([0.0, 10, 0, 0, 0], told(octets=9), 60.0) is None
    assert _rates([60.0, 0, 0, 0, 0], told(octets=9), 60.0) is None


def test_a_counter_that_is_not_told_has_no_rate_and_leaves_the_others_theirs() -> None:
    for before, now in (([0.0, 0, 0, 0, None], told(errors=60)), ([0.0, 0, 0, 0, 0], told(errors=60, discards=None))):
        rates = _rates(before, now, 60.0)
        assert rates is not None
        assert (rates.errors, rates.discards) == (1.0, None)


LO_STATUS = ".1.3.6.1.2.1.2.2.1.8.1"


@pytest.mark.parametrize(("status", "expected"), [(4, Status.UNKNOWN), (5, Status.WARN)])
async def test_a_link_that_is_not_up_need_not_be_down(status: int, expected: Status, tmp_path: Path) -> None:
    """ifOperStatus unknown(4) and dormant(5)."""
    with Snmpd(tmp_path, f"override {LO_STATUS} integer {status}") as agent:
        outcome = await ask(INTERFACE, *at(agent.port, interfaces="lo"))
    assert outcome.status is expected
    assert values(outcome) == ({} if expected is Status.UNKNOWN else {"interface_up": 0})


def test_the_states_of_a_link_are_numbered_as_rfc_2863_numbers_them() -> None:
    names = ["UP", "DOWN", "TESTING", "UNKNOWN", "DORMANT", "NOT_PRESENT", "LOWER_LAYER_DOWN"]
    assert {number: state.name for number, state in LINKS.items()} == dict(enumerate(names, 1))


async def test_a_state_that_the_agent_does_not_show_us_is_unknown(tmp_path: Path) -> None:
    view = ("view part included .1", f"view part excluded {LO_STATUS}", "rocommunity partly 127.0.0.1 -V part")
    with Snmpd(tmp_path, *view) as agent:
        block = SnmpSettings(port=agent.port, community="partly")
        node = Node("switch", host="127.0.0.1", systems={"snmp": block})
        outcome = await ask(INTERFACE, node, SnmpInterfaceSettings(interfaces="lo"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)


def test_two_interfaces_of_one_name_keep_their_counters_apart(tmp_path: Path) -> None:
    async def seen(agent: Snmpd, memory: dict[str, Any], *names: str) -> Outcome:
        return await ask(INTERFACE, *at(agent.port, interfaces=names), memory=memory)

    async def scene() -> tuple[list[Outcome], dict[str, Any]]:
        link("add", "name", "uplink", "type", "veth", "peer", "name", "core")
        cable("uplink", "core")
        first, second = sorted(socket.if_nametoindex(name) for name in ("uplink", "core"))
        memory: dict[str, Any] = {}
        names = [f'override .1.3.6.1.2.1.31.1.1.1.1.{index} octet_str "port"' for index in (first, second)]
        with Snmpd(tmp_path, *names) as agent:
            outcomes = [await seen(agent, memory, "port") for _ in range(2)]
            outcomes.append(await seen(agent, {}, f"port#{first}"))
        return outcomes, {"first": first, "second": second, **memory}

    (once, twice, one), kept = alone(scene())
    labels = {f"port#{kept[which]}" for which in ("first", "second")}
    assert [outcome.status for outcome in (once, twice, one)] == [Status.OK] * 3
    assert set(kept["counters"]) == labels
    assert all(len(values(twice, label)) == 5 for label in labels)
    assert values(one, f"port#{kept['first']}") == {"interface_up": 1}
