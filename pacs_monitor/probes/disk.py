"""Is there enough room? Volumes as a system reports them: free space, inodes, read-only, missing, time to full.

```yaml
room: {probe: disk, source: node_exporter, volumes: [/, /archive], warn: 80%, fail: 90%, full_within: 12h}
```

`source` names the system: the node needs its block (`orthanc:`, `node_exporter:` …), except for `local`, the machine
that the monitor runs on. `volumes` names the volumes that must be there, by name or glob: a missing one is a failure,
because an unmounted archive looks like an empty disk. Names also match volumes that are hidden by default (a tmpfs, a
partition without a drive letter). Percentages are of the space that a writer can use; space reserved for root does not
count as free.

A named volume whose size the source does not report is `unknown`, and so is any volume with impossible figures (more
free than its size). The others are still judged, and a failure of one of them takes precedence.

`full_within` warns when a volume will be full sooner than that at its present rate. The forecast looks ahead as far as
the time in which its free space last halved, at most a hundred days; after a clean-up there is no forecast until then.
A forecast is never a failure, and its warning is never critical, so it wakes nobody. Where images arrive in bursts, set
it to several times the interval between bursts ([figures](../systems.md#time-to-full)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from pacs_monitor.fields import Duration, Percent, Settings, Size, Texts
from pacs_monitor.format.human import byte_size, duration, label, percentage
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Layer,
    Measure,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from pacs_monitor.systems import VolumeSource, is_guarded, peer_of, system_of
from pacs_monitor.systems.shared.judgement import Finding, over, selected, unknown, worst_of
from pacs_monitor.systems.shared.resources import ReportsVolumes, Volume
from pacs_monitor.systems.shared.trend import KEY, full_in, noted, remembered

MOST = 64
"""Volumes that one check measures."""


class DiskSettings(Settings):
    source: VolumeSource
    """The system that reports the volumes: `local`, `node_exporter`, `snmp`, `orthanc` …"""
    volumes: Texts = ()
    """Names or globs of volumes that must be there; by default all that the source reports."""
    ignore: Texts = ()
    """Names or globs of volumes to leave out."""
    warn: Percent | None = 0.8
    """Used space at or above this is a warning."""
    fail: Percent | None = 0.9
    """Used space at or above this is a failure."""
    free_warn: Size | None = None
    """Less free space than this is a warning."""
    free_fail: Size | None = None
    """Less free space than this is a failure."""
    inodes_warn: Percent | None = 0.8
    """Used inodes (the number of files is limited) at or above this are a warning."""
    inodes_fail: Percent | None = 0.95
    """Used inodes at or above this are a failure."""
    read_only: bool = False
    """Set it where the volumes are meant to be read-only."""
    full_within: Duration | None = None
    """A volume that will be full sooner than this at its present rate is a warning."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return peer_of(node, self.source)


class Disk(Probe):
    kind = "disk"
    settings = DiskSettings
    measures = (
        Measure(
            "disk_free_bytes",
            N_("Bytes that a writer may still use."),
            ("volume",),
            trend=True,
            empty_in="disk_full_in_seconds",
        ),
        Measure("disk_used_bytes", N_("Bytes in use."), ("volume",), trend=True),
        Measure("disk_used_ratio", "Share of the volume in use, 0 to 1.", ("volume",)),
        Measure("disk_inodes_free", "Files that can still be created.", ("volume",)),
        Measure(
            "disk_full_in_seconds",
            "Until the volume is full at its present rate; no sample without a forecast.",
            ("volume",),
        ),
        EXPIRY,
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=20.0, timeout=15.0)
    next_steps = {
        Reason.OVER_LIMIT: N_("Find what grew, then free space or extend the volume before writes fail."),
        Reason.MISSING: N_(
            "Mount it again, then check whether anything was written to the empty mount point meanwhile."
        ),
        Reason.OUT_OF_RESOURCES: N_(
            "Read the system log: disk errors can make a volume read-only, so have the disk checked before you remount."
        ),
    }

    def needs_allowing(self, settings: DiskSettings) -> bool:
        return is_guarded(settings.source)

    async def run(self, node: Node, settings: DiskSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            system: ReportsVolumes = system_of(node, settings.source, trace)
            reported = await system.volumes(node, ctx, trace, settings.volumes)
        except NetFailure as failure:
            return failure.outcome()
        trace.end()
        trace.phase = Phase.OPERATION
        volumes, troubles = selected("volume", reported, settings.volumes, settings.ignore, trace)
        horizon = _forecast(volumes, ctx, trace)
        for volume in volumes:
            troubles += _troubles(volume, settings, horizon.get(volume.label))
        return worst_of(troubles, trace)


def _forecast(volumes: Sequence[Volume], ctx: ProbeContext, trace: Trace) -> dict[str, float]:
    """Seconds until each is full."""
    now = ctx.clock.now() // SECOND
    known, kept, found = remembered(ctx.memory), {}, {}
    for volume in volumes[:MOST]:
        _measure(volume, trace)
        if volume.free is None:
            continue
        kept[volume.label] = noted(known.pop(volume.label, ()), now, volume.free)
        left = full_in(kept[volume.label])
        if left is not None:
            found[volume.label] = left
            trace.measure("disk_full_in_seconds", left, _labels(volume))
    ctx.memory[KEY] = dict(islice((kept | known).items(), MOST))
    return found


def _labels(volume: Volume) -> tuple[tuple[str, str], ...]:
    return (("volume", label(volume.label)),)


def _measure(volume: Volume, trace: Trace) -> None:
    values = {
        "disk_free_bytes": volume.free,
        "disk_used_bytes": volume.used,
        "disk_used_ratio": _ratio(volume.used, volume.free),
        "disk_inodes_free": volume.inodes_free,
    }
    for name, value in values.items():
        if value is not None:
            trace.measure(name, value, _labels(volume))


def _ratio(used: int | None, free: int | None) -> float | None:
    return None if used is None or free is None else used / (used + free)


def _troubles(volume: Volume, settings: DiskSettings, full_in: float | None) -> Iterator[Finding]:
    name = label(volume.label)
    if volume.gap is not None:
        yield unknown(name, volume.gap)
    if volume.full:
        yield Finding(False, Reason.OVER_LIMIT, f"{name}: the system has marked it as full")
    if volume.read_only and not settings.read_only:
        yield Finding(False, Reason.OUT_OF_RESOURCES, f"{name} is read-only")
    used = _ratio(volume.used, volume.free)
    if used is not None:
        yield from over(used, settings.warn, settings.fail, f"{name} is {percentage(used)} used", percentage)
    if volume.inodes and volume.inodes_free is not None:
        taken = 1 - volume.inodes_free / volume.inodes
        words = f"{name}: inodes are {percentage(taken)} used"
        yield from over(taken, settings.inodes_warn, settings.inodes_fail, words, percentage)
    if volume.free is not None:
        yield from _room(name, volume.free, settings)
    if full_in is not None and settings.full_within is not None and full_in < settings.full_within:
        yield Finding(True, Reason.OVER_LIMIT, f"{name} will be full in {duration(full_in)} at its present rate")


def _room(name: str, free: int, settings: DiskSettings) -> Iterator[Finding]:
    for limit, mild in ((settings.free_fail, False), (settings.free_warn, True)):
        if limit is not None and free < limit:
            yield Finding(mild, Reason.OVER_LIMIT, f"{name} has {byte_size(free)} free, less than {byte_size(limit)}")
            return
