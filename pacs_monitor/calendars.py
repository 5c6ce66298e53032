"""When a place is open: hours of the week and their exceptions, in a time zone, over times in UTC.

Daylight-saving days are as long as they are: where the clock is set back, both of the hours that are there twice count.
Pure: what a file or a library knows of closed days comes in as a `Closure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol, Self

from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.patterns import SPAN_OF_HOURS, TIME_OF_WEEK

DAY: Micros = 86_400 * SECOND
WEEK: Micros = 7 * DAY
LOOKED_AT: tuple[Micros, ...] = (2 * DAY, 9 * DAY, 60 * DAY, 800 * DAY)
"""How far ahead an opening or a closing is looked for, step by step."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Hours on some days of the week, in minutes of the day; an `end` not after the `start` is on the next day."""

    days: frozenset[int]
    start: int
    end: int

    def on(self, day: date, zone: tzinfo) -> Interval:
        """The hours that begin on a day; where the clock is set back, both of the hours that are there twice count."""
        closing = day if self.end > self.start else day + timedelta(days=1)
        return Interval(_at(day, self.start, zone, fold=0), _at(closing, self.end, zone, fold=1))

    def __str__(self) -> str:
        """As it is written: `Mon-Fri 06:00-20:00`."""
        starts = [day for day in sorted(self.days) if (day - 1) % 7 not in self.days] or [0]
        groups = (_group(start, self.days) for start in starts)
        return f"{' '.join(groups)} {_clock(self.start)}-{_clock(self.end)}"


@dataclass(frozen=True, slots=True)
class Hours:
    """`Mon-Fri 06:00-20:00`, several with commas, or `24x7`, which names no hours."""

    weekly: tuple[WeeklyHours, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError."""
        if text.strip() == "24x7":
            return cls(())
        return cls(tuple(_weekly_hours(part.strip(), text) for part in text.split(",")))

    def __str__(self) -> str:
        """As they are written."""
        return ", ".join(map(str, self.weekly)) or "24x7"

    def hold(self, at: Micros, zone: tzinfo) -> bool:
        """Whether a moment lies in them."""
        return bool(self.intervals(Interval(at, at + 1), zone))

    def intervals(self, during: Interval, zone: tzinfo) -> list[Interval]:
        """The hours within a time, in order; those that touch each other are one."""
        if not self.weekly:
            return [during]
        first, last = (datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone).date() for at in during)
        days = (first + timedelta(days=n) for n in range(-1, (last - first).days + 1))
        return within(
            during, (hours.on(day, zone) for day in days for hours in self.weekly if day.weekday() in hours.days)
        )


@dataclass(frozen=True, slots=True)
class WeeklyTimes:
    """`07:00`, `Mon-Fri 07:00`, several with commas: once on each of these days, whatever the clock does on it.

    Of a time that is there twice, when the clock is set back, it is the first; one that is not there, when it is set
    forward, is as much later (RFC 5545 3.3.5).
    """

    times: tuple[tuple[frozenset[int], int], ...]
    """Days (0 is Monday) and the minute of the day."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError."""
        return cls(tuple(_weekly_time(part.strip(), text) for part in text.split(",")))

    @property
    def most_a_day(self) -> int:
        """How many there are on the day that has the most."""
        return max(sum(day in days for days, _ in self.times) for day in range(7))

    def __str__(self) -> str:
        return ", ".join(f"{_of_days(days)}{_clock(minute)}" for days, minute in self.times)

    def latest(self, after: Micros, until: Micros, zone: tzinfo) -> Micros | None:
        """The last of them after a moment, and not after another; None if there is none."""
        first, last = (datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone).date() for at in (after, until))
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        found = (_at(day, minute, zone, fold=0) for day in days for on, minute in self.times if day.weekday() in on)
        return max((at for at in found if after < at <= until), default=None)


class Closure(Protocol):
    """Days, or parts of days, on which a calendar is closed whatever its hours say; equal ones close the same."""

    def closed(self, year: int, zone: tzinfo) -> Iterable[Interval]:
        """Those that lie in a year, in any order; they may reach beyond it."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Days:
    """A day, or all days from a first to a last."""

    first: date
    last: date

    def closed(self, year: int, zone: tzinfo) -> Iterable[Interval]:
        first, last = max(self.first, date(year, 1, 1)), min(self.last, date(year, 12, 31))
        return [whole_days(first, last, zone)] if first <= last else []


@dataclass(frozen=True, slots=True)
class Calendar:
    """When something is open: weekly hours, or all that is outside of another calendar, without its closures."""

    name: str
    hours: Hours
    zone: tzinfo
    closures: tuple[Closure, ...] = ()
    opening_grace: Micros = 0
    """How long after each opening nobody is paged yet."""
    outside_of: Calendar | None = None
    """Open when that one is closed; `hours` say nothing then."""

    @property
    def words(self) -> str:
        """Its hours, for people."""
        return str(self.hours) if self.outside_of is None else f"all hours outside of {self.outside_of.name}"

    def local(self, at: Micros) -> str:
        """A moment on the clocks there, to the minute."""
        return f"{datetime.fromtimestamp(at // SECOND, self.zone):%a %Y-%m-%d %H:%M}"

    def is_open(self, at: Micros) -> bool:
        return bool(self.intervals((at, at + 1)))

    def intervals(self, during: tuple[Micros, Micros]) -> list[Interval]:
        """When it is open within a time, in order; those that touch each other are one."""
        span = Interval(*during)
        hours, closed = self._hours(span), list(self._closed(span))
        return [part for interval in hours for part in outside(interval, closed)] if closed else hours

    def exceptions(self, during: tuple[Micros, Micros]) -> list[Interval]:
        """What of its hours within a time it is closed, in order."""
        span = Interval(*during)
        closed = list(self._closed(span))
        return [part for interval in self._hours(span) for part in within(interval, closed)]

    def _hours(self, span: Interval) -> list[Interval]:
        if self.outside_of is None:
            return self.hours.intervals(span, self.zone)
        return outside(span, self.outside_of.intervals(span))

    def next_opening(self, at: Micros) -> Micros | None:
        """The first moment after this one at which it opens; None if it never does, or never closes."""
        return next((start for start, _ in self._ahead(at) if start > at), None)

    def next_closing(self, at: Micros) -> Micros | None:
        """The first moment after this one at which it closes; None if it never does."""
        for step in LOOKED_AT:
            for _, end in self.intervals((at, at + step)):
                if end < at + step:
                    return end
        return None

    def pages_from(self, at: Micros) -> Micros | None:
        """The first moment, from this one on, at which it is open and its `opening_grace` is over; None if never."""
        before = at - self.opening_grace - 1  # what is open there has been open for longer than the grace
        for start, end in self._ahead(before):
            ready = max(start + self.opening_grace, at)
            if ready < end:
                return ready
        return None

    def _ahead(self, at: Micros) -> Iterator[Interval]:
        """Its open intervals from a moment on, the last one of each step not whole."""
        for step in LOOKED_AT:
            yield from self.intervals((at, at + step))

    def _closed(self, during: Interval) -> Iterator[Interval]:
        first, last = (datetime.fromtimestamp(at // SECOND, UTC).year for at in during)
        for year in range(first - 1, last + 2):  # a closure may reach over the end of a year, and a zone be ahead
            for closure in self.closures:
                for start, end in _closures(closure, year, self.zone):
                    if start < during.end and during.start < end:
                        yield Interval(start, end)


@lru_cache(maxsize=512)
def _closures(closure: Closure, year: int, zone: tzinfo) -> tuple[Interval, ...]:
    return tuple(closure.closed(year, zone))


def whole_days(first: date, last: date, zone: tzinfo) -> Interval:
    """From the beginning of a day to the end of another."""
    return Interval(_at(first, 0, zone, fold=0), _at(last + timedelta(days=1), 0, zone, fold=0))


def within(during: Interval, intervals: Iterable[Interval]) -> list[Interval]:
    """What of these windows lies in a time, in order and joined."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        cut = Interval(max(start, during.start), min(end, during.end))
        if cut.start >= cut.end:
            continue
        if found and cut.start <= found[-1].end:
            cut = Interval(found[-1].start, max(cut.end, found.pop().end))
        found.append(cut)
    return found


def outside(during: Interval, intervals: Iterable[Interval]) -> list[Interval]:
    """What of a time lies in none of these windows, in order."""
    found, start = [], during.start
    for interval in within(during, intervals):
        found.append(Interval(start, interval.start))
        start = interval.end
    return within(during, [*found, Interval(start, during.end)])


def _weekly_hours(part: str, text: str) -> WeeklyHours:
    read = re.fullmatch(SPAN_OF_HOURS, part)
    if read is None:
        raise ValueError(f'{text!r} is not a list of hours; write "Mon-Fri 06:00-20:00", several with commas, or 24x7')
    days = frozenset(day for group in read[1].split() for day in _days(group))
    return WeeklyHours(days, _minutes(read[2]), _minutes(read[3]))


def _weekly_time(part: str, text: str) -> tuple[frozenset[int], int]:
    read = re.fullmatch(TIME_OF_WEEK, part)
    if read is None:
        raise ValueError(f'{text!r} is not a time; write 07:00 or "Mon-Fri 07:00", several with commas')
    groups = read[1].split() if read[1] else ["Mon-Sun"]
    return frozenset(day for group in groups for day in _days(group)), _minutes(read[2])


def _of_days(days: frozenset[int]) -> str:
    starts = [day for day in sorted(days) if (day - 1) % 7 not in days]
    return "".join(f"{_group(start, days)} " for start in starts)


def _days(group: str) -> Iterable[int]:
    """`Mon`, `Mon-Fri`, `Sat-Mon`: 0 is Monday."""
    first, _, last = group.partition("-")
    start = _DAYS.index(first)
    return ((start + n) % 7 for n in range((_DAYS.index(last or first) - start) % 7 + 1))


def _group(start: int, days: frozenset[int]) -> str:
    """The days in a row from one on."""
    length = next((n for n in range(1, 7) if (start + n) % 7 not in days), 7)
    return _DAYS[start] if length == 1 else f"{_DAYS[start]}-{_DAYS[(start + length - 1) % 7]}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _at(day: date, minutes: int, zone: tzinfo, fold: int) -> Micros:
    """What a wall clock shows at this time of a day; 24:00 is the next midnight."""
    there = datetime.combine(day + timedelta(days=minutes // 1440), time(minutes // 60 % 24, minutes % 60), zone)
    return round(there.replace(fold=fold).timestamp()) * SECOND
