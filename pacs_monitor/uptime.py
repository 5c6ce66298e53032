"""From the ledger to an account of time: pure, no clock, no I/O.

Each instant has one class (pacs_monitor.pieces), so the classes sum to the period, and parts of a period sum to it,
exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pacs_monitor.intervals import Amount, Interval, IntervalSet
from pacs_monitor.model import Micros, Reason, State, Transition
from pacs_monitor.pieces import Cause, Class, Coverage, Piece, Timeline, pieces, running
from pacs_monitor.proof import NOT_DOWN

__all__ = [
    "Account",
    "Cause",
    "Class",
    "Coverage",
    "Outage",
    "Spell",
    "Timeline",
    "account",
    "covered",
    "spells",
    "summed",
]
NEVER = IntervalSet(())
FAILED = frozenset({Class.DOWN, Class.UNREACHABLE})


class Outage(NamedTuple):
    """From entering down to the next measured state that is not down, or until the check was no longer watched.

    Unknown in between does not end it, nor does another class of failure. The bounds are of the part within the period:
    down was measured for `at_least`, and lasted for `at_most`; neither counts time in planned maintenance, nor does
    `down`. One that lies whole within planned maintenance is `planned`, and nothing else.
    """

    since: Micros
    ended: Micros | None
    last_good: Micros | None
    """When the last result before it that was not down had started."""
    noticed: Micros
    reason: Reason | None
    at_least: Micros
    at_most: Micros
    down: Micros = 0
    """How much of the account's downtime it is."""
    planned: Micros = 0
    """How long it was down within planned maintenance."""
    last_failed: Micros | None = None
    """When the last of its results that were down had started; None while it goes on."""
    unreachable: Micros = 0
    """How much of its downtime was behind a network fault, where nobody knows whether it worked itself."""


class Spell(NamedTuple):
    """An outage whole, as the ledger has it."""

    first: Transition
    since: Micros
    ended: Micros | None
    last_good: Micros | None
    longest: Interval
    """From the last good result to the first good one, as far as it is within the period."""
    certain: tuple[Interval, ...]
    """Between two results that were down."""

    @property
    def last_failed(self) -> Micros | None:
        """The last of them; None while it goes on."""
        if self.ended is None:
            return None
        return min(self.ended, max((interval.end for interval in self.certain), default=self.since))


@dataclass(frozen=True, slots=True)
class Account:
    """Where the time of one check went, in microseconds."""

    classes: dict[Class, Micros] = field(default_factory=dict.fromkeys(Class, 0).copy)
    causes: dict[Cause, Micros] = field(default_factory=dict.fromkeys(Cause, 0).copy)
    outages: tuple[Outage, ...] = ()

    def availability(self, *, degraded_is_up: bool = True) -> float | None:
        """As users felt it; None when nothing was measured."""
        return self._availability(degraded_is_up, self.classes[Class.DOWN] + self.classes[Class.UNREACHABLE])

    def attributable(self, *, degraded_is_up: bool = True) -> float | None:
        """As attributable to the node: time behind a dead link says nothing of it."""
        return self._availability(degraded_is_up, self.classes[Class.DOWN])

    def _availability(self, degraded_is_up: bool, down: Micros) -> float | None:
        up, degraded = self.classes[Class.UP], self.classes[Class.DEGRADED]
        measured = up + degraded + down
        return (up + (degraded if degraded_is_up else 0)) / measured if measured else None


def account(timeline: Timeline, period: Interval, now: Micros) -> Account:
    """Every microsecond of the period up to now in its class, and the outages with their bounds."""
    during = Interval(period.start, max(period.start, min(period.end, now)))
    return summed(list(pieces(timeline, during)), spells(timeline, during), during)


def summed(parts: Sequence[Piece], found: Iterable[Spell], during: Interval) -> Account:
    """The account of a time that is over, from its pieces and outages."""
    listed = list(found)
    downtime = _Downtime(parts if listed else ())
    result = Account(outages=tuple(outage for spell in listed if (outage := downtime.of(spell, *during))))
    for start, end, kind, cause, _, _ in parts:
        result.classes[kind] += end - start
        if cause is not None:
            result.causes[cause] += end - start
    return result


def covered(coverage: Iterable[Coverage], period: Interval, now: Micros) -> float | None:
    """The part of the period up to now in which the monitor ran and its record is unambiguous."""
    limit = min(period.end, now)
    if limit <= period.start:
        return None
    always = Timeline((), (period,), tuple(coverage))
    causes = account(always, period, now).causes
    return causes[Cause.NOT_MEASURED] / (limit - period.start)


class _Downtime:
    """How much downtime was measured when, and maintenance was planned."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        planned = [piece for piece in pieces if piece.kind is Class.MAINTENANCE]
        self._down = Amount((p.start, p.end) for p in pieces if p.kind in FAILED)
        self._unreachable = Amount((p.start, p.end) for p in pieces if p.kind is Class.UNREACHABLE)
        self._maintenance = Amount((p.start, p.end) for p in planned)
        self._planned = Amount((p.start, p.end) for p in planned if p.felt in FAILED)

    def of(self, spell: Spell, start: Micros, end: Micros) -> Outage | None:
        """The outage as seen from the period, if it touches it at all."""
        longest = spell.longest
        if longest.end <= longest.start or spell.since >= end:
            return None
        whole = Interval(max(spell.since, start), end if spell.ended is None else min(spell.ended, end))
        at_most = longest.end - longest.start - self._maintenance.within(longest)
        down, planned = self._down.within(whole), self._planned.within(whole)
        if at_most <= 0 and not planned:
            return None
        at_least = sum(self._down.within(interval) for interval in spell.certain)
        first = spell.first
        return Outage(
            spell.since,
            spell.ended,
            spell.last_good,
            first.noticed,
            first.reason,
            at_least,
            at_most,
            down,
            planned,
            spell.last_failed,
            self._unreachable.within(whole),
        )


@dataclass(slots=True)
class _Open:
    """An outage while it is read from the ledger; `certain` are the intervals between two results that were down."""

    first: Transition
    since: Micros
    last_good: Micros | None
    watch: Interval
    certain: list[Interval] = field(default_factory=list)


def spells(timeline: Timeline, period: Interval) -> Iterator[Spell]:
    """The outages that touch a period that is over, in order."""
    ambiguous = running(tuple(timeline.coverage)).ambiguous.get(Cause.CLOCK, NEVER)
    watched = IntervalSet(timeline.watched)
    opened: _Open | None = None
    state, since, last_good = State.UNKNOWN, 0, None
    waits_for_proof = False
    for at, transition, proven in timeline.entries:
        last_result = at if transition.last_before is None else transition.last_before
        if waits_for_proof and proven and transition.after is state:
            last_good = at  # the result that proved it
        elif state in NOT_DOWN:
            last_good = min(last_result, at)
        if opened and state is State.DOWN:
            goes_on = transition.after is State.DOWN  # in another class of failure: down on both sides of the change
            opened.certain.append(Interval(since, at if goes_on else min(max(since, last_result), at)))
        if opened and opened.watch.end <= at:
            yield from _bounded(opened, opened.watch.end, period, ambiguous)
            opened, last_good = None, None
        if transition.after is State.DOWN and opened is None and proven:
            opened = _Open(transition, at, last_good, watched.around(at))
        elif transition.after in NOT_DOWN and opened:
            yield from _bounded(opened, at, period, ambiguous)
            opened = None
        state, since, waits_for_proof = transition.after, at, not proven
    if opened:
        if state is State.DOWN:
            opened.certain.append(Interval(since, max(since, period.end)))
        yield from _bounded(opened, opened.watch.end if opened.watch.end < period.end else None, period, ambiguous)


def _bounded(opened: _Open, ended: Micros | None, period: Interval, ambiguous: IntervalSet) -> Iterator[Spell]:
    """An end that lies where the clock was set (`ambiguous`) may mean any instant of that interval."""
    earliest = opened.watch.start if opened.last_good is None else opened.last_good
    latest = period.end if ended is None else ended
    if earliest in ambiguous:
        earliest = ambiguous.around(earliest).start
    if latest in ambiguous:
        latest = ambiguous.around(latest).end
    longest = Interval(max(min(earliest, opened.since), period.start), min(latest, period.end))
    if opened.since < period.end and latest > period.start:
        yield Spell(opened.first, opened.since, ended, opened.last_good, longest, tuple(opened.certain))
