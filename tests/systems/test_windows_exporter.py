"""Against a fake that replays windows_exporter's documented metrics: no Windows was at hand."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.model import Reason
from pacs_monitor.systems.answers import Volume
from pacs_monitor.systems.windows_exporter import WindowsExporter, WindowsExporterSettings
from tests.peers.replayed import replayed
from tests.systems.asking import BADLY, bad_answers, tell, why_not

METRICS = b"""# HELP windows_logical_disk_free_bytes Free space in bytes, updates every 10-15 min
# TYPE windows_logical_disk_free_bytes gauge
windows_logical_disk_free_bytes{volume="C:"} 2.5e+10
windows_logical_disk_free_bytes{volume="D:"} 4e+12
windows_logical_disk_free_bytes{volume="HarddiskVolume1"} 1e+07
# TYPE windows_logical_disk_size_bytes gauge
windows_logical_disk_size_bytes{volume="C:"} 1e+11
windows_logical_disk_size_bytes{volume="D:"} 8e+12
windows_logical_disk_size_bytes{volume="HarddiskVolume1"} 5e+08
windows_logical_disk_readonly{volume="D:"} 1
windows_cs_physical_memory_bytes 1.7e+10
windows_os_physical_memory_free_bytes 6e+09
windows_cs_logical_processors 8
windows_service_state{name="pacsserver",state="running"} 1
windows_service_state{name="pacsserver",state="stopped"} 0
windows_service_state{name="spooler",state="running"} 0
windows_service_state{name="spooler",state="stopped"} 1
"""


def system(url: str) -> WindowsExporter:
    return WindowsExporter(WindowsExporterSettings(url=url))


async def test_drives_with_a_letter_are_volumes() -> None:
    async with replayed({"/metrics": METRICS}) as peer:
        volumes = await tell(system(peer.url).volumes)
    assert volumes == [
        Volume("C:", used=75_000_000_000, free=25_000_000_000),
        Volume("D:", used=4_000_000_000_000, free=4_000_000_000_000, read_only=True),
    ]


async def test_the_host_tells_memory_processors_and_services() -> None:
    async with replayed({"/metrics": METRICS}) as peer:
        host = await tell(system(peer.url).host, ["PacsServer", "Spooler", "absent"])
    assert (host.memory, host.memory_available, host.cpus) == (17_000_000_000, 6_000_000_000, 8)
    assert host.services == {"PacsServer": "active", "Spooler": "stopped"}


async def test_bad_answers_have_their_reasons() -> None:
    assert await bad_answers({"/metrics": METRICS}, lambda url: system(url).volumes) == BADLY


@pytest.mark.parametrize("status", [(401, Reason.AUTH), (403, Reason.NOT_AUTHORISED), (500, Reason.HTTP_STATUS)])
async def test_a_refusal_has_its_reason(status: tuple[int, Reason]) -> None:
    answers: dict[str, Any] = {"/metrics": status[0]}
    async with replayed(answers) as peer:
        assert await why_not(system(peer.url).volumes) is status[1]
