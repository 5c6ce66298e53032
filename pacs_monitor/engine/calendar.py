"""What belongs to the calendar, by APScheduler: checks with a `cron:` line, in the monitor's time zone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from pacs_monitor import cron
from pacs_monitor.model import SECOND, Check, CheckId, Clock
from pacs_monitor.supervision import Supervisor

MISFIRE_GRACE = 60
"""A calendar run that is later than this, in seconds, is skipped."""


class Line(NamedTuple):
    """When, and by whose clock."""

    cron: str
    timezone: str


class Calendar:
    """Calls `run(check_id)` at the times of each check's `cron:` line."""

    def __init__(self, run: Callable[[CheckId], None], clock: Clock, supervisor: Supervisor) -> None:
        self._run, self._supervisor = run, supervisor
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._lines: dict[CheckId, Line] = {}
        self._extra: dict[CheckId, asyncio.TimerHandle] = {}
        """Extra runs of checks with an unconfirmed change, between their cron times."""

    def start(self) -> None:
        self._scheduler.start()

    def adopt(self, checks: Iterable[Check], timezone: str) -> None:
        """Keep exactly these checks (all with `cron`); one whose line and zone stay the same keeps its job."""
        lines = {check.id: Line(check.cron, timezone) for check in checks if check.cron is not None}
        for check in self._lines.keys() - lines.keys():
            self._scheduler.remove_job(str(check))
            self._forget_extra(check)
        for check, line in lines.items():
            if self._lines.get(check) != line:
                self._schedule(check, line)
        self._lines = lines

    def reschedule(self) -> None:
        """The wall clock was set: next times count from what it says now."""
        for check, line in self._lines.items():
            self._schedule(check, line)

    def seconds_to_next(self, check: CheckId) -> float | None:
        """Seconds until a check's next run, or None when it has none."""
        if check in self._extra:
            return self._extra[check].when() - asyncio.get_running_loop().time()
        job = self._scheduler.get_job(str(check))
        following: datetime | None = getattr(job, "next_run_time", None)
        if following is None:
            return None
        return (following - datetime.fromtimestamp(self._clock.now() / SECOND, UTC)).total_seconds()

    def bring_forward(self, check: CheckId, due: float) -> None:
        """One more run of a check at `due`, on the loop's clock; the times of its line stay as they are."""
        self._forget_extra(check)
        self._extra[check] = asyncio.get_running_loop().call_at(due, self._run_extra, check)

    def look_again(self) -> None:
        """Compute afresh how long to sleep: the wall clock may run apart from the monotonic one."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for check in tuple(self._extra):
            self._forget_extra(check)

    def _run_extra(self, check: CheckId) -> None:
        del self._extra[check]
        self._supervisor.attempt("calendar", self._run, check)

    def _forget_extra(self, check: CheckId) -> None:
        if check in self._extra:
            self._extra.pop(check).cancel()

    async def _turn(self, check: CheckId) -> None:
        """A coroutine, because APScheduler gives plain functions to a thread, and a run belongs on the loop."""
        self._supervisor.attempt("calendar", self._run, check)

    def _schedule(self, check: CheckId, line: Line) -> None:
        self._scheduler.add_job(
            self._turn,
            cron.trigger(line.cron, line.timezone),
            args=[check],
            id=str(check),
            coalesce=True,
            misfire_grace_time=MISFIRE_GRACE,
            replace_existing=True,
        )
