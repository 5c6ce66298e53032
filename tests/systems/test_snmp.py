from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.net import NetFailure
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.systems.snmp import Snmp, SnmpSettings, volume_of
from tests.peers.snmpd import COMMUNITY, PASSWORDS, USER, Snmpd
from tests.support.probing import ask
from tests.support.timing import HANGS
from tests.systems.asking import tell, why_not

V3 = {"username": USER, "auth": "sha256", "auth_password": PASSWORDS[0], "priv_password": PASSWORDS[1]}


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with Snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running


def system(agent: Snmpd, **settings: Any) -> Snmp:
    return Snmp(SnmpSettings(port=agent.port, **(settings or {"community": COMMUNITY})))


@pytest.mark.parametrize("settings", [{"community": COMMUNITY}, V3], ids=["2c", "3"])
async def test_a_real_agent_tells_the_volumes_of_this_machine(settings: dict[str, Any], agent: Snmpd) -> None:
    volumes = {volume.name: volume for volume in await tell(system(agent, **settings).volumes)}
    whole = os.statvfs("/")
    root = volumes["/"]
    assert root.used is not None
    assert root.free is not None
    assert root.used + root.free == pytest.approx(whole.f_blocks * whole.f_frsize, rel=0.01)


async def test_it_tells_interfaces_that_are_up(agent: Snmpd) -> None:
    (loopback,) = [found for found in await tell(system(agent).interfaces) if found.name == "lo"]
    assert (loopback.enabled, loopback.up) == (True, True)
    assert loopback.octets_in is not None
    assert loopback.octets_in > 0


async def test_it_tells_memory_load_and_programs(agent: Snmpd) -> None:
    host = await tell(system(agent).host, [])
    assert host.memory == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    assert host.cpus in (None, psutil.cpu_count())  # it learns them a while after it has started
    assert host.load is not None
    assert host.processes is not None
    assert host.processes["snmpd"] >= 1


async def test_services_are_not_to_be_had_by_snmp(agent: Snmpd) -> None:
    assert await why_not(system(agent).host, ["cron"]) is Reason.NOT_CONFIGURED


async def test_a_wrong_community_is_met_with_silence(agent: Snmpd) -> None:
    assert await why_not(system(agent, community="guess").volumes, timeout=HANGS) is Reason.TCP_TIMEOUT


@pytest.mark.parametrize("wrong", [{"auth_password": "authsecret2"}, {"username": "nobody"}])
async def test_a_wrong_user_or_password_of_version_3_is_auth(wrong: dict[str, str], agent: Snmpd) -> None:
    assert await why_not(system(agent, **(V3 | wrong)).volumes) is Reason.AUTH


async def test_without_the_extra_it_is_told_how_to_install_it(agent: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysnmp.hlapi.v3arch.asyncio", None)
    with pytest.raises(NetFailure, match=r"pip install 'pacs-monitor\[snmp\]'") as failed:
        await tell(system(agent).volumes)
    assert failed.value.reason is Reason.NOT_CONFIGURED


async def test_a_node_without_a_host_is_not_configured(agent: Snmpd) -> None:
    assert await why_not(system(agent).volumes, node=Node("switch")) is Reason.NOT_CONFIGURED


async def test_a_disk_over_snmp_is_judged(agent: Snmpd) -> None:
    block = SnmpSettings(port=agent.port, community=COMMUNITY)
    node = Node("server", host="127.0.0.1", systems={"snmp": block})
    outcome = await ask(kinds()["disk"], node, DiskSettings(source="snmp", volumes="/", free_fail="1PB"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.OVER_LIMIT)


@pytest.mark.parametrize(
    ("size", "used", "expected"),
    [
        (1000, 400, (400, 600)),
        (-(1 << 31), 1000, (1000, (1 << 31) - 1000)),
        (-1000, -2000, ((1 << 32) - 2000, 1000)),
        (1000, -(1 << 30), (3 << 30, (1 << 32) + 1000 - (3 << 30))),
        (1000, 3 << 30, (3 << 30, (1 << 32) + 1000 - (3 << 30))),
    ],
)
def test_sizes_beyond_32_bits_are_put_right(size: int, used: int, expected: tuple[int, int]) -> None:
    volume = volume_of("/archive", 4096, size, used)
    assert (volume.used, volume.free) == (expected[0] * 4096, expected[1] * 4096)


def test_a_volume_of_windows_bears_its_letter_alone() -> None:
    assert volume_of("C:\\ Label:System  Serial Number 1a2b3c4d", 4096, 10, 5).name == "C:\\"


def row(index: int, name: str, unit: int, size: int, used: int, kind: int = 4) -> list[str]:
    """Lines by which an agent tells another storage in the place of one of its own; 4 is a fixed disk, 8 a RAM disk."""
    table = ".1.3.6.1.2.1.25.2.3.1"
    values = ((4, "integer", unit), (5, "integer", size), (6, "integer", used))
    return [
        f"override {table}.2.{index} object_id .1.3.6.1.2.1.25.2.1.{kind}",
        f'override {table}.3.{index} octet_str "{name}"',
        *(f"override {table}.{column}.{index} {type_} {value}" for column, type_, value in values),
    ]


VIEW = ("view part included .1", "view part excluded .1.3.6.1.2.1.25.4", "rocommunity partly 127.0.0.1 -V part")
ODD = [
    *row(1, "/odd", 0, 1000, 400),
    *row(3, "/tight", 4096, 1000, 1010),
    *row(6, "/archive", 4096, 1000, 950),
    *row(7, "/data", 4096, 1000, 400),
    *row(8, "/data", 4096, 2000, 400),
    *row(10, "ram", 4096, 10, 5, kind=8),
    *row(11, "Physical Memory", 65536, 1000, 900, kind=2),
    *VIEW,
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with Snmpd(tmp_path_factory.mktemp("odd"), *ODD) as running:
        yield running


async def disk(agent: Snmpd, *volumes: str) -> Outcome:
    node = Node("server", host="127.0.0.1", systems={"snmp": SnmpSettings(port=agent.port, community=COMMUNITY)})
    settings = DiskSettings(source="snmp", volumes=volumes, warn="90%", fail="94%")
    return await ask(kinds()["disk"], node, settings)


def told(outcome: Outcome) -> dict[str, float]:
    return {m.labels[0][1]: m.value / 4096 for m in outcome.measurements if m.name == "disk_free_bytes"}


@pytest.mark.parametrize(
    ("volumes", "status", "reason"),
    [
        (["/odd"], Status.UNKNOWN, Reason.NOT_MEASURED),
        (["/tight"], Status.UNKNOWN, Reason.NOT_MEASURED),
        (["/odd", "/archive"], Status.FAIL, Reason.OVER_LIMIT),
    ],
)
async def test_a_row_without_a_value_is_unknown_and_blinds_no_other(
    volumes: list[str], status: Status, reason: Reason, odd: Snmpd
) -> None:
    outcome = await disk(odd, *volumes)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert "/odd" not in told(outcome)


async def test_rows_of_one_name_are_told_apart_by_their_index_and_meant_together_by_their_name(odd: Snmpd) -> None:
    assert told(await disk(odd, "/data")) == {"/data#7": 600, "/data#8": 1600}
    assert told(await disk(odd, "/data#8")) == {"/data#8": 1600}


async def test_a_storage_that_is_hidden_by_its_kind_is_told_when_it_is_named(odd: Snmpd) -> None:
    assert told(await disk(odd, "ram")) == {"ram": 5}
    assert "ram" not in told(await disk(odd))


async def test_a_windows_tells_its_memory_in_other_words(odd: Snmpd) -> None:
    """Its agent has `Physical Memory`, whose used part is no cache, and neither cached nor available memory."""
    host = await tell(system(odd).host, [])
    assert (host.memory, host.memory_available) == (65536 * 1000, 65536 * 100)


async def test_an_agent_that_shows_no_programs_does_not_say_that_none_runs(odd: Snmpd) -> None:
    assert (await tell(system(odd, community="partly").host, [])).processes is None


@pytest.mark.parametrize("settings", [{}, {"community": "a", "username": "b"}, {"username": "b", "priv_password": "c"}])
def test_one_way_in_must_be_given(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SnmpSettings(**settings)
