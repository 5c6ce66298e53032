"""Whether runs are done in time, as agreed. Each is judged when it ends: no histogram can prove a limit later. Pure.

A run that was done within the limit is in time, one that took longer is slow. One that failed proves as much as it
took: after the limit it was not in time either; before, it says nothing of the time, and is the matter of availability.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo
from enum import StrEnum
from typing import NamedTuple, Self

from pacs_monitor.calendars import Calendar
from pacs_monitor.model import SECOND, Blame, CheckId, Micros, Reason, Result, Status
from pacs_monitor.objectives import WHOLE, announced_in_time


class Speed(StrEnum):
    """What became of a run."""

    IN_TIME = "in_time"
    SLOW = "slow"
    FAILED = "failed"
    """Sooner than the limit: of its time nothing is known."""


@dataclass(slots=True)
class Counted:
    """Runs by what became of them."""

    in_time: int = 0
    slow: int = 0
    failed: int = 0

    def count(self, speed: Speed) -> None:
        """One more."""
        setattr(self, speed.value, getattr(self, speed.value) + 1)

    def add(self, other: Self) -> None:
        self.in_time += other.in_time
        self.slow += other.slow
        self.failed += other.failed

    @property
    def judged(self) -> int:
        """Those of which the time is known."""
        return self.in_time + self.slow

    def permitted(self, share: int) -> int:
        """How many of them may be slow; `share` in parts of WHOLE."""
        return self.judged * (WHOLE - share) // WHOLE


class CountedOf(NamedTuple):
    """What a count is of: it is exact for this limit alone."""

    check: CheckId
    objective: str
    measure: str
    within: Micros
    day: Micros
    """When the day began, by the clocks of the monitor's zone: no agreed period ends within one."""


Counts = dict[CountedOf, Counted]
"""What was counted, of what."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What was agreed on the time of a check's runs."""

    objective: str
    measure: str
    """A kind of probe, whose whole run counts, or a measurement in seconds."""
    within: Micros
    calendar: Calendar | None = None
    """Hours in which runs that start in them count."""
    attributable: bool = False
    """What failed because of the network says nothing of the node."""
    with_maintenance: bool = False
    """Runs in planned windows count as any other."""
    notice: Micros = 0
    """How long before its start a window must have been announced to be left out."""

    def covers(self, at: Micros) -> bool:
        """Whether a run that starts then lies in the agreed hours."""
        return self.calendar is None or self.calendar.is_open(at)

    def leaves_out(self, announced: date | None, start: Micros, zone: tzinfo) -> bool:
        """Whether runs in such a window do not count."""
        return not self.with_maintenance and announced_in_time(announced, start, self.notice, zone)

    def judge(self, result: Result) -> Speed | None:
        """What became of a run; None where it says nothing, such as one that the monitor itself has spoiled."""
        outcome, took = result.outcome, round(result.duration * SECOND)
        if outcome.status is Status.UNKNOWN:
            return None
        if outcome.status is Status.FAIL or outcome.reason is Reason.BUSY:
            by_network = outcome.reason is not None and outcome.reason.blame is Blame.NETWORK
            return Speed.FAILED if took <= self.within or (self.attributable and by_network) else Speed.SLOW
        if self.measure != result.probe:
            found = [m.value for m in outcome.measurements if m.name == self.measure]
            if not found:
                return None
            took = round(max(found) * SECOND)
        return Speed.IN_TIME if took <= self.within else Speed.SLOW
