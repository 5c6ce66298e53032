"""Running checks in this process: a runner with the ledger and, where something is written or pulled, our listener."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from pacs_monitor.config import Estate
from pacs_monitor.engine.clock import SystemClock
from pacs_monitor.engine.listening import Listeners
from pacs_monitor.engine.runner import Runner
from pacs_monitor.history import open_ledger
from pacs_monitor.model import Check, Ledger
from pacs_monitor.net import Resolver


@asynccontextmanager
async def runner_of(estate: Estate, checks: Collection[Check]) -> AsyncIterator[Runner]:
    """A runner for these checks; raises HistoryError. The history is not touched unless one of them writes."""
    monitor = estate.monitor
    if not any(check.probe.writes for check in checks):
        runner = _runner(estate, Resolver(), None)
        try:
            yield runner
        finally:
            runner.close()
        return
    resolver = Resolver()
    with open_ledger(monitor.database, monitor.name, SystemClock()) as ledger:
        runner = _runner(estate, resolver, ledger)
        listeners = Listeners(runner, resolver, SystemClock(), nodes=estate.nodes.values, ours=ledger.holds)
        await listeners.adopt(monitor)
        try:
            yield runner
        finally:
            runner.close()
            await listeners.stop()


def _runner(estate: Estate, resolver: Resolver, ledger: Ledger | None) -> Runner:
    runner = Runner(SystemClock(), resolver, ledger)
    runner.zone = ZoneInfo(estate.monitor.timezone)
    runner.seats.adopt(estate.checks.values())
    runner.isolation.references = estate.references
    return runner
