"""How long the desk decides at a stretch, and how long it rests after that, so that the probes go on in between."""

from __future__ import annotations

from collections.abc import Iterable

from pacs_monitor.model import SECOND, Clock, Micros

SLICE = 0.01
"""Seconds of deciding after which the loop goes on with something else."""
COMMIT_AFTER = 0.2
"""Seconds of deciding that make one transaction: a storm is not to wait for the disk a hundred times."""
REST, LONGEST_REST = 4.0, 0.5
"""Times the duration of a turn, and seconds at most, until the next one: the probes have to wait while it lasts."""
LOOK_AGAIN = 30.0
"""Seconds after which the desk looks again at the latest."""


def patience(wakes: Iterable[Micros | None], now: Micros) -> float:
    """Seconds until the first of these times, and LOOK_AGAIN at most."""
    known = [at for at in wakes if at is not None]
    return min(LOOK_AGAIN, max(0.0, (min(known) - now) / SECOND)) if known else LOOK_AGAIN


class Pace:
    """Measures one turn of the desk; only the deciding counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._took = self._committed = 0.0
        self._began = clock.monotonic()

    def go_on(self) -> None:
        """A slice begins."""
        self._began = self._clock.monotonic()

    @property
    def is_slice_over(self) -> bool:
        return self._clock.monotonic() - self._began >= SLICE

    def is_to_commit(self) -> bool:
        """The slice ends: whether what was decided since the last time is enough for a transaction."""
        self._took += self._clock.monotonic() - self._began
        if self._took - self._committed < COMMIT_AFTER:
            return False
        self._committed = self._took
        return True

    @property
    def rest(self) -> float:
        """Seconds until the next turn."""
        return min(REST * self._took, LONGEST_REST)
