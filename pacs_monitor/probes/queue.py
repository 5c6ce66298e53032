"""Does the work flow? Queues as a system tells them: length, age of the oldest item, growth, standstill, failed items.

```yaml
jobs: {probe: queue, source: orthanc, warn: 50, fail: 200, oldest_fail: 30m}
```

`source` names the system: the node carries its block (`orthanc:`, `dcm4chee:`, `mirth:`, `spool:` …). `queues` names
what must be there, by name or glob: one that is missing fails.

Length alone says little: a busy hour is no fault. Most telling are the age of the oldest item (`oldest_fail`), and a
queue that holds items while nothing is in progress (`stuck_after`). Failed items are counted from one run to the next;
a new failure is a warning for `failed_within`, so that it outlasts patience. What had failed before the first run is
not counted, and failed items that somebody takes away make no new ones.

A queue has grown when even its lowest level of the last quarter of `growth_within` is higher than the lowest of the
first: one that empties in between has not. It stands still when items wait, nothing is in progress, and none leaves.
docs/systems.md tells the least account of each system.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pacs_monitor.fields import Duration, Number, Settings, Texts
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, Phase, ProbeContext, Reason, Rhythm
from pacs_monitor.model.times import SECOND
from pacs_monitor.net import EXPIRY, NetFailure, Passage
from pacs_monitor.systems import QueueSource, is_guarded, peer_of, system_of
from pacs_monitor.systems.answers import Gap, TellsQueues
from pacs_monitor.systems.answers import Queue as Told
from pacs_monitor.systems.backlog import Backlog
from pacs_monitor.systems.judging import Trouble, judged, over, selected, unknown
from pacs_monitor.wording import items, label, number, span

MOST = 64
"""Queues that one check measures; it judges all."""


class QueueSettings(Settings):
    source: QueueSource
    """The system that tells the queues: `orthanc`, `dcm4chee`, `mirth`, `spool`, `sql` …"""
    queues: Texts = ()
    """Names or globs of queues that must be there; all that the source tells unless given."""
    ignore: Texts = ()
    """Names or globs of queues to leave out."""
    warn: Number | None = None
    """So many waiting items are a warning."""
    fail: Number | None = None
    """So many waiting items are a failure."""
    oldest_warn: Duration | None = None
    """An item that waits longer is a warning."""
    oldest_fail: Duration | None = None
    """An item that waits longer is a failure."""
    growth_warn: Number | None = None
    """So many more waiting items than `growth_within` ago are a warning; lowest levels are compared."""
    growth_within: Duration = 3600.0
    """How far growth looks back."""
    stuck_after: Duration | None = 900.0
    """Items that wait so long while nothing is in progress and none leaves are a failure, where that is told."""
    failed_warn: Number | None = 1
    """So many items failed within `failed_within` are a warning."""
    failed_fail: Number | None = None
    """So many items failed within `failed_within` are a failure."""
    failed_within: Duration = 900.0
    """How long a failed item is told."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return peer_of(node, self.source)


class Queue:
    kind: ClassVar[str] = "queue"
    settings: ClassVar[type[QueueSettings]] = QueueSettings
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("queue_length", "Items that wait.", ("queue",), trend=True),
        Measure("queue_oldest_item_timestamp_seconds", "When the item came that waits longest.", ("queue",)),
        Measure("queue_newest_item_timestamp_seconds", "When the newest waiting item came.", ("queue",)),
        Measure("queue_bytes", "Size of what waits.", ("queue",)),
        Measure("queue_in_progress", "Items that are worked on.", ("queue",)),
        Measure("queue_failed", "Failed items, as the system counts or lists them.", ("queue",)),
        EXPIRY,
    )
    layer: ClassVar[Layer] = Layer.SERVICE
    writes: ClassVar[bool] = False
    uses_association: ClassVar[bool] = False
    rhythm: ClassVar[Rhythm] = Rhythm(interval=60.0, retry_interval=20.0, timeout=15.0)

    def addresses(self, _node: Node, _settings: QueueSettings) -> tuple[Address, ...]:
        return ()

    def needs_allowing(self, settings: QueueSettings) -> bool:
        return is_guarded(settings.source)

    async def run(self, node: Node, settings: QueueSettings, ctx: ProbeContext) -> Outcome:
        passage = Passage()
        try:
            system: TellsQueues = system_of(node, settings.source, passage)
            told = await system.queues(node, ctx, passage)
        except NetFailure as failure:
            return failure.outcome()
        passage.end()
        passage.phase = Phase.OPERATION
        queues, troubles = selected("queue", told, settings.queues, settings.ignore, passage)
        now, before, kept = ctx.clock.now() / SECOND, ctx.memory.get("queues", {}), {}
        growth_within = settings.growth_within if settings.growth_warn else None
        for queue in queues[:MOST]:
            _measure(queue, passage)
        for queue in queues:
            known = Backlog(*before.get(queue.label, ()))
            kept[queue.label] = known.followed(queue, now, growth_within, settings.failed_within)
            troubles += _troubles(queue, kept[queue.label], settings, now)
        ctx.memory["queues"] = {name: list(backlog) for name, backlog in kept.items()}
        return judged(troubles, passage)


def _measure(queue: Told, passage: Passage) -> None:
    failed = queue.failed if queue.failures is None else len(queue.failures)
    values = {
        "queue_length": queue.length,
        "queue_oldest_item_timestamp_seconds": queue.oldest,
        "queue_newest_item_timestamp_seconds": queue.newest,
        "queue_bytes": queue.size,
        "queue_in_progress": queue.in_progress,
        "queue_failed": failed,
    }
    for name, value in values.items():
        if value is not None:
            passage.measure(name, value, (("queue", label(queue.label)),))


def _not_reported(queue: Told, settings: QueueSettings) -> list[str]:
    """The limits of the configuration that cannot be judged, since the source says nothing of what they are about."""
    waits = queue.length is None or queue.length > 0
    failed = queue.failures if queue.failed is None else queue.failed
    about = {
        "warn": queue.length,
        "fail": queue.length,
        "growth_warn": queue.length,
        "oldest_warn": queue.oldest if waits else 0,
        "oldest_fail": queue.oldest if waits else 0,
        "stuck_after": queue.in_progress if waits else 0,
        "failed_warn": failed,
        "failed_fail": failed,
    }
    return [
        limit
        for limit, value in about.items()
        if value is None and limit in settings.model_fields_set and getattr(settings, limit) is not None
    ]


def _troubles(queue: Told, backlog: Backlog, settings: QueueSettings, now: float) -> Iterator[Trouble]:
    name = label(queue.label)
    if queue.gap is not None:
        yield unknown(name, queue.gap)
    elif limits := _not_reported(queue, settings):
        words = f"the source does not report what {' and '.join(limits)} need{'s' * (len(limits) == 1)}"
        yield unknown(name, Gap(Reason.NOT_MEASURED, f"{words}: remove the limit, or choose another source"))
    if queue.length is not None:
        yield from over(queue.length, settings.warn, settings.fail, f"{name}: {items(queue.length)} waiting", number)
    if queue.oldest is not None and queue.length:
        age = now - queue.oldest
        words = f"{name}: the oldest item has waited {span(age)}"
        yield from over(age, settings.oldest_warn, settings.oldest_fail, words, span)
    growth = backlog.growth(now)
    words = f"{name}: grew by {items(growth)} in {span(backlog.seen_for(now))}"
    yield from over(growth, settings.growth_warn, None, words, number)
    failed = backlog.newly_failed
    words = f"{name}: {items(failed)} failed within {span(settings.failed_within)}"
    yield from over(failed, settings.failed_warn, settings.failed_fail, words, number)
    since = backlog.stuck_since
    if queue.length and since is not None and settings.stuck_after is not None and now - since >= settings.stuck_after:
        words = f"{name}: {items(queue.length)} waiting, and nothing in progress for {span(now - since)}"
        yield Trouble(False, Reason.STALE, words)
