"""Running checks in this process: a runner with the ledger and, where something is written or pulled, our listener."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from pacs_monitor.config import Estate
from pacs_monitor.engine.clock import SystemClock
from pacs_monitor.engine.hl7_listening import listen_hl7
from pacs_monitor.engine.listening import listen
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
        runner, listener = _runner(estate, resolver, ledger), None
        if monitor.dicom_listener is not None:
            settings = monitor.dicom_listener
            listener = await listen(
                settings.ae_title,
                settings.listen,
                nodes=estate.nodes.values,
                ours=ledger.holds,
                resolver=resolver,
            )
        runner.listeners = listener
        mllp = await listen_hl7(monitor.hl7_listener, SystemClock()) if monitor.hl7_listener else None
        runner.hl7_listener = mllp
        try:
            yield runner
        finally:
            runner.close()
            if listener is not None:
                await listener.stop()
            if mllp is not None:
                await mllp.stop()


def _runner(estate: Estate, resolver: Resolver, ledger: Ledger | None) -> Runner:
    runner = Runner(SystemClock(), resolver, ledger)
    runner.zone = ZoneInfo(estate.monitor.timezone)
    runner.seats.adopt(estate.checks.values())
    runner.isolation.references = estate.references
    return runner
