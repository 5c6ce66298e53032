"""The machine that the monitor runs on: disks, memory, load, programs, listening ports, services.

Volumes are named by where they are mounted: those of disks, and those of `mounts`, which are told only while something
is mounted there. Services are asked of systemd, or of Windows. No account is needed; programs of others can be counted
without one, and who listens on a port is seen for every port as root alone, that something listens always.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import psutil

from pacs_monitor.fields import Settings, Texts
from pacs_monitor.model import Node, Phase, ProbeContext, Reason
from pacs_monitor.net import Passage
from pacs_monitor.systems.answers import HostState, Volume
from pacs_monitor.systems.paths import look

_IMAGES = frozenset({"squashfs", "iso9660", "udf"})
"""Full and read-only by nature."""
SYSTEMCTL_WITHIN = 5.0


class LocalSettings(Settings):
    mounts: Texts = ()
    """More mount points to tell, such as network shares; not told while nothing is mounted there."""


class Local:
    kind: ClassVar[str] = "local"
    settings: ClassVar[type[LocalSettings]] = LocalSettings

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings

    async def volumes(self, _node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Volume]:
        paths = [*_disks(), *self._settings.mounts]
        found = [await look(path, partial(_volume, path), ctx, passage) for path in dict.fromkeys(paths)]
        return [volume for volume in found if volume is not None]

    async def host(self, services: Collection[str], _node: Node, ctx: ProbeContext, passage: Passage) -> HostState:
        passage.begin(Phase.OPERATION)
        return await ctx.blocking(lambda: _host(services, passage))


def _disks() -> list[str]:
    return [part.mountpoint for part in psutil.disk_partitions() if part.fstype not in _IMAGES]


def _volume(path: str) -> Volume | None:
    if not os.path.ismount(path):
        return None
    usage = psutil.disk_usage(path)
    if sys.platform == "win32":
        return Volume(path, usage.used, usage.free)
    found = os.statvfs(path)
    return Volume(
        path,
        usage.used,
        usage.free,
        inodes=found.f_files or None,
        inodes_free=found.f_favail if found.f_files else None,
        read_only=bool(found.f_flag & os.ST_RDONLY),
    )


def _host(services: Collection[str], passage: Passage) -> HostState:
    memory = psutil.virtual_memory()
    return HostState(
        memory=memory.total,
        memory_available=memory.available,
        load=psutil.getloadavg()[0],
        cpus=psutil.cpu_count(),
        processes=Counter(process.info["name"] or "?" for process in psutil.process_iter(["name"])),
        ports=_ports(),
        services=_services(services, passage) if services else {},
    )


def _ports() -> frozenset[int] | None:
    try:
        found = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    return frozenset(sock.laddr.port for sock in found if sock.laddr and sock.status == psutil.CONN_LISTEN)


def _services(names: Collection[str], passage: Passage) -> Mapping[str, str]:
    if sys.platform == "win32":
        return _of_windows(names)
    if not Path("/run/systemd/system").is_dir():
        raise passage.failure(
            Reason.NOT_CONFIGURED, "this machine does not run systemd, so that services have no state"
        )
    return _of_systemd(names, passage)


def _of_systemd(names: Collection[str], passage: Passage) -> dict[str, str]:
    """`systemctl show` answers one paragraph per unit."""
    command = ["systemctl", "show", "--property=LoadState,ActiveState", "--", *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_WITHIN, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        raise passage.failure(Reason.NOT_MEASURED, "systemctl did not tell the state of services") from None
    units = [dict(line.split("=", 1) for line in unit.splitlines()) for unit in done.stdout.strip().split("\n\n")]
    told = zip(names, units, strict=False)
    return {name: unit.get("ActiveState", "?") for name, unit in told if unit.get("LoadState") != "not-found"}


def _of_windows(names: Collection[str]) -> dict[str, str]:
    found = {service.name(): service.status() for service in psutil.win_service_iter() if service.name() in names}  # type: ignore[attr-defined]  # of Windows alone
    return {name: "active" if status == "running" else status for name, status in found.items()}
