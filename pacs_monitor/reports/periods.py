"""Reads periods as people write them (`2026-Q3`, `last-week`), in the monitor's time zone with its daylight saving."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros, PacsMonitorError

_CALENDAR = re.compile(
    r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>\d)|W(?P<week>\d\d)|(?P<month>\d\d)(?:-(?P<day>\d\d))?))?", re.I
)
_RELATIVE = re.compile(r"(?P<which>this|last)[ _-](?P<what>week|month|quarter|year)", re.I)
_DAYS = {"today": 0, "yesterday": 1}
_DAY = timedelta(days=1)
_EARLIEST: Micros = -86_400 * SECOND
"""1970 begins earlier in the east."""
_VALID = (
    "write today, yesterday, 2026-09-14, 2026-W38, 2026-09, 2026-Q3, 2026; this-week, last-month, last-quarter, "
    "last-year; or FROM..TO with any of these or with date-times, such as 2026-09-01..2026-09-14"
)


class PeriodError(PacsMonitorError):
    """The text is not a period; the message says what is."""


@dataclass(frozen=True, slots=True)
class Period:
    """A named interval in an IANA time zone."""

    name: str
    interval: Interval
    timezone: str

    def so_far(self, now: Micros) -> bool:
        """Whether the period has not ended yet."""
        return now < self.interval.end

    def local(self, at: Micros) -> str:
        """An instant as RFC 3339 in the period's zone."""
        moment = datetime.fromtimestamp(at // SECOND, ZoneInfo(self.timezone))
        return moment.replace(microsecond=at % SECOND).isoformat()


class _Named(NamedTuple):
    """Whole days under a name that means the same tomorrow; `after` is the day after the last."""

    name: str
    first: date
    after: date


def parse(text: str, timezone: str, now: Micros) -> Period:
    """Read a period in one of the forms that `_VALID` lists; weeks are those of ISO 8601, which begin on Monday.

    In FROM..TO, a TO that is a day, a month … is included whole; one with a time of day is that instant. Raises
    PeriodError for any other text, and for a period that has not begun.
    """
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(now // SECOND, zone).date()
    try:
        name, start, end = _read(text.strip(), zone, today)
    except (ValueError, OverflowError):
        raise PeriodError(f"{text!r} is not a period; {_VALID}") from None
    if start >= end:
        raise PeriodError(f"the period {text!r} ends before it begins; {_VALID}")
    if start < _EARLIEST:
        raise PeriodError(f"the period {text!r} begins before 1970; {_VALID}")
    if start > now:
        raise PeriodError(f"the period {text!r} has not begun; {_VALID}")
    return Period(name, Interval(start, end), timezone)


def overlapping(per: str, interval: Interval, timezone: str) -> list[Period]:
    """The months, quarters or years (`per`) that an interval touches, in order."""
    zone, found = ZoneInfo(timezone), list[Period]()
    at = interval.start
    while at < interval.end:
        named = _around(datetime.fromtimestamp(at // SECOND, zone).date(), per)
        found.append(Period(named.name, Interval(_midnight(named.first, zone), _midnight(named.after, zone)), timezone))
        at = found[-1].interval.end
    return found


def contract_years(begins: date, interval: Interval, timezone: str) -> list[Period]:
    """The years of a contract that an interval touches, in order; there is none before it begins.

    In years without a 29 February, one that began on that day begins on 1 March.
    """
    zone, found = ZoneInfo(timezone), list[Period]()
    at = max(interval.start, _midnight(begins, zone))
    while at < interval.end:
        day = datetime.fromtimestamp(at // SECOND, zone).date()
        first = max(start for year in (day.year - 1, day.year) if (start := _anniversary(begins, year)) <= day)
        after = _anniversary(begins, first.year + 1)
        name = f"{first.isoformat()}..{(after - _DAY).isoformat()}"
        found.append(Period(name, Interval(_midnight(first, zone), _midnight(after, zone)), timezone))
        at = found[-1].interval.end
    return found


def days(interval: Interval, timezone: str) -> list[tuple[str, Interval]]:
    """The calendar days that an interval touches, with their dates; the first and the last may be parts of days."""
    zone, found = ZoneInfo(timezone), list[tuple[str, Interval]]()
    at = interval.start
    while at < interval.end:
        day = datetime.fromtimestamp(at // SECOND, zone).date()
        end = min(_midnight(day + _DAY, zone), interval.end)
        found.append((day.isoformat(), Interval(at, end)))
        at = end
    return found


def _read(text: str, zone: ZoneInfo, today: date) -> tuple[str, Micros, Micros]:
    named = _named(text, today)
    if named:
        return named.name, _midnight(named.first, zone), _midnight(named.after, zone)
    start, dots, end = (part.strip() for part in text.partition(".."))
    if not dots:
        raise ValueError(text)
    first, last = _named(start, today), _named(end, today)
    name = f"{first.name if first else start}..{last.name if last else end}"
    return (
        name,
        _midnight(first.first, zone) if first else _instant(start, zone),
        _midnight(last.after, zone) if last else _instant(end, zone),
    )


def _named(text: str, today: date) -> _Named | None:
    """The days of a named period; None if the text is not a name, ValueError for dates that do not exist."""
    if text.lower() in _DAYS:
        return _day(today - timedelta(days=_DAYS[text.lower()]))
    if found := _RELATIVE.fullmatch(text):
        this = _around(today, found["what"].lower())
        return this if found["which"].lower() == "this" else _around(this.first - _DAY, found["what"].lower())
    return _calendar(found) if (found := _CALENDAR.fullmatch(text)) else None


def _calendar(found: re.Match[str]) -> _Named:
    year, quarter, week, month, day = (None if part is None else int(part) for part in found.groups())
    if week is not None:
        return _around(date.fromisocalendar(year or 0, week, 1), "week")
    if quarter is not None:
        return _around(date(year or 0, 3 * quarter - 2, 1), "quarter")
    if month is None:
        return _around(date(year or 0, 1, 1), "year")
    return _around(date(year or 0, month, 1), "month") if day is None else _day(date(year or 0, month, day))


def _day(day: date) -> _Named:
    return _Named(day.isoformat(), day, day + _DAY)


def _around(day: date, what: str) -> _Named:
    """The week, month, quarter or year that contains a day."""
    if what == "week":
        year, week, weekday = day.isocalendar()
        monday = day - timedelta(days=weekday - 1)
        return _Named(f"{year:04}-W{week:02}", monday, monday + timedelta(days=7))
    quarter = (day.month + 2) // 3
    name, first, months = {
        "month": (f"{day:%Y-%m}", day.month, 1),
        "quarter": (f"{day.year:04}-Q{quarter}", 3 * quarter - 2, 3),
        "year": (f"{day.year:04}", 1, 12),
    }[what]
    after = first - 1 + months
    return _Named(name, date(day.year, first, 1), date(day.year + after // 12, after % 12 + 1, 1))


def _anniversary(begins: date, year: int) -> date:
    try:
        return begins.replace(year=year)
    except ValueError:  # 29 February
        return date(year, 3, 1)


def _instant(text: str, zone: ZoneInfo) -> Micros:
    if "T" not in text.upper() and ":" not in text:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return _micros(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _midnight(day: date, zone: ZoneInfo) -> Micros:
    return _micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def _micros(moment: datetime) -> Micros:
    since = moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return since // timedelta(microseconds=1)
