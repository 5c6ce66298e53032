"""Who is on call when: turns that are handed over by the clocks of a time zone, vacations, overrides. Pure.

Theory of operation. A rotation is a list of people and of handovers; the n-th turn is of the n-th person, so that a
vacation moves nobody else's turn. Whoever is away is stood in for by the next person of the list. At every moment the
overrides come first (the one that is written last above the others), then the rotations in their order, until `at_once`
people are on call: whatever overlaps, there are never more. A shift lasts as long as these people stay the same.

Handovers and hours are wall-clock times (recurrence, calendars): 08:00 stays 08:00 when the clock is set. A handover
that is there twice is at the first of the two, one that is not there is as much later (RFC 5545 3.3.5); one person's
turn ends where the next one's begins, so that no such night has a gap or an overlap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Protocol

from pacs_monitor.calendars import DAY, Hours, WeeklyTimes, outside, within
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.recurrence import Recurrence

BLOCK: Micros = 28 * DAY
"""What is worked out at once, and kept."""
KEPT = 40
"""Blocks that are kept."""
FARTHEST = 14
"""Blocks to either side in which the begin and the end of a shift are looked for: a year."""
ALWAYS = Hours(())
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Span(NamedTuple):
    """Somebody from a moment to another: who is on call instead, is away, or is on call by a calendar."""

    who: str
    during: Interval


class Listed(Protocol):
    """Shifts that a calendar has."""

    def spans(self, during: Interval) -> Sequence[Span]:
        """Those that touch a time, by their beginning."""
        ...


class Turn(NamedTuple):
    """The n-th turn of a rotation."""

    number: int
    during: Interval


class Shift(NamedTuple):
    """The same people are on call for all of this time; without any, nobody of the rota is."""

    people: tuple[str, ...]
    start: Micros | None
    """None: for longer than a year."""
    end: Micros | None
    covered: bool = True
    """Whether the rota covers this time: without people, that is a gap."""

    @property
    def is_gap(self) -> bool:
        return self.covered and not self.people


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns."""

    order: tuple[str, ...]
    start: datetime
    """By the clocks of the zone, without an offset; the first turn begins at the first handover from then on."""
    zone: tzinfo
    handover: WeeklyTimes | str
    """When each turn ends and the next begins: times of the week, or a rule (RFC 5545 3.3.10)."""
    hours: Hours = ALWAYS
    """Within these hours alone they are on call."""

    def turns(self, during: Interval) -> list[Turn]:
        """Those that touch a time, in order; the parts of one turn within its hours have its number."""
        starts = _handovers(self, datetime.fromtimestamp(during.end // SECOND, UTC).year)
        found: list[Turn] = []
        for number in range(max(0, bisect_right(starts, during.start) - 1), bisect_left(starts, during.end)):
            end = starts[number + 1] if number + 1 < len(starts) else during.end
            turn = within(during, [Interval(starts[number], end)])
            found += [Turn(number, part) for one in turn for part in self.hours.intervals(one, self.zone)]
        return found

    def rules(self) -> Iterator[tuple[str, datetime]]:
        """When it is handed over, each with its beginning."""
        if isinstance(self.handover, str):
            yield self.handover, self.start
            return
        for days, minute in self.handover.times:
            at = self.start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=minute)
            yield f"FREQ=WEEKLY;BYDAY={','.join(_WEEKDAYS[day] for day in sorted(days))}", at


@dataclass(frozen=True)
class Rota:
    """Who is on call when, without regard to which hours need somebody."""

    rotations: tuple[Rotation, ...] = ()
    listed: Listed | None = None
    """By a calendar; of those at one moment, the ones that began first count."""
    overrides: tuple[Span, ...] = ()
    vacations: tuple[Span, ...] = ()
    at_once: int = 1
    """The most people on call at one moment."""

    def shifts(self, during: Interval) -> list[Shift]:
        """All of a time, in order, each as long as its people stay the same."""
        turns = [(rotation.order, rotation.turns(during)) for rotation in self.rotations]
        listed = [] if self.listed is None else self.listed.spans(during)
        spans = [span.during for span in (*listed, *self.overrides, *self.vacations)]
        edges = {during.start, during.end}
        for one in (*spans, *(turn.during for _, some in turns for turn in some)):
            edges.update(edge for edge in one if during.start < edge < during.end)
        moments = sorted(edges)
        return joined(Shift(self._people(start, turns, listed), start, end) for start, end in pairwise(moments))

    def _people(
        self, at: Micros, turns: Iterable[tuple[Sequence[str], Sequence[Turn]]], listed: Iterable[Span]
    ) -> tuple[str, ...]:
        away = {span.who for span in self.vacations if _holds(span.during, at)}
        chosen = dict.fromkeys(span.who for span in reversed(self.overrides) if _holds(span.during, at))
        for order, some in turns:
            turn = next((turn for turn in some if _holds(turn.during, at)), None)
            if turn is not None:
                circle = (order[(turn.number + n) % len(order)] for n in range(len(order)))
                chosen.update(dict.fromkeys([one for one in circle if one not in away and one not in chosen][:1]))
        chosen.update(dict.fromkeys(span.who for span in listed if _holds(span.during, at) and span.who not in away))
        return tuple(chosen)[: self.at_once]


@dataclass(frozen=True)
class OnCall:
    """A rota, the hours that it covers, and how the people are reached."""

    name: str
    rota: Rota
    otherwise: tuple[str, ...]
    """The channels where nobody of the rota is on call."""
    people: tuple[tuple[str, tuple[str, ...]], ...]
    """The channels of each person."""
    zone: tzinfo
    covers: Hours = ALWAYS
    """The hours in which somebody must be on call; outside of them nobody of the rota is."""
    _blocks: dict[int, list[Shift]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def shifts(self, during: Interval) -> list[Shift]:
        """All of a time, in order."""
        covered = self.covers.intervals(during, self.zone)
        found = [Shift((), *part, covered=False) for part in outside(during, covered)]
        for shift in self.rota.shifts(during):
            whole = Interval(shift.start or during.start, shift.end or during.end)
            found += [Shift(shift.people, *part) for part in within(whole, covered)]
        return joined(sorted(found, key=lambda shift: shift.start or 0))

    def at(self, at: Micros) -> Shift:
        """The shift of a moment, as long as it is."""
        number = at // BLOCK
        shifts = self._block(number)
        here = next(n for n, shift in enumerate(shifts) if shift.end is not None and at < shift.end)
        shift = shifts[here]
        start, end = shift.start, shift.end
        if here == 0:
            start = self._reaches(shift, range(number - 1, number - FARTHEST, -1), 0)
        if here == len(shifts) - 1:
            end = self._reaches(shift, range(number + 1, number + FARTHEST), 1)
        return shift._replace(start=start, end=end)

    def after(self, shift: Shift) -> Shift | None:
        """The next one; None if this one does not end within a year."""
        return None if shift.end is None else self.at(shift.end)

    def gaps(self, during: Interval) -> list[Interval]:
        """When nobody is on call in hours that the rota covers."""
        return within(during, (Interval(one.start or 0, one.end or 0) for one in self.shifts(during) if one.is_gap))

    def channels(self, shift: Shift) -> tuple[str, ...]:
        """Where pages go in a shift, each once."""
        known = dict(self.people)
        return tuple(dict.fromkeys(channel for who in shift.people for channel in known[who])) or self.otherwise

    @property
    def every_channel(self) -> frozenset[str]:
        """All to which it may ever lead."""
        return frozenset(self.otherwise).union(*(channels for _, channels in self.people))

    def _reaches(self, shift: Shift, blocks: Iterable[int], end: int) -> Micros | None:
        """How far the same people stay on call, block after block; None if farther than is looked."""
        for number in blocks:
            shifts = self._block(number)
            beside = shifts[0] if end else shifts[-1]
            if (beside.people, beside.covered) != (shift.people, shift.covered):
                return number * BLOCK if end else (number + 1) * BLOCK
            if len(shifts) > 1:
                return beside.end if end else beside.start
        return None

    def _block(self, number: int) -> list[Shift]:
        if number not in self._blocks:
            if len(self._blocks) >= KEPT:
                self._blocks.clear()
            self._blocks[number] = self.shifts(Interval(number * BLOCK, (number + 1) * BLOCK))
        return self._blocks[number]


def joined(shifts: Iterable[Shift]) -> list[Shift]:
    """Those that follow each other with the same people are one."""
    found: list[Shift] = []
    for shift in shifts:
        if found and (found[-1].people, found[-1].covered) == (shift.people, shift.covered):
            found[-1] = found[-1]._replace(end=shift.end)
        else:
            found.append(shift)
    return found


def _holds(during: Interval, at: Micros) -> bool:
    return during.start <= at < during.end


@lru_cache(maxsize=64)
def _handovers(rotation: Rotation, year: int) -> list[Micros]:
    """All of a rotation, from the first one to a while after a year: blocks that follow each other share them."""
    moments: set[Micros] = set()
    first = round(rotation.start.replace(tzinfo=rotation.zone).timestamp()) * SECOND
    until = round(datetime(year + 1, 2, 1, tzinfo=UTC).timestamp()) * SECOND
    for rule, start in rotation.rules():
        moments.update(_recurrence(rule, start, rotation.zone).starts(first, until))
    return sorted(moments)


@lru_cache(maxsize=64)
def _recurrence(rule: str, start: datetime, zone: tzinfo) -> Recurrence:
    return Recurrence(rule, start, zone)
