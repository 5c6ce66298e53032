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


class Rhythm:
    """Calls `run(check_id, due)` whenever a check's turn comes."""

    def __init__(self, run: Callable[[CheckId, float], None], supervisor: Supervisor) -> None:
        self._run, self._supervisor = run, supervisor
        self._beats: dict[CheckId, _Beat] = {}

    def adopt(self, checks: Iterable[Check]) -> None:
        """Beat for exactly these checks; one whose interval stays the same keeps its beat."""
        loop = asyncio.get_running_loop()
        old, self._beats = self._beats, {}
        for check in checks:
            beat = old.pop(check.id, None)
            if beat is None or beat.interval != check.interval:
                if beat is not None:
                    beat.timer.cancel()
                beat = _Beat(check.id, check.interval, self._turn)
                beat.at(loop, ceil((loop.time() + first_after(check)) / TOGETHER) * TOGETHER)
            self._beats[check.id] = beat
        for beat in old.values():
            beat.timer.cancel()

    def due(self, check: CheckId) -> float | None:
        """When the next turn of a check is, on the loop's clock."""
        beat = self._beats.get(check)
        return beat.due if beat else None

    def hurry(self, check: CheckId, due: float) -> None:
        """Bring the next turn of a check forward to `due`, and let later ones count from there."""
        beat = self._beats.get(check)
        if beat is not None and due < beat.due:
            beat.timer.cancel()
            beat.at(asyncio.get_running_loop(), due)

    def look_again(self) -> None:
        """Take up beats whose timer was lost to a fault, which would never come again by themselves."""
        loop = asyncio.get_running_loop()
        for beat in self._beats.values():
            if beat.due < loop.time() - LOST_AFTER:
                beat.timer.cancel()
                beat.at(loop, loop.time())

    def stop(self) -> None:
        for beat in self._beats.values():
            beat.timer.cancel()
        self._beats.clear()

    def _turn(self, beat: _Beat) -> None:
        loop = asyncio.get_running_loop()
        due, now = beat.due, loop.time()
        following = due + beat.interval
        if following <= now:  # the loop was held up for longer than an interval: no burst to catch up
            following = now + beat.interval
        beat.at(loop, following)
        self._supervisor.attempt("rhythm", self._run, beat.check, due)


class _Beat:
    """The timer of one check."""

    __slots__ = ("_turn", "check", "due", "interval", "timer")
    timer: asyncio.TimerHandle

    def __init__(self, check: CheckId, interval: float, turn: Callable[[_Beat], None]) -> None:
        self.check, self.interval, self._turn = check, interval, turn
        self.due = 0.0

    def at(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.due = due
        self.timer = loop.call_at(due, self._turn, self)


def share(check: CheckId) -> float:
    """A stable place from 0 to 1 for a check: the same after every restart, evenly spread over an estate."""
    return int.from_bytes(blake2b(str(check).encode(), digest_size=8).digest()) / 2**64


def first_after(check: Check) -> float:
    """Seconds from the start to the first run of a check."""
    return share(check.id) * (check.interval if check.probe.writes else min(check.interval, START_WITHIN))
