"""Does the work flow? Queues as a system reports them: length, oldest item, growth, standstill, failed items.

```yaml
jobs: {probe: queue, source: orthanc, warn: 50, fail: 200, oldest_fail: 30m}
```

`source` names the system: the node needs its block (`orthanc:`, `dcm4chee:`, `mirth:`, `spool:` …). `queues` names the
queues that must be there, by name or glob: a missing one is a failure.

Length alone says little: a long queue in a busy hour is no fault. The best signs are the age of the oldest item
(`oldest_fail`), and a queue that holds items while nothing is in progress (`stuck_after`). Failed items are counted
from one run to the next; a new failure stays a warning for `failed_within`, long enough to be confirmed by several
runs. Items that had failed before the first run are not counted, and removing failed items does not count as a new
failure.

A queue has grown when its lowest length in the last quarter of `growth_within` is higher than its lowest in the first
quarter: one that empties in between has not grown. It stands still when items wait, nothing is in progress, and none
leaves. docs/systems.md lists the permissions that each system requires.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from pacs_monitor.fields import Duration, Number, Settings, Texts
from pacs_monitor.format.human import duration, items, label, number
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Layer,
    Measure,
    Micros,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from pacs_monitor.systems import QueueSource, is_guarded, peer_of, system_of
from pacs_monitor.systems.shared.backlog import Backlog
from pacs_monitor.systems.shared.judgement import Finding, over, selected, unknown, worst_of
from pacs_monitor.systems.shared.resources import Gap, ReportsQueues
from pacs_monitor.systems.shared.resources import Queue as ReportedQueue

MOST = 64
"""Queues for which one check records measurements; it judges all."""


class QueueSettings(Settings):
    source: QueueSource
    """The system that reports the queues: `orthanc`, `dcm4chee`, `mirth`, `spool`, `sql` …"""
    queues: Texts = ()
    """Names or globs of queues that must be there; by default all that the source reports."""
    ignore: Texts = ()
    """Names or globs of queues to leave out."""
    warn: Number | None = None
    """This many waiting items are a warning."""
    fail: Number | None = None
    """This many waiting items are a failure."""
    oldest_warn: Duration | None = None
    """An item that waits longer than this is a warning."""
    oldest_fail: Duration | None = None
    """An item that waits longer than this is a failure."""
    growth_warn: Number | None = None
    """This many more waiting items than `growth_within` ago are a warning; the lowest lengths are compared."""
    growth_within: Duration = 3600.0
    """The period over which growth is measured."""
    stuck_after: Duration | None = 900.0
    """Items that wait this long while nothing is in progress and none leaves are a failure, if the source reports
    it."""
    failed_warn: Number | None = 1
    """This many items that failed within `failed_within` are a warning."""
    failed_fail: Number | None = None
    """This many items that failed within `failed_within` are a failure."""
    failed_within: Duration = 900.0
    """How long a failed item counts."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return peer_of(node, self.source)


class Queue(Probe):
    kind = "queue"
    settings = QueueSettings
    measures = (
        Measure("queue_length", N_("Items that wait."), ("queue",), trend=True),
        Measure("queue_oldest_item_timestamp_seconds", "When the longest waiting item arrived.", ("queue",)),
        Measure("queue_newest_item_timestamp_seconds", "When the newest waiting item arrived.", ("queue",)),
        Measure("queue_bytes", "Total size of the waiting items.", ("queue",)),
        Measure("queue_in_progress", "Items in progress.", ("queue",)),
        Measure("queue_failed", "Failed items, as the system counts or lists them.", ("queue",)),
        EXPIRY,
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=20.0, timeout=15.0)
    next_steps = {
        Reason.OVER_LIMIT: N_("Find the destination that accepts nothing or is too slow."),
        Reason.STALE: N_(
            "No items are being processed: check whether the destination or its worker is stopped, or its "
            "receiver is down."
        ),
        Reason.MISSING: N_("Check whether it is deployed or was renamed."),
    }

    def needs_allowing(self, settings: QueueSettings) -> bool:
        return is_guarded(settings.source)

    def resumed(self, memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:  # noqa: ARG002
        """Whether items are stuck shows from now on: in a pause the destination may have been off."""
        queues: dict[str, Any] = memory.get("queues", {})
        memory["queues"] = {name: list(Backlog(*known)._replace(stuck_since=None)) for name, known in queues.items()}

    async def run(self, node: Node, settings: QueueSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            system: ReportsQueues = system_of(node, settings.source, trace)
            reported = await system.queues(node, ctx, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.end()
        trace.phase = Phase.OPERATION
        queues, troubles = selected("queue", reported, settings.queues, settings.ignore, trace)
        now, before, kept = ctx.clock.now() / SECOND, ctx.memory.get("queues", {}), {}
        growth_within = settings.growth_within if settings.growth_warn else None
        for queue in queues[:MOST]:
            _measure(queue, trace)
        for queue in queues:
            known = Backlog(*before.get(queue.label, ()))
            kept[queue.label] = known.followed(queue, now, growth_within, settings.failed_within)
            troubles += _troubles(queue, kept[queue.label], settings, now)
        ctx.memory["queues"] = {name: list(backlog) for name, backlog in kept.items()}
        return worst_of(troubles, trace)


def _measure(queue: ReportedQueue, trace: Trace) -> None:
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
            trace.measure(name, value, (("queue", label(queue.label)),))


def _not_reported(queue: ReportedQueue, settings: QueueSettings) -> list[str]:
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


def _troubles(queue: ReportedQueue, backlog: Backlog, settings: QueueSettings, now: float) -> Iterator[Finding]:
    name = label(queue.label)
    if queue.gap is not None:
        yield unknown(name, queue.gap)
    elif limits := _not_reported(queue, settings):
        words = f"the source does not report what {' and '.join(limits)} need{'s' * (len(limits) == 1)}"
        yield unknown(name, Gap(Reason.NOT_MEASURED, f"remove the limit, or choose another source: {words}"))
    if queue.length is not None:
        yield from over(queue.length, settings.warn, settings.fail, f"{name}: {items(queue.length)} waiting", number)
    if queue.oldest is not None and queue.length:
        age = now - queue.oldest
        words = f"{name}: the oldest item has waited {duration(age)}"
        yield from over(age, settings.oldest_warn, settings.oldest_fail, words, duration)
    growth = backlog.growth(now)
    words = f"{name}: grew by {items(growth)} in {duration(backlog.seen_for(now))}"
    yield from over(growth, settings.growth_warn, None, words, number)
    failed = backlog.newly_failed
    words = f"{name}: {items(failed)} failed within {duration(settings.failed_within)}"
    yield from over(failed, settings.failed_warn, settings.failed_fail, words, number)
    since = backlog.stuck_since
    if queue.length and since is not None and settings.stuck_after is not None and now - since >= settings.stuck_after:
        words = f"{name}: {items(queue.length)} waiting, and nothing in progress for {duration(now - since)}"
        yield Finding(False, Reason.STALE, words)
