"""What every instant of a check's time counts as, read from its ledger: pure, no clock, no I/O.

Theory of operation. Every instant has exactly one class, decided by the first rule that holds:

1. the check was not watched: unknown (`not_watched`);
2. a coverage interval with a cause holds (the clock was set, a pause): unknown (that cause): the record is ambiguous;
3. no coverage interval holds: unknown (`monitor_not_running`);
4. the check was in planned maintenance, as recorded at the time: maintenance, whatever its state;
5. the state of the last transition at or before it: unknown by its reason's cause; down or absent and not proven
   (pacs_monitor.proof): unknown (`unproven`); down behind a parent that was down, by a failure that a dead path causes
   (model.BEHIND_PARENT): unreachable; else the state's own class.

Transitions are taken in the order in which they were recorded; none takes effect before its predecessor, so that a
clock that was set back cannot undo what was recorded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from pacs_monitor.intervals import ALL_TIME, Interval, IntervalSet
from pacs_monitor.model import BEHIND_PARENT, Micros, Reason, State, Transition
from pacs_monitor.proof import Entry, booked


class Class(StrEnum):
    """What an instant counts as."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNREACHABLE = "unreachable"
    ABSENT = "absent"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    OUTSIDE_HOURS = "outside_hours"


class Cause(StrEnum):
    """Why an instant is unknown."""

    MONITOR_NOT_RUNNING = "monitor_not_running"
    REFUSED_US = "refused_us"
    ISOLATED = "isolated"
    NOT_MEASURED = "not_measured"
    PAUSED = "paused"
    UNPROVEN = "unproven"
    CLOCK = "clock"
    NOT_WATCHED = "not_watched"


CAUSES = {
    Reason.CALLING_AET_UNKNOWN: Cause.REFUSED_US,
    Reason.NOT_AUTHORISED: Cause.REFUSED_US,
    Reason.AUTH: Cause.REFUSED_US,
    Reason.TLS_UNTRUSTED: Cause.REFUSED_US,
    Reason.MOVE_DESTINATION_UNKNOWN: Cause.REFUSED_US,
    Reason.DNS: Cause.REFUSED_US,
    Reason.ISOLATED: Cause.ISOLATED,
    Reason.PAUSED: Cause.PAUSED,
}
"""The cause that goes with the reason of an unknown state; `not_measured` for the others."""

CLASSES = {
    State.UP: Class.UP,
    State.DEGRADED: Class.DEGRADED,
    State.DOWN: Class.DOWN,
    State.ABSENT: Class.ABSENT,
    State.UNKNOWN: Class.UNKNOWN,
}


class Coverage(NamedTuple):
    """Time in which the monitor ran; with a cause, time in which it ran but nothing can be said."""

    start: Micros
    end: Micros
    cause: Cause | None = None


@dataclass(frozen=True)
class Timeline:
    """What the history knows of one check. Intervals may overlap and come in any order."""

    transitions: Sequence[Transition] = ()
    """In the order in which they were recorded."""
    watched: Sequence[Interval] = ()
    coverage: Sequence[Coverage] = ()
    parent_down: Sequence[Interval] = ()
    """When the check was behind a dead network parent or site, as recorded at the time."""
    maintained: Sequence[Interval] = ()
    """When the check was in planned maintenance, as recorded at the time."""
    proven: Sequence[Interval] = (ALL_TIME,)
    """When the check had been good once with the address and identity that it then had (proof.proofs)."""

    @cached_property
    def entries(self) -> list[Entry]:
        """The ledger as it is accounted."""
        return booked(self.transitions, self.proven)


class Piece(NamedTuple):
    """A stretch of one class."""

    start: Micros
    end: Micros
    kind: Class
    cause: Cause | None
    felt: Class
    """What it is without planned maintenance: the same, but in a window what was measured."""
    felt_cause: Cause | None


class Running(NamedTuple):
    """When the monitor ran, from its coverage."""

    at: IntervalSet
    ambiguous: Mapping[Cause, IntervalSet]
    """By cause, in the order in which these decide."""

    def cause(self, instant: Micros) -> Cause | None:
        """Why nothing was measured; None when something was."""
        for cause, instants in self.ambiguous.items():
            if instant in instants:
                return cause
        return None if instant in self.at else Cause.MONITOR_NOT_RUNNING


@lru_cache(maxsize=16)
def running(coverage: tuple[Coverage, ...]) -> Running:
    """Made once: all checks of a report have the same."""
    causes = sorted({one.cause for one in coverage if one.cause is not None})
    return Running(
        IntervalSet(Interval(one.start, one.end) for one in coverage if one.cause is None),
        {of: IntervalSet(Interval(one.start, one.end) for one in coverage if one.cause is of) for of in causes},
    )


def pieces(timeline: Timeline, period: Interval) -> Iterator[Piece]:
    """The period from its beginning to its end, in order; nothing if it is empty."""
    entries = timeline.entries
    times = [entry.at for entry in entries]
    watched, parent_down = IntervalSet(timeline.watched), IntervalSet(timeline.parent_down)
    maintained, ran = IntervalSet(timeline.maintained), running(tuple(timeline.coverage))
    layers = (watched, parent_down, maintained, ran.at, *ran.ambiguous.values())
    edges = set(times).union(*(layer.edges() for layer in layers))
    inside = [edge for edge in edges if period.start < edge < period.end]
    for start, end in pairwise(sorted({*period, *inside})):
        cause = ran.cause(start) if start in watched else Cause.NOT_WATCHED
        if cause is not None:
            yield Piece(start, end, Class.UNKNOWN, cause, Class.UNKNOWN, cause)
            continue
        index = bisect_right(times, start) - 1
        felt = _of_state(entries[index] if index >= 0 else None, start in parent_down)
        yield Piece(start, end, *((Class.MAINTENANCE, None) if start in maintained else felt), *felt)


def _of_state(entry: Entry | None, behind_parent: bool) -> tuple[Class, Cause | None]:
    if entry is None:
        return Class.UNKNOWN, Cause.NOT_MEASURED
    transition = entry.transition
    if not entry.proven:
        return Class.UNKNOWN, Cause.UNPROVEN
    if transition.after is State.UNKNOWN:
        reason = transition.reason
        return Class.UNKNOWN, CAUSES.get(reason, Cause.NOT_MEASURED) if reason else Cause.NOT_MEASURED
    if transition.after is State.DOWN and behind_parent and transition.reason in BEHIND_PARENT:
        return Class.UNREACHABLE, None
    return CLASSES[transition.after], None
