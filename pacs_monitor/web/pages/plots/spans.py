"""How far back a page looks: a day, a week or a quarter, and how the words of plots tell times. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.format.german import german_day
from pacs_monitor.intervals import Interval
from pacs_monitor.language import N_, language
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.web.pages.plots.axes import date, local, weekday

MINUTE: Micros = 60 * SECOND
HOUR, DAY = 60 * MINUTE, 1440 * MINUTE


class Span(NamedTuple):
    """What is shown; times in microseconds."""

    key: str
    name: str
    words: str
    length: Micros
    step: Micros
    """Of what the values are gathered in: about ninety steps."""


SPANS = {
    one.key: one
    for one in (
        Span("day", N_("day"), N_("The last 24 hours"), DAY, 15 * MINUTE),
        Span("week", N_("week"), N_("The last 7 days"), 7 * DAY, 2 * HOUR),
        Span("quarter", N_("quarter"), N_("The last 90 days"), 90 * DAY, DAY),
    )
}
STEPS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 7 * DAY)
MOST_STEPS = 100


class View(NamedTuple):
    """A stretch of time as a plot shows it, up to `now` at most."""

    during: Interval
    step: Micros
    now: Micros
    zone: str

    @property
    def place(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def ahead(self, time: Micros) -> View:
        """With so much of what is to come."""
        return self._replace(during=Interval(self.during.start, self.during.end + time))


def back(span: Span, now: Micros, zone: str) -> View:
    """Up to now."""
    return View(Interval(now - span.length, now), span.step, now, zone)


def around(began: Micros, ended: Micros | None, now: Micros, zone: str) -> View:
    """An incident and some time before and after it."""
    length = (ended or now) - began
    least = 3 * HOUR if now - began < 3 * DAY else 3 * DAY  # of what is older, runs are kept by the day
    margin = max(least, min(length // 2, 7 * DAY))
    during = Interval(began - margin, min(now, (ended or now) + margin))
    whole = during.end - during.start
    return View(during, next((step for step in STEPS if whole <= step * MOST_STEPS), 30 * DAY), now, zone)


def gaps(known: Iterable[Interval], during: Interval, longest: Micros) -> Iterator[Interval]:
    """Where nothing is known for longer than so, from the beginning to the end."""
    edges = sorted(known)
    ends = [Interval(during.start, during.start), *edges, Interval(during.end, during.end)]
    for before, after in pairwise(ends):
        if after.start - before.end > longest:
            yield Interval(before.end, after.start)


def clock(at: Micros, view: View) -> str:
    """`14:15` or `Thu 26 14:15` where all of it is within a day and a half, else `Fri 27 Nov 14:15`."""
    there = local(at, view.place)
    if view.during.end - view.during.start <= 36 * HOUR:
        today = there.date() == local(view.now, view.place).date()
        return f"{there:%H:%M}" if today else f"{weekday(there)} {there:%H:%M}"
    day = german_day(there, there) if language() == "de" else f"{there:%a} {date(there)}"
    return day if view.step >= DAY else f"{day} {there:%H:%M}"
