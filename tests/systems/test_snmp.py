from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from pacs_monitor.model import Node, Reason, Status
from pacs_monitor.net import NetFailure
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.systems.snmp import Snmp, SnmpSettings, volume_of
from tests.peers.snmpd import COMMUNITY, PASSWORDS, USER, Snmpd
from tests.probes.support import ask
from tests.systems.asking import tell, why_not
from tests.timing import HANGS

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
    assert volumes["/"].used + volumes["/"].free == pytest.approx(whole.f_blocks * whole.f_frsize, rel=0.01)


async def test_it_tells_interfaces_that_are_up(agent: Snmpd) -> None:
    (loopback,) = [found for found in await tell(system(agent).interfaces) if found.name == "lo"]
    assert (loopback.enabled, loopback.up) == (True, True)
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
        (1000, 3 << 30, (3 << 30, (1 << 32) + 1000 - (3 << 30))),
    ],
)
def test_sizes_beyond_32_bits_are_put_right(size: int, used: int, expected: tuple[int, int]) -> None:
    volume = volume_of("/archive", 4096, size, used)
    assert (volume.used, volume.free) == (expected[0] * 4096, expected[1] * 4096)


def test_a_volume_of_windows_bears_its_letter_alone() -> None:
    assert volume_of("C:\\ Label:System  Serial Number 1a2b3c4d", 4096, 10, 5).name == "C:\\"


@pytest.mark.parametrize("settings", [{}, {"community": "a", "username": "b"}, {"username": "b", "priv_password": "c"}])
def test_one_way_in_must_be_given(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SnmpSettings(**settings)
