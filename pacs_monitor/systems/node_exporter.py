"""A machine with Prometheus' node_exporter: disks, memory, load, services.

Tested with 1.5.0; metric names from before 0.16 are supported, too. No account is needed. Volumes are named by their
mount point; service states need the exporter's `--collector.systemd`.

A mount that node_exporter cannot read (`node_filesystem_device_error`) is hidden unless it is named under the check's
`volumes`: it is then `missing`, or `not_authorised` if the exporter (since 1.8) reports that it lacks permission.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.exposition import Sample, scrape
from pacs_monitor.systems.shared.filesystems import is_hidden
from pacs_monitor.systems.shared.resources import Gap, HostState, Volume
from pacs_monitor.systems.shared.services import states_of
from pacs_monitor.systems.shared.sizes import volume, whole

_FILESYSTEM, _BYTES = "node_filesystem_", "_bytes"
"""Sizes bear their unit since 0.16."""
_SIZES = ("size", "free", "avail")
_FIELDS = (*_SIZES, *(size + _BYTES for size in _SIZES), "files", "files_free", "readonly", "device_error")
_MEMORY = ("node_memory_MemTotal", "node_memory_MemAvailable")
_CPU, _UNIT, _LOAD = ("node_cpu_seconds_total", "node_cpu"), "node_systemd_unit_state", "node_load1"
"""Since 0.16, and before."""
_FORBIDDEN = frozenset({"permission denied", "operation not permitted"})
"""What `device_error` says when the exporter's user may not look; it is a label since 1.8."""


class NodeExporterSettings(HttpSettings):
    """node_exporter; its url is usually http://HOST:9100."""

    pseudo: bool = False
    """Include file systems without a disk (tmpfs, overlay)."""


class NodeExporter:
    kind: ClassVar[str] = "node_exporter"
    settings: ClassVar[type[NodeExporterSettings]] = NodeExporterSettings

    def __init__(self, settings: NodeExporterSettings) -> None:
        self._settings = settings

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        samples = await self._scrape([_FILESYSTEM + field for field in _FIELDS], ctx, trace)
        mounts: dict[tuple[str, str, str], dict[str, int]] = {}
        faults: dict[tuple[str, str, str], str] = {}
        for name, labels, value in samples:
            field = name.removeprefix(_FILESYSTEM).removesuffix(_BYTES)
            mount = (labels.get("mountpoint", ""), labels.get("fstype", ""), labels.get("device", ""))
            mounts.setdefault(mount, {})[field] = int(value)
            if field == "device_error" and value:
                faults[mount] = labels.get("device_error", "")
        return self._distinct([self._volume(mount, mounts[mount], faults.get(mount)) for mount in mounts])

    def _volume(self, mount: tuple[str, str, str], fields: Mapping[str, int], fault: str | None) -> Volume:
        """BSDs report less than nothing as available when the reserve of root is in use."""
        where, kind, _ = mount
        size, free, available = (fields.get(name) for name in _SIZES)
        inodes, inodes_free = (fields.get(name) for name in ("files", "files_free"))
        return volume(
            where,
            used=None if size is None or free is None else size - free,
            free=None if available is None else max(0, available),
            size=size,
            inodes=inodes or None,
            inodes_free=inodes_free,
            read_only=bool(fields.get("readonly")),
            hidden=is_hidden(kind, where, pseudo=self._settings.pseudo),
            **({} if fault is None else {"gap": _unreadable(fault)}),
        )

    def _distinct(self, volumes: Sequence[Volume]) -> list[Volume]:
        """One for each place: what is mounted over another hides it, and the exporter asks for the place alone."""
        found: dict[str, Volume] = {}
        for reported in volumes:
            other = found.get(reported.name)
            if other is None or (other.hidden, other.gap is not None) > (reported.hidden, reported.gap is not None):
                found[reported.name] = reported
        return list(found.values())

    async def host(self, services: Collection[str], _node: Node, ctx: ProbeContext, trace: Trace) -> HostState:
        memory = [*_MEMORY, *(name + _BYTES for name in _MEMORY)]
        samples = await self._scrape([*memory, *_CPU, _LOAD, *([_UNIT] if services else [])], ctx, trace)
        plain = {name.removesuffix(_BYTES): value for name, _, value in samples}
        return HostState(
            memory=whole(plain.get(_MEMORY[0])),
            memory_available=whole(plain.get(_MEMORY[1])),
            load=plain.get(_LOAD),
            cpus=len({labels.get("cpu") for name, labels, _ in samples if name in _CPU}) or None,
            services=_states(samples, services, trace) if services else {},
        )

    async def _scrape(self, wanted: Collection[str], ctx: ProbeContext, trace: Trace) -> list[Sample]:
        samples = await scrape(self._settings, wanted, "node_exporter", ctx, trace)
        if not samples:
            raise HttpError(
                Reason.BAD_CONTENT,
                "wrong url? The server is not node_exporter, or reports no metrics of this kind",
                trace,
            )
        return samples


def _unreadable(fault: str) -> Gap:
    """Of what the exporter says, only words that we know are repeated."""
    if fault in _FORBIDDEN:
        return Gap(Reason.NOT_AUTHORISED, "node_exporter's user may not read it", quiet=True)
    return Gap(Reason.MISSING, "node_exporter cannot read it", quiet=True)


def _states(samples: Sequence[Sample], services: Collection[str], trace: Trace) -> dict[str, str]:
    """A unit in a state that the exporter has no series for (`reloading`) is in none of them."""
    reported = states_of(sample for sample in samples if sample.name == _UNIT)
    if not reported:
        raise HttpError(
            Reason.NOT_CONFIGURED,
            "start node_exporter with --collector.systemd: services are not reported without it",
            trace,
        )
    return {name: state for name in services if (state := reported.get(name, reported.get(f"{name}.service")))}
