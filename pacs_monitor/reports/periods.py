"""Periods as people write them, in the monitor's time zone, daylight saving included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pacs_monitor.model import SECOND, Micros, PacsMonitorError
from pacs_monitor.uptime import Span

_CALENDAR = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})))?")
_VALID = "write 2026-Q3, 2026-09, 2026, or FROM..TO with dates or date-times, such as 2026-09-01..2026-09-14"


class PeriodError(PacsMonitorError):
    """A text is no period; the message says what is valid."""


@dataclass(frozen=True, slots=True)
class Period:
    """A named span of time in a zone."""

    name: str
    span: Span
    timezone: str

    def so_far(self, now: Micros) -> bool:
        """Whether it goes on."""
        return now < self.span.end

    def local(self, at: Micros) -> str:
        """RFC 3339 in the period's zone."""
        moment = datetime.fromtimestamp(at // SECOND, ZoneInfo(self.timezone))
        return moment.replace(microsecond=at % SECOND).isoformat()


def parse(text: str, timezone: str, now: Micros) -> Period:
    """`2026-Q3`, `2026-09`, `2026`, or `FROM..TO`: a date as TO includes that day, a date-time is that instant."""
    zone = ZoneInfo(timezone)
    found = _CALENDAR.fullmatch(text.strip())
    start, end = _calendar(found, text, zone) if found else _from_to(text, zone)
    if start >= end:
        raise PeriodError(f"the period {text!r} ends before it begins; {_VALID}")
    if start > now:
        raise PeriodError(f"the period {text!r} has not begun; {_VALID}")
    return Period(text.strip(), Span(start, end), timezone)


def _calendar(found: re.Match[str], text: str, zone: ZoneInfo) -> tuple[Micros, Micros]:
    year, quarter, month = (int(part) if part else None for part in found.groups())
    if month:
        first, months = month, 1
    elif quarter:
        first, months = 3 * quarter - 2, 3
    else:
        first, months = 1, 12
    after = first - 1 + months
    try:
        start, end = date(year or 0, first, 1), date((year or 0) + after // 12, after % 12 + 1, 1)
    except ValueError:
        raise PeriodError(f"{text!r} is no period; {_VALID}") from None
    return _midnight(start, zone), _midnight(end, zone)


def _from_to(text: str, zone: ZoneInfo) -> tuple[Micros, Micros]:
    start, dots, end = text.partition("..")
    try:
        if not dots:
            raise ValueError
        return _instant(start.strip(), zone, 0), _instant(end.strip(), zone, 1)
    except (ValueError, OverflowError):
        raise PeriodError(f"{text!r} is no period; {_VALID}") from None


def _instant(text: str, zone: ZoneInfo, later_days: int) -> Micros:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return _micros(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    return _midnight(day + timedelta(days=later_days), zone)


def _midnight(day: date, zone: ZoneInfo) -> Micros:
    return _micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def _micros(moment: datetime) -> Micros:
    since = moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return since // timedelta(microseconds=1)
