"""Hours of the week, in a time zone: pure, over times in UTC, with daylight-saving days as long as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.patterns import SPAN_OF_HOURS

DAY: Micros = 86_400 * SECOND
WEEK: Micros = 7 * DAY
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


def _days(group: str) -> Iterable[int]:
    """`Mon`, `Mon-Fri`, `Sat-Mon`: 0 is Monday."""
    first, _, last = group.partition("-")
    start = _DAYS.index(first)
    return ((start + n) % 7 for n in range((_DAYS.index(last or first) - start) % 7 + 1))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _at(day: date, minutes: int, zone: tzinfo, fold: int) -> Micros:
    """What a wall clock shows at this time of a day; 24:00 is the next midnight."""
    there = datetime.combine(day + timedelta(days=minutes // 1440), time(minutes // 60 % 24, minutes % 60), zone)
    return round(there.replace(fold=fold).timestamp()) * SECOND
