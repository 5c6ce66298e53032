"""A machine with Prometheus' node_exporter: disks, memory, load, services.

Tried with 1.5.0. It needs no account. Volumes are named by where they are mounted; the states of services need the
exporter's `--collector.systemd`. A mount that node_exporter cannot read (`node_filesystem_device_error`) is not told:
name it under the check's `volumes`, and it is `missing`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Passage
from pacs_monitor.systems.answers import HostState, Volume
from pacs_monitor.systems.exposition import Sample, scrape

_FILESYSTEM = "node_filesystem_"
_FIELDS = ("size_bytes", "free_bytes", "avail_bytes", "files", "files_free", "readonly", "device_error")
_PSEUDO = frozenset({"squashfs", "iso9660", "udf", "tmpfs", "ramfs", "devtmpfs", "overlay", "fuse.lxcfs", "nsfs"})
_MEMORY = ("node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes")
_CPU, _UNIT, _LOAD = "node_cpu_seconds_total", "node_systemd_unit_state", "node_load1"


class NodeExporterSettings(HttpSettings):
    """node_exporter; its url is usually http://HOST:9100."""

    pseudo: bool = False
    """Also file systems that stand on no disk (tmpfs, overlay)."""


class NodeExporter:
    kind: ClassVar[str] = "node_exporter"
    settings: ClassVar[type[NodeExporterSettings]] = NodeExporterSettings

    def __init__(self, settings: NodeExporterSettings) -> None:
        self._settings = settings

    async def volumes(self, _node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Volume]:
        samples = await self._scrape([_FILESYSTEM + field for field in _FIELDS], ctx, passage)
        mounts: dict[str, dict[str, float]] = {}
        for name, labels, value in samples:
            if self._settings.pseudo or labels.get("fstype") not in _PSEUDO:
                mounts.setdefault(labels.get("mountpoint", ""), {})[name.removeprefix(_FILESYSTEM)] = value
        return [_volume(mount, fields) for mount, fields in mounts.items() if _is_readable(fields)]

    async def host(self, services: Collection[str], _node: Node, ctx: ProbeContext, passage: Passage) -> HostState:
        samples = await self._scrape([*_MEMORY, _CPU, _LOAD, *([_UNIT] if services else [])], ctx, passage)
        plain = {name: value for name, _, value in samples}
        return HostState(
            memory=_whole(plain.get(_MEMORY[0])),
            memory_available=_whole(plain.get(_MEMORY[1])),
            load=plain.get(_LOAD),
            cpus=len({labels.get("cpu") for name, labels, _ in samples if name == _CPU}) or None,
            services=_states(samples, services, passage) if services else {},
        )

    async def _scrape(self, wanted: Collection[str], ctx: ProbeContext, passage: Passage) -> list[Sample]:
        samples = await scrape(self._settings, wanted, "node_exporter", ctx, passage)
        if not samples:
            raise HttpError(Reason.BAD_CONTENT, "what answers is not node_exporter, or tells nothing of it", passage)
        return samples


def _is_readable(fields: Mapping[str, float]) -> bool:
    return not fields.get("device_error") and {"size_bytes", "free_bytes", "avail_bytes"} <= fields.keys()


def _volume(mount: str, fields: Mapping[str, float]) -> Volume:
    return Volume(
        mount,
        used=int(fields["size_bytes"] - fields["free_bytes"]),
        free=int(fields["avail_bytes"]),
        inodes=_whole(fields.get("files")) or None,
        inodes_free=_whole(fields.get("files_free")),
        read_only=bool(fields.get("readonly")),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _states(samples: Sequence[Sample], services: Collection[str], passage: Passage) -> dict[str, str]:
    states = {labels.get("name", ""): labels.get("state", "?") for name, labels, on in samples if name == _UNIT and on}
    if not states:
        raise HttpError(Reason.NOT_CONFIGURED, "node_exporter needs --collector.systemd to tell of services", passage)
    return {name: state for name in services if (state := states.get(name, states.get(f"{name}.service")))}
