"""Shifts out of an iCalendar (RFC 5545): each event is somebody's, from when to when; nothing else of it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.change_calendar import MOST_EVENTS, check_times
from pacs_monitor.config.closed_days import check_blocks, check_event, occurrences, strip, unfolded
from pacs_monitor.config.errors import nearest
from pacs_monitor.config.repeats import check_repeats
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND
from pacs_monitor.rota import Span

if TYPE_CHECKING:
    import icalendar

_MARGIN = timedelta(days=2)
MOST_SHIFTS = 100_000
"""Times of all series from their beginning on: everybody waits while they are worked out."""
AHEAD = timedelta(days=366)
"""How far ahead they count."""


@dataclass(frozen=True, slots=True)
class ShiftCalendar:
    """The events of a file, with the names of people for their titles."""

    text: str
    zone: ZoneInfo
    """Of whole days, and of times without a zone."""

    def spans(self, during: Interval) -> list[Span]:
        """Those that touch a time, by their beginning."""
        first, last = (datetime.fromtimestamp(at // SECOND, UTC) for at in during)
        touching = occurrences(self.text, first - _MARGIN, last + _MARGIN, self.zone)
        found = (Span(str(event["SUMMARY"]), times) for event, times in touching)
        return sorted(found, key=lambda span: (span.during, span.who))


def read_shifts(name: str, content: bytes, people: Mapping[str, str], zone: ZoneInfo) -> ShiftCalendar:
    """From the bytes of a file; `people` has who is meant by a title or an address, in small letters.

    Raises ValueError with every event that is nobody's, one a line, or with what else is wrong first.
    """
    import icalendar  # noqa: PLC0415 - few configurations need it

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name!r} is not UTF-8 text (RFC 5545 3.1.4)") from None
    lines = unfolded(text)
    check_blocks(name, lines)
    begins = [number for number, line in lines if line.upper() == "BEGIN:VEVENT"]
    if not 0 < len(begins) <= MOST_EVENTS:
        raise ValueError(f"{name!r} has {len(begins)} events (VEVENT); export at least one, and at most {MOST_EVENTS}")
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = list(zip(begins, calendar.walk("VEVENT"), strict=True))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        raise ValueError(f"{name!r} is not a calendar by RFC 5545; open it in a calendar program to see why") from None
    problems = [line for begin, event in events for line in _problems(name, begin, lines, event, people)]
    if problems:
        raise ValueError("\n".join(problems))
    check_repeats(name, events, (datetime.now(UTC) + AHEAD).date(), MOST_SHIFTS)
    calendar.subcomponents = [part for part in calendar.subcomponents if part.name in ("VTIMEZONE", "VEVENT")]
    for _, event in events:
        who = next(people[found] for found in _names(event) if found in people)
        strip(event)
        event.add("SUMMARY", who)
    return ShiftCalendar(calendar.to_ical().decode(), zone)


def _problems(
    name: str, begin: int, lines: list[tuple[int, str]], event: icalendar.cal.Component, people: Mapping[str, str]
) -> Iterator[str]:
    try:
        check_event(name, begin, lines, event)
        check_times(begin, event, name)
    except ValueError as error:
        yield str(error)
        return
    names = list(_names(event))
    if not any(found in people for found in names):
        title = str(event.get("SUMMARY", ""))
        hint = nearest(title.casefold(), people)
        yield f"{name}:{begin}: this event is of nobody in people: {title!r}; {hint} known_as adds names to a person"


def _names(event: Any) -> Iterator[str]:
    """By what an event may say whose it is: its title, and those who attend."""
    yield str(event.get("SUMMARY", "")).strip().casefold()
    attending = event.get("ATTENDEE", [])
    for one in attending if isinstance(attending, list) else [attending]:
        yield str(one).strip().casefold().removeprefix("mailto:")
        yield str(one.params.get("CN", "")).strip().casefold()
