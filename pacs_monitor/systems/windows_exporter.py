"""A Windows machine with windows_exporter: disks, memory, services.

No account is needed. Volumes are named as in Windows (`C:`); a partition without a letter (`HarddiskVolume1`) is hidden
unless it is named. Windows updates these figures only every 10 to 15 minutes, so a limit in bytes should leave room for
what arrives in that time.

Services are named by their name or their display name, regardless of case, as in Windows: the exporter reported them in
lower case up to 0.28, and unchanged since 0.29. Metrics are read under every name that they have had from wmi_exporter
to windows_exporter 0.31.

Written from the exporter's documented metrics and tested against a simulated server, not against a real Windows
machine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.exposition import Sample, scrape
from pacs_monitor.systems.shared.resources import Gap, HostState, Volume
from pacs_monitor.systems.shared.services import of_windows, states_of
from pacs_monitor.systems.shared.sizes import doubt, volume, whole

_PREFIXES = ("windows_", "wmi_")
"""Since 0.13, and before."""
_FREE, _SIZE, _READ_ONLY = (f"logical_disk_{field}" for field in ("free_bytes", "size_bytes", "readonly"))
_MEMORY = ("memory_physical_total_bytes", "cs_physical_memory_bytes", "os_visible_memory_bytes")
"""Since 0.30; of the collectors cs and os before (windows_exporter, pull request 1596)."""
_AVAILABLE = ("memory_available_bytes", "memory_physical_free_bytes", "os_physical_memory_free_bytes")
"""Of the collector memory, which was not always on by itself; of it since 0.30; of the collector os before."""
_CPUS = ("cs_logical_processors", "cpu_logical_processor")
_SERVICE, _SERVICE_NAMES = "service_state", "service_info"


class WindowsExporterSettings(HttpSettings):
    """windows_exporter; its url is usually http://HOST:9182."""


class WindowsExporter:
    kind: ClassVar[str] = "windows_exporter"
    settings: ClassVar[type[WindowsExporterSettings]] = WindowsExporterSettings

    def __init__(self, settings: WindowsExporterSettings) -> None:
        self._settings = settings

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        samples = await self._scrape((_FREE, _SIZE, _READ_ONLY), ctx, trace)
        free, size, read_only = (
            {labels.get("volume", ""): int(value) for name, labels, value in samples if name == wanted}
            for wanted in (_FREE, _SIZE, _READ_ONLY)
        )
        return [
            _volume(name, free.get(name), size.get(name), read_only=bool(read_only.get(name)))
            for name in dict.fromkeys([*free, *size])
        ]

    async def host(self, services: Collection[str], _node: Node, ctx: ProbeContext, trace: Trace) -> HostState:
        wanted = (*_MEMORY, *_AVAILABLE, *_CPUS, *((_SERVICE, _SERVICE_NAMES) if services else ()))
        samples = await self._scrape(wanted, ctx, trace)
        plain = {name: whole(value) for name, _, value in samples}
        states = states_of(sample for sample in samples if sample.name == _SERVICE)
        if services and not states:
            raise HttpError(
                Reason.NOT_CONFIGURED,
                "enable windows_exporter's service collector: services are not reported without it",
                trace,
            )
        shown = {labels.get("name", ""): labels.get("display_name", "") for _, labels, _ in samples}
        return HostState(
            memory=_first(plain, _MEMORY),
            memory_available=_first(plain, _AVAILABLE),
            cpus=_first(plain, _CPUS),
            services=of_windows(services, states, shown),
        )

    async def _scrape(self, wanted: Collection[str], ctx: ProbeContext, trace: Trace) -> list[Sample]:
        """The samples, without the prefix of their names."""
        names = [prefix + name for prefix in _PREFIXES for name in wanted]
        samples = await scrape(self._settings, names, "windows_exporter", ctx, trace)
        if not samples:
            raise HttpError(
                Reason.BAD_CONTENT,
                "wrong url? The server is not windows_exporter, or reports no metrics of this kind",
                trace,
            )
        return [sample._replace(name=sample.name.partition("_")[2]) for sample in samples]


def _volume(name: str, free: int | None, size: int | None, *, read_only: bool) -> Volume:
    used = None if free is None or size is None else size - free
    gap: dict[str, Gap] = {"gap": doubt("all of it is free")} if size and used == 0 else {}
    hidden = name.startswith("HarddiskVolume")  # without a letter: boot and recovery
    return volume(name, used=used, free=free, size=size, read_only=read_only, hidden=hidden, **gap)


def _first(numbers: Mapping[str, int | None], names: Collection[str]) -> int | None:
    return next((value for name in names if (value := numbers.get(name)) is not None), None)
