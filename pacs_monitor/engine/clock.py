"""The clock of the running daemon, and the watch that notices when somebody sets it."""

from __future__ import annotations

import time

from pacs_monitor.model import SECOND, Clock, Micros

STEP = 2 * SECOND
"""A wall clock that moved by more than this against the monotonic one was set; less is slewing."""


class SystemClock:
    """Wall time for the record, monotonic time for the rhythm."""

    def now(self) -> Micros:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class ClockWatch:
    """Compares the wall clock with the monotonic one at every heartbeat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._read()

    def stepped(self) -> Micros:
        """By how much the wall clock was set since the last call: 0 when it was not."""
        offset = self._read()
        step, self._offset = offset - self._offset, offset
        return step if abs(step) > STEP else 0

    def _read(self) -> Micros:
        return self._clock.now() - round(self._clock.monotonic() * SECOND)
