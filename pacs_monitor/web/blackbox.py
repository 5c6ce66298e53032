"""`/probe`: a configured check in blackbox_exporter's names, so that existing rules and dashboards work."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from pacs_monitor.model import SECOND, CheckId, Micros, Phase, Result, Status
from pacs_monitor.web.view import DaemonView


async def probe(daemon: DaemonView, checks: list[CheckId]) -> bytes:
    """Results younger than their interval are taken as they are, others are run now. All must be ok or warn.

    A check that runs by the calendar has its result until its next time: a scrape does not run it in between.

    `probe_success` has no sample while a result is unknown: nothing was learnt about the node. Checks that a reload
    removes meanwhile do not count; raises LookupError when none is left.
    """
    results = [result for check in checks if (result := await _recent(daemon, check)) is not None]
    if not results:
        raise LookupError("the checks no longer exist")
    registry = CollectorRegistry()
    statuses = {result.outcome.status for result in results}
    if Status.UNKNOWN not in statuses:
        success = Gauge("probe_success", "Whether the probe succeeded", registry=registry)
        success.set(int(Status.FAIL not in statuses))
    duration = Gauge("probe_duration_seconds", "How long the probe took to complete in seconds", registry=registry)
    duration.set(sum(result.duration for result in results))
    lookup = Gauge("probe_dns_lookup_time_seconds", "The time taken for probe dns lookup in seconds", registry=registry)
    lookup.set(sum(result.outcome.phases.get(Phase.RESOLVE, 0.0) for result in results))
    return generate_latest(registry)


async def _recent(daemon: DaemonView, check: CheckId) -> Result | None:
    entry = daemon.engine.board.entries.get(check)
    if entry is None:
        return None
    last = entry.last
    if (
        last is not None
        and not entry.stopped
        and (entry.check.cron or _age(daemon.clock.now(), last) < entry.check.interval)
    ):
        return last
    return await daemon.engine.run_now(check)


def _age(now: Micros, result: Result) -> float:
    return (now - result.started) / SECOND
