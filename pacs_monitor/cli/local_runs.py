"""Running checks in this process: a runner with the ledger and, where something is written or pulled, our listener."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing
from zoneinfo import ZoneInfo

from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate
from pacs_monitor.engine.runner import Runner
from pacs_monitor.history import SeatLocks, open_ledger
from pacs_monitor.listeners import Listeners
from pacs_monitor.model import Check, ObjectLedger
from pacs_monitor.net import Resolver


@asynccontextmanager
async def runner_of(estate: Estate, checks: Collection[Check]) -> AsyncIterator[Runner]:
    """A runner for these checks; raises HistoryError. The history is not touched unless one of them writes."""
    with closing(SeatLocks(estate.monitor.database, estate.monitor.name)) as seats:
        if any(check.probe.writes for check in checks):
            async with _writing(estate, seats) as runner:
                yield runner
            return
        runner = _runner(estate, Resolver(), None, seats)
        try:
            yield runner
        finally:
            runner.close()


@asynccontextmanager
async def _writing(estate: Estate, seats: SeatLocks) -> AsyncIterator[Runner]:
    monitor, resolver = estate.monitor, Resolver()
    with open_ledger(monitor.database, monitor.name, SystemClock()) as ledger:
        runner = _runner(estate, resolver, ledger, seats)
        listeners = Listeners(runner, resolver, SystemClock(), nodes=estate.nodes.values, ours=ledger.holds)
        await listeners.adopt(monitor)
        try:
            yield runner
        finally:
            runner.close()
            await listeners.stop()


def _runner(estate: Estate, resolver: Resolver, ledger: ObjectLedger | None, seats: SeatLocks) -> Runner:
    runner = Runner(SystemClock(), resolver, ledger, shared=seats)
    runner.zone = ZoneInfo(estate.monitor.timezone)
    runner.seats.adopt(estate.checks.values())
    runner.isolation.adopt(estate.references, estate.monitor.site)
    return runner
