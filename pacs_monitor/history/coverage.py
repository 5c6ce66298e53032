"""When this run of the monitor was alive, and when its clock was set."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from pacs_monitor.history.rows import upsert
from pacs_monitor.history.tables import coverage
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.uptime import Cause, Coverage

LONGEST_GAP = 30 * SECOND
"""The longest gap between two heartbeats; after a longer one the monitor counts as not running (a machine that
slept)."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    coverage: Coverage


class Alive:
    """The coverage intervals of one run; the current one is extended by every heartbeat and every committed row."""

    def __init__(
        self, monitor: int, run: str, now: Micros, recorded: Micros | None = None, gap: Micros = LONGEST_GAP
    ) -> None:
        self._monitor, self._run, self._gap = monitor, run, gap
        self._recorded = now if recorded is None else recorded
        """The end of what was recorded by another reading of the clock, before this run or before the clock was set."""
        self._touched: Micros | None = None
        """Where this reading has written into that."""
        self._current = _Numbered(0, Coverage(now, now))
        self._closed: list[_Numbered] = []
        self._next = 1

    def extend(self, now: Micros) -> None:
        """A sign of life."""
        coverage = self._current.coverage
        if now - coverage.end > self._gap:
            self._begin(now)
        else:
            self._current = replace(self._current, coverage=coverage._replace(end=max(coverage.end, now)))

    def wrote(self, since: Micros) -> None:
        """From here on a check is in a state that was measured; a clock that is behind dates it into recorded time."""
        if since < self._recorded:
            self._touched = since if self._touched is None else min(since, self._touched)

    def step(self, now: Micros, by: Micros) -> None:
        """The clock was set since the last sign of life: whatever either reading may mean is ambiguous.

        Set forward, time that was recorded before is not, but for where this reading has written into it: else a
        machine that boots in 1970 would take away all that it knows.
        """
        last = self._current.coverage.end
        start = min(last, last + by)
        if by > 0 and last <= self._recorded <= now:
            start = self._recorded if self._touched is None else self._touched
        self._closed.append(_Numbered(self._next, Coverage(start, max(now, now - by), Cause.CLOCK)))
        self._next += 1
        self._recorded, self._touched = max(self._recorded, last), None
        self._begin(now)

    def write(self, connection: Connection) -> None:
        rows = [
            {
                "run": self._run,
                "number": numbered.number,
                "monitor_id": self._monitor,
                "started": numbered.coverage.start,
                "ended": numbered.coverage.end,
                "cause": numbered.coverage.cause,
            }
            for numbered in (*self._closed, self._current)
        ]
        upsert(connection, coverage, rows, ["run", "number"])

    def written(self) -> None:
        """What is closed is durable."""
        self._closed.clear()

    def _begin(self, now: Micros) -> None:
        self._closed.append(self._current)
        self._current = _Numbered(self._next, Coverage(now, now))
        self._next += 1


def recorded_until(connection: Connection, monitor: int) -> Micros | None:
    """When a monitor was last alive, by the clock that it had."""
    ended = select(func.max(coverage.c.ended)).where(coverage.c.monitor_id == monitor, coverage.c.cause.is_(None))
    last: Micros | None = connection.scalar(ended)
    return last
