"""The clock of the running daemon, and the watch that notices when somebody sets it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pacs_monitor.model import SECOND, Clock, Micros

log = logging.getLogger(__name__)
STEP = 2 * SECOND
"""A wall clock that moved by more than this against the monotonic one was set; less is slewing."""


class SystemClock:
    """Wall time for the record, monotonic time for the rhythm."""

    def now(self) -> Micros:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class ClockWatch:
    """Compares the wall clock with the monotonic one; `told` hears by how much it was set, once each time."""

    def __init__(self, clock: Clock, told: Callable[[Micros], None]) -> None:
        self._clock, self._told = clock, told
        self._offset = self._read()

    def look(self) -> None:
        """At every heartbeat, and before anything is decided by the wall clock."""
        offset = self._read()
        step, self._offset = offset - self._offset, offset
        if abs(step) > STEP:
            log.warning("somebody set the wall clock by %+.1f s", step / SECOND)
            self._told(step)

    def _read(self) -> Micros:
        return self._clock.now() - round(self._clock.monotonic() * SECOND)
