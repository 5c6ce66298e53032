"""Against a fake that replays windows_exporter's documented metrics: no Windows was at hand."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.model import Node, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.probes.host import HostSettings
from pacs_monitor.systems.shared.resources import Volume
from pacs_monitor.systems.windows_exporter import WindowsExporter, WindowsExporterSettings
from tests.peers.replayed import replayed
from tests.support.probing import ask
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
    assert [volume for volume in volumes if not volume.hidden] == [
        Volume("C:", used=75_000_000_000, free=25_000_000_000),
        Volume("D:", used=4_000_000_000_000, free=4_000_000_000_000, read_only=True),
    ]


async def test_the_host_tells_memory_processors_and_services() -> None:
    async with replayed({"/metrics": METRICS}) as peer:
        host = await tell(system(peer.url).host, ["PacsServer", "Spooler", "absent"])
    assert (host.memory, host.memory_available, host.cpus) == (17_000_000_000, 6_000_000_000, 8)
    assert host.services == {"PacsServer": "active", "Spooler": "stopped"}


SERVICES = {
    "0.28": """windows_service_state{name="pacsserver",state="running"} 1
windows_service_info{display_name="PACS Server",name="pacsserver",process_id="7",run_as="LocalSystem"} 1
""",
    "0.29": """windows_service_state{name="PacsServer",state="running"} 1
windows_service_info{display_name="PACS Server",name="PacsServer",process_id="7",run_as="LocalSystem"} 1
""",
    "0.31": """windows_service_state{name="PacsServer",state="running"} 1
windows_service_info{display_name="PACS Server",name="PacsServer",path_name="c:\\\\p.exe",run_as="LocalSystem"} 1
""",
    "wmi_exporter 0.12": """wmi_service_state{name="pacsserver",state="running"} 1
""",
}
"""Names in small letters up to 0.28, and then as they are: issues 1698 and 1806."""


@pytest.mark.parametrize("version", SERVICES)
async def test_a_service_is_found_however_a_version_and_a_person_write_its_name(version: str) -> None:
    shown = ["PACS Server", "pacs server"] if "info" in SERVICES[version] else []
    written = ["PacsServer", "pacsserver", "PACSSERVER", *shown]
    async with replayed({"/metrics": SERVICES[version].encode()}) as peer:
        host = await tell(system(peer.url).host, [*written, "Spooler"])
    assert host.services == dict.fromkeys(written, "active")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"running": 0, "stopped": 1}, (Status.FAIL, Reason.MISSING, "the service PacsServer is stopped")),
        (
            {"running": 0, "stopped": 0},
            (Status.UNKNOWN, Reason.NOT_MEASURED, "the state of the service PacsServer is unknown"),
        ),
        (
            {"running": 0, "unknown": 1},
            (Status.UNKNOWN, Reason.NOT_MEASURED, "the state of the service PacsServer is unknown"),
        ),
    ],
)
async def test_a_service_in_no_state_that_is_known_is_not_missing(
    states: dict[str, int], expected: tuple[Status, Reason, str]
) -> None:
    lines = [f'windows_service_state{{name="PacsServer",state="{state}"}} {on}\n' for state, on in states.items()]
    async with replayed({"/metrics": "".join(lines).encode()}) as peer:
        node = Node("server", systems={"windows_exporter": WindowsExporterSettings(url=peer.url)})
        outcome = await ask(kinds()["host"], node, HostSettings(source="windows_exporter", services="PacsServer"))
    assert (outcome.status, outcome.reason, outcome.detail) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["wmi_cs_physical_memory_bytes 100", "wmi_os_physical_memory_free_bytes 40", "wmi_cs_logical_processors 8"],
            (100, 40, 8),
        ),
        (["windows_cs_physical_memory_bytes 100", "windows_os_physical_memory_free_bytes 40"], (100, 40, None)),
        (["windows_os_visible_memory_bytes 100", "windows_memory_available_bytes 40"], (100, 40, None)),
        (
            [
                "windows_memory_physical_total_bytes 100",
                "windows_memory_physical_free_bytes 40",
                "windows_cpu_logical_processor 8",
            ],
            (100, 40, 8),
        ),
        (["windows_cs_physical_memory_bytes 100", "windows_memory_physical_total_bytes 101"], (101, None, None)),
    ],
)
async def test_memory_is_told_by_each_name_that_it_has_had(lines: list[str], expected: tuple[int | None, ...]) -> None:
    async with replayed({"/metrics": "\n".join(lines).encode() + b"\n"}) as peer:
        host = await tell(system(peer.url).host, [])
    assert (host.memory, host.memory_available, host.cpus) == expected


@pytest.mark.parametrize("prefix", ["wmi", "windows"])
async def test_drives_are_told_by_either_prefix(prefix: str) -> None:
    text = METRICS.replace(b"windows_", f"{prefix}_".encode())
    async with replayed({"/metrics": text}) as peer:
        volumes = {volume.name: volume for volume in await tell(system(peer.url).volumes)}
    assert (volumes["C:"].free, volumes["D:"].read_only) == (25_000_000_000, True)


async def test_read_only_is_whatever_is_not_zero() -> None:
    """FILE_READ_ONLY_VOLUME, 0x80000, as the exporter tells the flag."""
    text = METRICS.replace(b'readonly{volume="D:"} 1', b'readonly{volume="D:"} 524288')
    async with replayed({"/metrics": text}) as peer:
        volumes = {volume.name: volume.read_only for volume in await tell(system(peer.url).volumes)}
    assert (volumes["C:"], volumes["D:"]) == (False, True)


async def test_a_partition_without_a_letter_is_told_when_it_is_named() -> None:
    async with replayed({"/metrics": METRICS}) as peer:
        node = Node("server", systems={"windows_exporter": WindowsExporterSettings(url=peer.url)})
        wanted = DiskSettings(source="windows_exporter", volumes=["HarddiskVolume1"], fail="99%")
        named, gone = [
            await ask(kinds()["disk"], node, settings)
            for settings in (wanted, DiskSettings(source="windows_exporter", volumes=["HarddiskVolume9"]))
        ]
    assert (named.status, named.detail) == (Status.WARN, "HarddiskVolume1 is 98 % used, the limit is 80 %")
    assert (gone.status, gone.reason) == (Status.FAIL, Reason.MISSING)


async def test_bad_answers_have_their_reasons() -> None:
    assert await bad_answers({"/metrics": METRICS}, lambda url: system(url).volumes) == BADLY


@pytest.mark.parametrize("status", [(401, Reason.AUTH), (403, Reason.NOT_AUTHORISED), (500, Reason.HTTP_STATUS)])
async def test_a_refusal_has_its_reason(status: tuple[int, Reason]) -> None:
    answers: dict[str, Any] = {"/metrics": status[0]}
    async with replayed(answers) as peer:
        assert await why_not(system(peer.url).volumes) is status[1]
