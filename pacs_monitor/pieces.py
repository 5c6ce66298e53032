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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
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


class Piece(NamedTuple):
    """A stretch of one class."""

    start: Micros
    end: Micros
    kind: Class
    cause: Cause | None
    felt: Class
    """What it is without planned maintenance: the same, but in a window what was measured."""
    felt_cause: Cause | None


def pieces(timeline: Timeline, period: Interval) -> Iterator[Piece]:
    """The period from its beginning to its end, in order; nothing if it is empty."""
    entries = booked(timeline.transitions, timeline.proven)
    times = [entry.at for entry in entries]
    watched, parent_down = IntervalSet(timeline.watched), IntervalSet(timeline.parent_down)
    maintained = IntervalSet(timeline.maintained)
    running = IntervalSet(Interval(c.start, c.end) for c in timeline.coverage if c.cause is None)
    causes = {c.cause for c in timeline.coverage if c.cause is not None}
    ambiguous = {
        cause: IntervalSet(Interval(c.start, c.end) for c in timeline.coverage if c.cause is cause) for cause in causes
    }

    def unmeasured(instant: Micros) -> Cause | None:
        if instant not in watched:
            return Cause.NOT_WATCHED
        for cause in sorted(ambiguous):
            if instant in ambiguous[cause]:
                return cause
        return None if instant in running else Cause.MONITOR_NOT_RUNNING

    def classify(instant: Micros) -> tuple[Class, Cause | None]:
        index = bisect_right(times, instant) - 1
        return _of_state(entries[index] if index >= 0 else None, instant in parent_down)

    layers = (watched, parent_down, maintained, running, *ambiguous.values())
    edges = {edge for layer in layers for edge in layer.edges()} | set(times)
    inside = (edge for edge in edges if period.start < edge < period.end)
    for start, end in pairwise(sorted({*period, *inside})):
        cause = unmeasured(start)
        felt = classify(start) if cause is None else (Class.UNKNOWN, cause)
        planned = cause is None and start in maintained
        yield Piece(start, end, *((Class.MAINTENANCE, None) if planned else felt), *felt)


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
