"""When a channel may be paged about something: the calendars of its routes, and of the checks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pacs_monitor.model import Micros, OpeningHours

Calendars = tuple[OpeningHours, ...]
"""Those of a route and of a check: all of them must be open."""
_ROUNDS = 50


class Attended(NamedTuple):
    """Calendars that let something be paged, once it is due; without any, at all hours."""

    calendars: Calendars
    due: Micros = 0


def pages_from(ways: Iterable[Attended], at: Micros) -> Micros:
    """The first moment, from `at` on, at which one of these ways is open and its opening grace is over.

    Where none ever opens again, `at` itself: nobody is paged too late for a calendar that has ended.
    """
    found = (_pages_from(way.calendars, max(way.due, at)) for way in ways)
    return min((moment for moment in found if moment is not None), default=at)


def next_opening(ways: Iterable[Attended], at: Micros) -> Micros | None:
    """The first moment after `at` at which one of the calendars opens."""
    openings = (calendar.next_opening(at) for way in ways for calendar in way.calendars)
    return min((opening for opening in openings if opening is not None), default=None)


def names(ways: Iterable[Attended]) -> str:
    """The calendars, each once."""
    return ", ".join(sorted({calendar.name for way in ways for calendar in way.calendars}))


def _pages_from(calendars: Calendars, at: Micros) -> Micros | None:
    """When all of them let people be paged; None if they are never open together."""
    moment = at
    for _ in range(_ROUNDS):
        before = moment
        for calendar in calendars:
            ready = calendar.pages_from(moment)
            if ready is None:
                return None
            moment = ready
        if moment == before or len(calendars) == 1:
            return moment
    return None
