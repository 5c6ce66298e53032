"""What a calendar's `except` names: dates, ranges of dates, .ics files (RFC 5545) and public holidays.

A file is read when the configuration is; what it repeats (RRULE, RDATE, EXDATE) is worked out year by year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationInfo

from pacs_monitor import patterns
from pacs_monitor.calendars import Closure, Days, whole_days
from pacs_monitor.config.errors import unknown_key, unknown_name
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND
from pacs_monitor.paths import existing_file
from pacs_monitor.patterns import BLANKS

if TYPE_CHECKING:
    import icalendar

LARGEST = 1 << 20
"""Bytes of an .ics file."""
RANGE = rf"{patterns.DAY}(?:\.\.{patterns.DAY})?"
"""A day, or the first and the last of several."""
_KEYS = ("country", "region")
_OFTEN = re.compile(r"FREQ=(?:SECONDLY|MINUTELY|HOURLY)|BYHOUR=|BYMINUTE=|BYSECOND=", re.IGNORECASE)
_SAID = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "UID", "STATUS", "SEQUENCE")
"""What of an event is kept: when it is, and nothing of what it is about."""

_CALENDARS_OWN = ("VERSION", "PRODID", "CALSCALE", "X-WR-TIMEZONE")


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The public holidays of a country (ISO 3166-1 alpha-2) and, if given, of one of its regions (ISO 3166-2)."""

    country: str
    region: str | None = None

    def closed(self, year: int, zone: tzinfo) -> Iterable[Interval]:
        import holidays  # noqa: PLC0415 - large, and few configurations need it

        days = holidays.country_holidays(self.country, subdiv=self.region, years=year)
        return [whole_days(day, day, zone) for day in sorted(days) if day.year == year]


@dataclass(frozen=True, slots=True)
class Events:
    """The events of an .ics file: those of whole days in the calendar's own time zone, others from when to when."""

    text: str
    """The file, as far as it says when they are."""

    def closed(self, year: int, zone: tzinfo) -> Iterable[Interval]:
        return [during for _, during in occurrences(self.text, date(year, 1, 1), date(year + 1, 1, 1), zone)]


def parse_exception(value: object, info: ValidationInfo) -> Closure:
    """One entry of `except`; raises ValueError."""
    if isinstance(value, Mapping):
        return _holidays(value)
    text = str(value).strip(BLANKS)
    if re.fullmatch(patterns.CALENDAR_FILE, text):
        return _events(text, Path(existing_file(text, info)))
    if not re.fullmatch(RANGE, text):
        wrong = f"{value!r} is neither a date (2026-12-24), a range (2026-12-24..2026-12-31) nor an .ics file"
        raise ValueError(f"{wrong}; for public holidays write {{country: DE, region: BY}}")
    days = _days(text)
    if days.last < days.first:
        raise ValueError(f"{value!r} ends before it begins")
    return days


def written(closure: Closure) -> Any:
    """A closure as the record has it; `recorded` is the way back."""
    match closure:
        case Days(first, last):
            return f"{first}..{last}"
        case PublicHolidays(country, region):
            return {"country": country} | ({"region": region} if region else {})
        case Events(text):
            return {"ics": text}
    raise TypeError(f"{type(closure).__name__} is not an exception of a calendar")


def recorded(said: Any) -> Closure:
    """What `written` wrote; raises ValueError."""
    if isinstance(said, Mapping):
        return Events(said["ics"]) if "ics" in said else PublicHolidays(said["country"], said.get("region"))
    return _days(str(said))


def _days(text: str) -> Days:
    """A day, or a range of them; raises ValueError for a day that no month has."""
    first, _, last = text.partition("..")
    try:
        return Days(date.fromisoformat(first), date.fromisoformat(last or first))
    except ValueError:
        raise ValueError(f"{text!r} names a day that does not exist") from None


def _holidays(value: Mapping[str, object]) -> PublicHolidays:
    import holidays  # noqa: PLC0415 - large, and few configurations need it

    strange = next((key for key in value if key not in _KEYS), None)
    if strange is not None:
        raise ValueError(unknown_key(str(strange), _KEYS))
    if "country" not in value:
        raise ValueError("the key 'country' is missing; write {country: DE, region: BY}")
    country, region = str(value["country"]), value.get("region")
    countries = holidays.list_supported_countries(include_aliases=False)
    if country not in countries:
        raise ValueError(unknown_name("country", country, countries))
    if region is not None and region not in countries[country]:
        raise ValueError(unknown_name(f"region of {country}", str(region), countries[country]))
    return PublicHolidays(country, None if region is None else str(region))


def _events(name: str, file: Path) -> Events:
    """Those of a file; every fault of it is told with its line."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{name!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}:{content.count(b'%c' % 10, 0, error.start) + 1}: is not UTF-8 text") from None
    if len(content) > LARGEST:
        raise ValueError(f"{name!r} is larger than 1 MiB")
    return Events(_checked(name, text))


def _checked(name: str, text: str) -> str:
    """The text of a file without what its events are about; raises ValueError with the line of the first fault."""
    import icalendar  # noqa: PLC0415 - few configurations need it

    lines = unfolded(text)
    check_blocks(name, lines)
    begins = [number for number, line in lines if line.upper() == "BEGIN:VEVENT"]
    if not begins:
        raise ValueError(f"{name}:1: has no event (VEVENT), so it closes nothing")
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{name}:1: is not a calendar by RFC 5545 ({error})") from None
    for begin, event in zip(begins, events, strict=True):
        check_event(name, begin, lines, event)
        strip(event)
    for key in [key for key in calendar if key not in _CALENDARS_OWN]:
        del calendar[key]
    said: str = calendar.to_ical().decode()
    return said


def strip(event: Any) -> None:
    """Leave of an event when it is, and nothing of what it is about."""
    for key in [key for key in event if key not in _SAID]:
        del event[key]
    event.subcomponents.clear()


def unfolded(text: str) -> list[tuple[int, str]]:
    """Content lines with the number of the line at which each begins (RFC 5545 3.1)."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = lines[-1][0], lines[-1][1] + line[1:]
        elif line:
            lines.append((number, line))
    return lines


def check_blocks(name: str, lines: list[tuple[int, str]]) -> None:
    """Every BEGIN has its END, and everything else is a name with a value."""
    if not lines or lines[0][1].strip().upper() != "BEGIN:VCALENDAR":
        raise ValueError(f"{name}:1: is not a calendar by RFC 5545: it does not begin with BEGIN:VCALENDAR")
    begun: list[tuple[int, str]] = []
    for number, line in lines:
        key, colon, value = line.partition(":")
        if not colon or not re.match(r"[A-Za-z0-9-]+(?:;|$)", key):
            raise ValueError(f"{name}:{number}: is not a line of a calendar by RFC 5545 3.1; it needs NAME:VALUE")
        if key.upper() == "BEGIN":
            if value.strip().upper() == "VEVENT" and any(block == "VEVENT" for _, block in begun):
                raise ValueError(f"{name}:{number}: end the event before it first: an event is in no other one")
            begun.append((number, value.strip().upper()))
        elif key.upper() == "END" and (not begun or begun.pop()[1] != value.strip().upper()):
            raise ValueError(f"{name}:{number}: END:{value.strip()} does not end what was begun last")
    if begun:
        raise ValueError(f"{name}:{begun[0][0]}: BEGIN:{begun[0][1]} has no END; is the file whole?")


def check_event(name: str, begin: int, lines: list[tuple[int, str]], event: icalendar.cal.Component) -> None:
    own = [(number, line) for number, line in lines if number >= begin]
    for key, wrong in event.errors:
        if key in _SAID or key is None:
            place = next((number for number, line in own if line.upper().startswith(str(key))), begin)
            raise ValueError(f"{name}:{place}: {key or 'a line'} of this event is wrong: {wrong}")
    if "DTSTART" not in event:
        raise ValueError(f"{name}:{begin}: this event has no DTSTART, so nothing says when it is")
    for number, line in own:
        if line.upper() == "END:VEVENT":
            return
        if line.upper().startswith("RRULE") and _OFTEN.search(line):
            raise ValueError(f"{name}:{number}: RRULE repeats it within a day; write FREQ=DAILY or rarer")


@lru_cache(maxsize=32)
def _query(text: str) -> Any:
    import icalendar  # noqa: PLC0415 - few configurations need it
    import recurring_ical_events  # noqa: PLC0415 - the same

    return recurring_ical_events.of(icalendar.Calendar.from_ical(text))


def occurrences(text: str, first: date, last: date, zone: tzinfo) -> Iterator[tuple[Any, Interval]]:
    """The events of a calendar that touch a time, and when they are, without those that are cancelled."""
    for event in _query(text).between(first, last):
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield event, interval_of(event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None, zone)


def interval_of(start: date, end: date | None, zone: tzinfo) -> Interval:
    """A DATE is a whole day, and the end of one is not in it (RFC 5545 3.6.1); a time without a zone is local."""
    if not isinstance(start, datetime):
        last = start if end is None or end <= start else end - timedelta(days=1)
        return whole_days(start, last, zone)
    return Interval(_at(start, zone), _at(end if isinstance(end, datetime) else start, zone))


def _at(moment: datetime, zone: tzinfo) -> int:
    there = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return round(there.timestamp()) * SECOND
