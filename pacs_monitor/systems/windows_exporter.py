"""A Windows machine with windows_exporter: disks, memory, services.

It needs no account. Volumes are named as Windows does (`C:`). Windows itself brings their numbers up to date every 10
to 15 minutes, so that a limit in bytes should leave room for what comes in that time.

Written by the exporter's documented metrics, and proved against a server of the tests that tells them: no Windows was
at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Passage
from pacs_monitor.systems.answers import HostState, Volume
from pacs_monitor.systems.exposition import Sample, scrape

_FREE, _SIZE = "windows_logical_disk_free_bytes", "windows_logical_disk_size_bytes"
_READ_ONLY = "windows_logical_disk_readonly"
_MEMORY = ("windows_cs_physical_memory_bytes", "windows_memory_physical_total_bytes")
"""Before and since 0.30."""
_AVAILABLE = ("windows_memory_available_bytes", "windows_os_physical_memory_free_bytes")
_CPUS = ("windows_cs_logical_processors", "windows_cpu_logical_processor")
_SERVICE = "windows_service_state"


class WindowsExporterSettings(HttpSettings):
    """windows_exporter; its url is usually http://HOST:9182."""


class WindowsExporter:
    kind: ClassVar[str] = "windows_exporter"
    settings: ClassVar[type[WindowsExporterSettings]] = WindowsExporterSettings

    def __init__(self, settings: WindowsExporterSettings) -> None:
        self._settings = settings

    async def volumes(self, _node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Volume]:
        samples = await self._scrape((_FREE, _SIZE, _READ_ONLY), ctx, passage)
        free, size, read_only = (
            {labels.get("volume", ""): value for name, labels, value in samples if name == wanted}
            for wanted in (_FREE, _SIZE, _READ_ONLY)
        )
        return [
            Volume(volume, int(size[volume] - free[volume]), int(free[volume]), read_only=bool(read_only.get(volume)))
            for volume in free
            if volume in size and not volume.startswith("HarddiskVolume")  # without a letter: boot and recovery
        ]

    async def host(self, services: Collection[str], _node: Node, ctx: ProbeContext, passage: Passage) -> HostState:
        wanted = (*_MEMORY, *_AVAILABLE, *_CPUS, *([_SERVICE] if services else []))
        samples = await self._scrape(wanted, ctx, passage)
        plain = {name: int(value) for name, _, value in samples}
        states = {
            labels.get("name", ""): labels.get("state", "?") for name, labels, on in samples if on and name == _SERVICE
        }
        if services and not states:
            raise HttpError(
                Reason.NOT_CONFIGURED, "windows_exporter needs its collector service to tell of them", passage
            )
        return HostState(
            memory=_first(plain, _MEMORY),
            memory_available=_first(plain, _AVAILABLE),
            cpus=_first(plain, _CPUS),
            services={name: _plain(states[name.lower()]) for name in services if name.lower() in states},
        )

    async def _scrape(self, wanted: Collection[str], ctx: ProbeContext, passage: Passage) -> list[Sample]:
        samples = await scrape(self._settings, wanted, "windows_exporter", ctx, passage)
        if not samples:
            raise HttpError(Reason.BAD_CONTENT, "what answers is not windows_exporter, or tells nothing of it", passage)
        return samples


def _first(numbers: dict[str, int], names: Collection[str]) -> int | None:
    return next((numbers[name] for name in names if name in numbers), None)


def _plain(state: str) -> str:
    return "active" if state == "running" else state
