"""Do two archives hold the same studies? The studies of past days, counted on both by C-FIND, per modality.

```yaml
reconcile: {against: vna, modalities: [CT, MR, US], tolerance: 1%}
```

Objects can get lost between a router, an archive and its copy although each of them is up. A count that differs by more
than `tolerance` on each of the last `days` days (default two) is a warning (`missing`); the studies of a single day may
still be in transit. Only numbers are compared. When a query reaches a limit, the counts are not compared, and the
result is flagged `capped`.

The other archive is a node in the configuration with its own `dicom:` block. A run takes the seats of both; when the
other one cannot be queried, the check is unknown, because that is not this node's fault. Our AE title must be
registered on both for queries, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from pacs_monitor.dicom import Target
from pacs_monitor.dicom.dates import today
from pacs_monitor.dicom.endpoint import ENDPOINT, EndpointSettings, addresses_of, not_configured, target_of
from pacs_monitor.dicom.find import STUDY_ROOT_FIND
from pacs_monitor.dicom.query import Queries, QuerySettings
from pacs_monitor.dicom.studies import MODALITIES, Day, studies_of
from pacs_monitor.fields import NodeName, Percent, Texts
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, Phase, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import EXPIRY, NetFailure, Trace

EVERYTHING = "all"
Counts = Mapping[tuple[str, date], Day]


class ReconcileSettings(QuerySettings):
    against: NodeName
    """The node to compare with."""
    modalities: Texts = ()
    """Modalities (CT, MR, …) to count separately; by default all studies together."""
    days: Annotated[int, Field(ge=1, le=31)] = 2
    """How many consecutive days must differ, up to and including yesterday."""
    tolerance: Percent = 0.0
    """A difference up to this share of the larger count is ignored."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Answers per day after which the query is cancelled (C-CANCEL)."""


class Reconcile(Probe):
    kind = "reconcile"
    settings = ReconcileSettings
    measures = (
        Measure("reconcile_studies", "Yesterday's studies, per modality, on each archive.", ("archive", "modality")),
        EXPIRY,
    )
    layer = Layer.SERVICE
    uses_association = True
    needs = ENDPOINT
    timing = Timing(interval=6 * 3600.0, retry_interval=900.0, timeout=120.0)

    def addresses(self, node: Node, settings: ReconcileSettings) -> tuple[Address, ...]:
        return addresses_of(node, settings)

    async def run(self, node: Node, settings: ReconcileSettings, ctx: ProbeContext) -> Outcome:
        other = ctx.nodes[settings.against]
        here_at, there_at = target_of(node, settings), target_of(other, EndpointSettings())
        if here_at is None or there_at is None:
            return not_configured(node if here_at is None else other)
        yesterday = today(ctx.clock.now(), ctx.zone) - timedelta(days=1)
        days = [yesterday - timedelta(days=back) for back in range(settings.days)]
        try:
            trace, here = await _count(here_at, days, settings, ctx)
        except NetFailure as failure:
            return failure.outcome()
        try:
            way, there = await _count(there_at, days, settings, ctx)
        except NetFailure as failure:
            trace.take_over(failure.trace, other.name)
            detail = f"{other.name} could not be queried: {failure.detail}"
            return Outcome.of(Reason.NOT_MEASURED, phase=failure.phase, detail=detail, **trace.seen())
        trace.take_over(way, other.name)
        _measure(trace, {node.name: here, other.name: there}, yesterday)
        wrong = [
            f"{'studies' if modality == EVERYTHING else f'{modality} studies'} {numbers}"
            for modality in modalities(settings)
            if (
                numbers := _compare([(day, here[modality, day], there[modality, day]) for day in days], other, settings)
            )
        ]
        if not wrong:
            return trace.outcome(settings.slow)
        detail = "; ".join(wrong)
        return Outcome.of(Reason.MISSING, warn=True, phase=Phase.OPERATION, detail=detail, **trace.seen())


def modalities(settings: ReconcileSettings) -> Sequence[str]:
    return settings.modalities or (EVERYTHING,)


async def _count(
    target: Target, days: Sequence[date], settings: ReconcileSettings, ctx: ProbeContext
) -> tuple[Trace, Counts]:
    counts: dict[tuple[str, date], Day] = {}
    async with Queries(target, STUDY_ROOT_FIND, ctx) as queries:
        for modality in modalities(settings):
            keys = {} if modality == EVERYTHING else {MODALITIES: modality}
            for day in days:
                association = await queries.association()
                counts[modality, day] = await studies_of(association, day, ctx.zone, keys=keys, limit=settings.limit)
    return queries.trace, counts


def _measure(trace: Trace, archives: Mapping[str, Counts], yesterday: date) -> None:
    for archive, counts in archives.items():
        for (modality, day), found in counts.items():
            if day == yesterday:
                labels = (("archive", archive), ("modality", modality))
                trace.measure("reconcile_studies", found.studies, labels)


def _compare(days: Sequence[tuple[date, Day, Day]], other: Node, settings: ReconcileSettings) -> str | None:
    """The numbers, where they differ on each of the days."""
    if not all(differ(ours, theirs, settings.tolerance) for _, ours, theirs in days):
        return None
    return ", ".join(f"of {day}: {ours.studies} here, {theirs.studies} on {other.name}" for day, ours, theirs in days)


def differ(ours: Day, theirs: Day, tolerance: float) -> bool:
    """Whether two counts differ; those that may be more than they say do not."""
    if ours.capped or theirs.capped:
        return False
    return abs(ours.studies - theirs.studies) > tolerance * max(ours.studies, theirs.studies)
