"""When interval checks run: on the loop's monotonic clock, so that a wall clock set by anybody moves nothing.

Intervals count from due to due, so that lateness does not add up. First runs are spread by a stable hash of the check's
name over min(interval, START_WITHIN); a check that writes keeps to its place in the whole interval. Runs of a check
never overlap: a turn that comes while the last run goes on is skipped and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from hashlib import blake2b
from math import ceil

from pacs_monitor.model import Check, CheckId
from pacs_monitor.supervision import Supervisor

START_WITHIN = 30.0
"""Seconds within which every read-only check has run after a start."""
TOGETHER = 0.01
"""Seconds: runs that are due within the same hundredth begin together, which costs less than to wake up for each."""
LOST_AFTER = 5.0
"""Seconds by which a turn is late only if its timer is gone."""


class IntervalScheduler:
    """Calls `run(check_id, due)` whenever a check's turn comes."""

    def __init__(self, run: Callable[[CheckId, float], None], supervisor: Supervisor) -> None:
        self._run, self._supervisor = run, supervisor
        self._timers: dict[CheckId, _Timer] = {}

    def adopt(self, checks: Iterable[Check]) -> None:
        """Run exactly these checks; one whose interval stays the same keeps its timer."""
        loop = asyncio.get_running_loop()
        old, self._timers = self._timers, {}
        for check in checks:
            timer = old.pop(check.id, None)
            if timer is None or timer.interval != check.interval:
                if timer is not None:
                    timer.handle.cancel()
                timer = _Timer(check.id, check.interval, self._turn)
                timer.at(loop, ceil((loop.time() + first_after(check)) / TOGETHER) * TOGETHER)
            self._timers[check.id] = timer
        for timer in old.values():
            timer.handle.cancel()

    def due(self, check: CheckId) -> float | None:
        """When the next turn of a check is, on the loop's clock."""
        timer = self._timers.get(check)
        return timer.due if timer else None

    def bring_forward(self, check: CheckId, due: float) -> None:
        """Bring the next turn of a check forward to `due`, and let later ones count from there."""
        timer = self._timers.get(check)
        if timer is not None and due < timer.due:
            timer.handle.cancel()
            timer.at(asyncio.get_running_loop(), due)

    def look_again(self) -> None:
        """Restart checks whose timer was lost to a fault, which would never come again by themselves."""
        loop = asyncio.get_running_loop()
        for timer in self._timers.values():
            if timer.due < loop.time() - LOST_AFTER:
                timer.handle.cancel()
                timer.at(loop, loop.time())

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.handle.cancel()
        self._timers.clear()

    def _turn(self, timer: _Timer) -> None:
        loop = asyncio.get_running_loop()
        due, now = timer.due, loop.time()
        following = due + timer.interval
        if following <= now:  # the loop was held up for longer than an interval: no burst to catch up
            following = now + timer.interval
        timer.at(loop, following)
        self._supervisor.attempt("rhythm", self._run, timer.check, due)


class _Timer:
    """The timer of one check."""

    __slots__ = ("_turn", "check", "due", "handle", "interval")
    handle: asyncio.TimerHandle

    def __init__(self, check: CheckId, interval: float, turn: Callable[[_Timer], None]) -> None:
        self.check, self.interval, self._turn = check, interval, turn
        self.due = 0.0

    def at(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.due = due
        self.handle = loop.call_at(due, self._turn, self)


def spread(check: CheckId) -> float:
    """A stable place from 0 to 1 for a check: the same after every restart, evenly spread over an estate."""
    return int.from_bytes(blake2b(str(check).encode(), digest_size=8).digest()) / 2**64


def first_after(check: Check) -> float:
    """Seconds from the start to the first run of a check."""
    return spread(check.id) * (check.interval if check.probe.writes else min(check.interval, START_WITHIN))
