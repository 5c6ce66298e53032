"""The clock of the running daemon, and the watch that notices when somebody sets it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pacs_monitor.model import SECOND, Clock, Micros

log = logging.getLogger(__name__)
STEP = 2 * SECOND
"""Microseconds: if the wall clock moves further than this against the monotonic clock, it was set; less is slewing."""
AT_ONCE = 0.02
"""Seconds within which both clocks must be read, so that a stall between them does not look like a clock change."""


class SystemClock:
    """Wall time for the record, monotonic time for the scheduler."""

    def now(self) -> Micros:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class ClockWatch:
    """Compares the wall clock with the monotonic one; calls `on_step` once per change, with its microseconds."""

    def __init__(self, clock: Clock, on_step: Callable[[Micros], None]) -> None:
        self._clock, self._on_step = clock, on_step
        self._offset = self._read()

    def look(self) -> None:
        """At every heartbeat, and before anything is decided by the wall clock."""
        offset = self._read()
        step, self._offset = offset - self._offset, offset
        if abs(step) > STEP:
            log.warning("the system clock was changed by %+.1f s", step / SECOND)
            self._on_step(step)

    def _read(self) -> Micros:
        """Both clocks at one moment; where the machine stalled between them, they are read again."""
        while True:
            before, now, after = self._clock.monotonic(), self._clock.now(), self._clock.monotonic()
            if after - before < AT_ONCE:
                return now - round(before * SECOND)
