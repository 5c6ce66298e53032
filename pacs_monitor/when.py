"""Times as people write them in a hurry: `10:45`, `tomorrow 07:00`, `Mon 07:00`, `2026-12-15`, or by RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pacs_monitor.model import SECOND, Micros, parse_iso
from pacs_monitor.patterns import CLOCK, DAY

EXAMPLES = "10:45, tomorrow 07:00, Mon 07:00, 2026-12-15 or 2026-12-15T07:00+01:00"
LATEST = timedelta(days=3653)
"""From now on: times that are further away are mistakes."""
EARLIEST = 1970
"""Years before it are mistakes, and not all clocks and databases have them."""
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OF_A_DAY = re.compile(rf"(?:(today|tomorrow|{'|'.join(f'{day}[a-z]*' for day in _WEEKDAYS)}) +)?({CLOCK})")
_NEXT = re.compile(rf"next +({_OF_A_DAY.pattern})")
"""To some the coming one, to others the one after it."""
_MOMENT = re.compile(rf"{DAY}(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)?(?:Z|[+-]\d\d:\d\d)?)?")


def parse_when(text: str, now: Micros, zone: tzinfo, *, day_ends: bool = False) -> Micros:
    """A moment; what names no offset is by the clocks of `zone`. Raises ValueError.

    A time alone is today's, a weekday the next one. A date alone is the begin of that day, or if `day_ends` its end,
    as in "until 15 December". What is there twice, when the clock is set back, is the first of the two; what is not
    there, when it is set forward, is as much later (RFC 5545 3.3.5).
    """
    here = datetime.fromtimestamp(now // SECOND, UTC).astimezone(zone)
    written = text.strip()
    if ambiguous := _NEXT.fullmatch(written.lower()):
        raise ValueError(_which_week(text, ambiguous[1], here, zone))
    try:
        at = _moment(written, zone, day_ends=day_ends) or _time_of_day(written.lower(), here, zone)
        if at is None:
            raise ValueError
        if at > here + LATEST:
            raise ValueError(f"{text!r} is more than ten years away; check the year")
        if at.year < EARLIEST:
            raise ValueError(f"{text!r} is before {EARLIEST}; check the year")
        return parse_iso(at.isoformat())
    except OverflowError:
        raise ValueError(f"{text!r} is not a time that a calendar has") from None
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith(repr(text)) else _not_a_time(text)) from None


def parse_future(text: str, now: Micros, zone: tzinfo, *, day_ends: bool = False) -> Micros:
    """The same, where only what is still to come makes sense."""
    at = parse_when(text, now, zone, day_ends=day_ends)
    if at <= now:
        hint = f"; write tomorrow {text.strip()}" if re.fullmatch(CLOCK, text.strip()) else ""
        raise ValueError(f"{text!r} has passed{hint}")
    return at


def parse_past(text: str, now: Micros, zone: tzinfo) -> Micros:
    """The same, where only what has been makes sense: a time alone, or that of a weekday, is the last one."""
    at, said = parse_when(text, now, zone), _OF_A_DAY.fullmatch(text.strip().lower())
    if at > now and said and said[1] not in ("today", "tomorrow"):
        days = 7 if said[1] else 1
        there = datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone)
        before = datetime.combine(there.date() - timedelta(days=days), there.time(), zone)
        at = parse_iso(before.isoformat())
    if at > now:
        raise ValueError(f"{text!r} is still to come")
    return at


def _not_a_time(text: str) -> str:
    return f"{text!r} is not a time; write {EXAMPLES}"


def _which_week(text: str, said: str, now: datetime, zone: tzinfo) -> str:
    """People mean two different days by it: both are offered."""
    coming = _time_of_day(said, now, zone)
    if coming is None or said.startswith(("today", "tomorrow", *"0123456789")):
        return _not_a_time(text)
    later = _on(coming.date() + timedelta(days=7), coming.hour, coming.minute, zone)
    return f"{text!r} may be either of two days; write {coming:%Y-%m-%d %H:%M} or {later:%Y-%m-%d %H:%M}"


def _moment(text: str, zone: tzinfo, *, day_ends: bool) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    if re.fullmatch(DAY, text):
        return datetime.combine(date.fromisoformat(text) + timedelta(days=day_ends), time(), zone)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _time_of_day(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    found = _OF_A_DAY.fullmatch(text)
    if not found:
        return None
    day, (hour, minute) = found[1] or "today", map(int, found[2].split(":"))
    at = _on(now.date() + timedelta(days=_days_ahead(day, now)), hour, minute, zone)
    weekday_has_passed = day not in ("today", "tomorrow") and at <= now
    return _on(at.date() + timedelta(days=7), at.hour, at.minute, zone) if weekday_has_passed else at


def _days_ahead(day: str, now: datetime) -> int:
    if day in ("today", "tomorrow"):
        return int(day == "tomorrow")
    return (_WEEKDAYS.index(day[:3]) - now.weekday()) % 7


def _on(day: date, hour: int, minute: int, zone: tzinfo) -> datetime:
    """24:00 is the midnight at the end of a day (ISO 8601-1 5.3.2)."""
    return datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute), zone)
