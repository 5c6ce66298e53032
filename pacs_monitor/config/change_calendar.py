"""From a change calendar (RFC 5545) to windows of maintenance: pure; of an event it keeps when it is, and a title.

A change calendar has everything in it: an event counts only if the filter matches it, and if it is neither cancelled
nor tentative. What cannot be read for certain (a time zone that nobody knows, a rule within a day) makes the calendar
broken: a window at a wrong time would mute pages by accident.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.closed_days import check_blocks, check_event, interval_of, unfolded
from pacs_monitor.config.maintenance import EventFilter, MaintenanceSettings
from pacs_monitor.config.repeats import check_repeats
from pacs_monitor.fields import UNPRINTABLE
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.windows import Window, occurrence

if TYPE_CHECKING:
    import icalendar

AHEAD = timedelta(days=60)
"""How far ahead events become windows."""
LARGEST = 4 << 20
"""Bytes of a calendar."""
MOST_EVENTS = 5000
"""Events in a calendar."""
MOST_WINDOWS = 500
"""Windows of one calendar."""
LONGEST_TITLE = 60
"""Characters of an event's summary that are kept."""
_PLACE = "the calendar"
_TIMES = ("DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID")
_DROPPED = ("CANCELLED", "TENTATIVE")


def windows_of(content: bytes, entry: MaintenanceSettings, zone: ZoneInfo, now: Micros) -> tuple[Window, ...]:
    """The windows that are not over and begin within 60 days, by their start; raises ValueError."""
    if entry.ical is None:
        return ()
    text = _text(content)
    until = datetime.fromtimestamp(now // SECOND, UTC) + AHEAD
    found = list(_occurrences(_calendar(text, entry.ical.filter, until), entry.ical.filter, now))
    windows = [window for event in found for window in _windows(event, entry, zone) if window.end > now]
    if len(windows) > MOST_WINDOWS:
        raise ValueError(f"narrow the filter: more than {MOST_WINDOWS} events of the next 60 days match it")
    unique = {window.id: window for window in windows}
    return tuple(sorted(unique.values(), key=lambda window: (window.start, window.id)))


def _text(content: bytes) -> str:
    if len(content) > LARGEST:
        raise ValueError("export less: the calendar is larger than 4 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("write it in UTF-8 (RFC 5545 3.1.4): the calendar is not UTF-8 text") from None


def _calendar(text: str, wanted: EventFilter, until: datetime) -> icalendar.Calendar:
    """With the events alone that may match, each checked, and with those that change single times of them."""
    import icalendar  # noqa: PLC0415 - few configurations need it

    lines = unfolded(text)
    check_blocks(_PLACE, lines)
    begins = [number for number, line in lines if line.upper() == "BEGIN:VEVENT"]
    if len(begins) > MOST_EVENTS:
        raise ValueError(f"export less: the calendar has more than {MOST_EVENTS} events")
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = list(zip(begins, calendar.walk("VEVENT"), strict=True))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        raise ValueError("is not a calendar by RFC 5545; open it in a calendar program to see why") from None
    mine = {_uid(event) for _, event in events if _matches(event, wanted)}
    kept = [(begin, event) for begin, event in events if _uid(event) in mine]
    for begin, event in kept:
        check_event(_PLACE, begin, lines, event)
        check_times(begin, event)
    check_repeats(_PLACE, kept, until.date())
    calendar.subcomponents = [
        *(part for part in calendar.subcomponents if part.name == "VTIMEZONE"),
        *(event for _, event in kept),
    ]
    return calendar


def check_times(begin: int, event: Any, place: str = _PLACE) -> None:
    """What the libraries would take for something else, or search for until the year 9999."""
    for key in _TIMES:
        for said in _listed(event.get(key)):
            moments = [one.dt for one in getattr(said, "dts", [said])]
            if "TZID" in said.params and any(getattr(moment, "tzinfo", UTC) is None for moment in moments):
                raise ValueError(
                    f"{place}:{begin}: name a zone of IANA, or add its VTIMEZONE: the zone of {key} is unknown"
                )
    start, rules = event["DTSTART"].dt, _listed(event.get("RRULE"))
    try:
        if "DTEND" in event and event["DTEND"].dt < start:
            raise ValueError("name a later DTEND: it ends before it begins")
        if len(rules) > 1:
            raise ValueError("write one RRULE (RFC 5545 3.8.5.3): it has several")
        for rule in rules:
            _check_rule(rule.to_ical().decode(), start)
    except TypeError:
        raise ValueError(f"{place}:{begin}: write DTSTART and DTEND alike: one has a zone or a time") from None
    except ValueError as error:
        raise ValueError(f"{place}:{begin}: {error}") from None


def _check_rule(rule: str, start: date) -> None:
    from pacs_monitor.recurrence import Recurrence  # noqa: PLC0415 - few configurations need dateutil

    first = start if isinstance(start, datetime) else datetime(start.year, start.month, start.day, tzinfo=UTC)
    if not Recurrence(rule, first, first.tzinfo or UTC).comes_true:
        raise ValueError("no day is as its RRULE says; write FREQ=MONTHLY;BYDAY=2SU")


def _listed(said: Any) -> list[Any]:
    return [] if said is None else said if isinstance(said, list) else [said]


def _occurrences(calendar: icalendar.Calendar, wanted: EventFilter, now: Micros) -> Iterator[Any]:
    import recurring_ical_events  # noqa: PLC0415 - few configurations need it

    first = datetime.fromtimestamp(now // SECOND, UTC)
    try:
        found = recurring_ical_events.of(calendar).between(first, first + AHEAD)
    except Exception:  # noqa: BLE001 - whatever the libraries make of a rule: it cannot be relied on
        raise ValueError("a recurrence of its events cannot be worked out; export single events instead") from None
    for event in found:
        if str(event.get("STATUS", "")).upper() not in _DROPPED and _matches(event, wanted):
            yield event


def _windows(event: Any, entry: MaintenanceSettings, zone: ZoneInfo) -> Iterator[Window]:
    times = interval_of(event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None, zone)
    if times.end > times.start:
        title = UNPRINTABLE.sub(" ", str(event.get("SUMMARY", ""))).strip()[:LONGEST_TITLE]
        identity = occurrence(f"{entry.name}\0{_uid(event)}", entry.match, times.start)
        name = f"{entry.name}: {title}" if title else entry.name
        yield Window(identity, name, entry.match, times.start, times.end, entry.probing, entry.by, notify=entry.notify)


def _uid(event: Any) -> str:
    return str(event.get("UID", "")) or str(event.get("SUMMARY", ""))


def _matches(event: Any, wanted: EventFilter) -> bool:
    """Each key that the filter has must match, whatever the case."""
    return _has(wanted.summary, [str(event.get("SUMMARY", ""))]) and _has(
        wanted.categories, [str(category) for category in event.categories]
    )


def _has(patterns: tuple[str, ...], texts: list[str]) -> bool:
    return not patterns or any(
        fnmatchcase(text.casefold(), pattern.casefold()) for text in texts for pattern in patterns
    )
