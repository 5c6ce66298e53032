"""The machine that the monitor runs on: disks, memory, load, programs, listening ports, services.

Volumes are named by their mount point: all disks, those in `mounts`, and any that a check names; each is reported only
while something is mounted there. Service states come from systemd, or from Windows. No account is needed; programs of
other users are counted too, and any listening port is seen, but only root sees which program listens on it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import psutil

from pacs_monitor.fields import Settings, Texts
from pacs_monitor.model import Node, Phase, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.filesystems import is_hidden
from pacs_monitor.systems.shared.paths import look
from pacs_monitor.systems.shared.resources import UNKNOWN, Gap, HostState, Volume
from pacs_monitor.systems.shared.services import AT_WORK, of_windows
from pacs_monitor.systems.shared.sizes import volume

SYSTEMCTL_WITHIN = 5.0


class LocalSettings(Settings):
    mounts: Texts = ()
    """Additional mount points to report, such as network shares; missing while nothing is mounted there."""


class Local:
    kind: ClassVar[str] = "local"
    settings: ClassVar[type[LocalSettings]] = LocalSettings

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        """Only what is shown or named is looked at: a network share that hangs, and that nobody named, holds nobody.

        The root of a container stands on no disk of its own, and is reported, hidden.
        """
        mounted = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
        wanted = [*self._settings.mounts, *_disks(), *(["/"] if "/" in mounted else [])]
        unseen = [pattern for pattern in named if not any(fnmatchcase(path, pattern) for path in wanted)]
        hidden = [path for path in mounted if any(fnmatchcase(path, pattern) for pattern in unseen)]
        shown = set(self._settings.mounts)
        found = [
            await look(path, partial(_volume, path, mounted, always=path in shown), ctx, trace)
            for path in dict.fromkeys([*wanted, *hidden])
        ]
        return [reported for reported in found if reported is not None]

    async def host(self, services: Collection[str], _node: Node, ctx: ProbeContext, trace: Trace) -> HostState:
        trace.begin(Phase.OPERATION)
        return await ctx.blocking(lambda: _host(services, trace))


def _disks() -> list[str]:
    return [part.mountpoint for part in psutil.disk_partitions() if not is_hidden(part.fstype, part.mountpoint)]


def _volume(path: str, mounted: Mapping[str, str], *, always: bool) -> Volume | None:
    """A mounted path; None where nothing is mounted. What it is about is not known where nobody lets us look.

    A directory that is mounted elsewhere on its own disk looks like a plain one (`os.path.ismount`), but is listed; and
    the runtime of a container mounts single files, which fill up with the disk of the host.
    """
    try:
        if os.path.realpath(path) not in mounted and not os.path.ismount(path):
            return None
        hidden = not always and (is_hidden(mounted.get(path, ""), path) or not Path(path).is_dir())
        return _looked_at(path, hidden=hidden)
    except PermissionError:
        gap = Gap(Reason.NOT_AUTHORISED, "the monitor's user may not read it", quiet=not always)
        return Volume(path, None, None, gap=gap)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Volume(path, None, None, gap=Gap(Reason.MISSING, f"it cannot be read ({error.strerror})"))


def _looked_at(path: str, *, hidden: bool) -> Volume:
    usage = psutil.disk_usage(path)
    if sys.platform == "win32":
        return volume(path, used=usage.used, free=usage.free, hidden=hidden)
    found = os.statvfs(path)
    return volume(
        path,
        used=usage.used,
        free=usage.free,
        inodes=found.f_files or None,
        inodes_free=found.f_favail if found.f_files else None,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        hidden=hidden,
    )


def _host(services: Collection[str], trace: Trace) -> HostState:
    memory = psutil.virtual_memory()
    return HostState(
        memory=memory.total,
        memory_available=memory.available,
        load=psutil.getloadavg()[0],
        cpus=psutil.cpu_count(),
        processes=Counter(process.info["name"] or "?" for process in psutil.process_iter(["name"])),
        ports=_ports(),
        services=_services(services, trace) if services else {},
    )


def _ports() -> frozenset[int] | None:
    try:
        found = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    return frozenset(sock.laddr.port for sock in found if sock.laddr and sock.status == psutil.CONN_LISTEN)


def _services(names: Collection[str], trace: Trace) -> Mapping[str, str]:
    if sys.platform == "win32":
        return _of_windows(names)
    if not Path("/run/systemd/system").is_dir():
        raise trace.failure(
            Reason.NOT_CONFIGURED, "this machine does not run systemd, so service states are not available"
        )
    return _of_systemd(names, trace)


def _of_systemd(names: Collection[str], trace: Trace) -> dict[str, str]:
    """`systemctl show` answers one paragraph per unit."""
    command = ["systemctl", "show", "--property=LoadState,ActiveState", "--", *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_WITHIN, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        raise trace.failure(Reason.NOT_MEASURED, "systemctl did not report the state of services") from None
    units = [dict(line.split("=", 1) for line in unit.splitlines()) for unit in done.stdout.strip().split("\n\n")]
    reported = zip(names, units, strict=False)
    states = {name: unit.get("ActiveState", UNKNOWN) for name, unit in reported if unit.get("LoadState") != "not-found"}
    return {name: "active" if state in AT_WORK else state for name, state in states.items()}


def _of_windows(names: Collection[str]) -> dict[str, str]:
    plain = {name.casefold() for name in names}
    services: Iterable[Any] = vars(psutil)["win_service_iter"]()  # of Windows alone
    wanted = [one for one in services if plain & {one.name().casefold(), one.display_name().casefold()}]
    states = {one.name(): one.status() for one in wanted}
    return of_windows(names, states, {one.name(): one.display_name() for one in wanted})
