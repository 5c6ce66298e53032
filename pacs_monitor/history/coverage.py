"""When this run of the monitor was alive, and when its clock was set."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pacs_monitor.history.rows import upsert
from pacs_monitor.history.tables import coverage
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.uptime import Cause, Coverage

LONGEST_GAP = 30 * SECOND
"""Silence between two signs of life; after a longer one the monitor was not running (a machine that slept)."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    span: Coverage


class Alive:
    """The coverage spans of one run; the current one is extended by every heartbeat and every committed row."""

    def __init__(self, monitor: int, run: str, now: Micros) -> None:
        self._monitor, self._run = monitor, run
        self._current = _Numbered(0, Coverage(now, now))
        self._closed: list[_Numbered] = []
        self._next = 1

    def extend(self, now: Micros) -> None:
        """A sign of life."""
        span = self._current.span
        if now - span.end > LONGEST_GAP:
            self._begin(now)
        else:
            self._current = replace(self._current, span=span._replace(end=max(span.end, now)))

    def step(self, now: Micros, by: Micros) -> None:
        """The clock was set since the last sign of life: whatever either reading may mean is ambiguous."""
        last = self._current.span.end
        ambiguous = Coverage(min(last, last + by), max(now, now - by), Cause.CLOCK)
        self._closed.append(_Numbered(self._next, ambiguous))
        self._next += 1
        self._begin(now)

    def write(self, connection: Connection) -> None:
        rows = [
            {
                "run": self._run,
                "number": numbered.number,
                "monitor_id": self._monitor,
                "started": numbered.span.start,
                "ended": numbered.span.end,
                "cause": numbered.span.cause,
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
