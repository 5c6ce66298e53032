"""Days and times of the report, by the clocks of its zone, in the language that is spoken."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pacs_monitor.language import N_, _, language

NO_BREAK = "\N{NO-BREAK SPACE}"
MONTHS = (
    N_("January"),
    N_("February"),
    N_("March"),
    N_("April"),
    N_("May"),
    N_("June"),
    N_("July"),
    N_("August"),
    N_("September"),
    N_("October"),
    N_("November"),
    N_("December"),
)
QUARTERS = (
    N_("1st quarter of {year}"),
    N_("2nd quarter of {year}"),
    N_("3rd quarter of {year}"),
    N_("4th quarter of {year}"),
)
LONGEST_CHANGE = 4
"""Hours: nowhere are clocks set back by more than three."""


def month(number: int) -> str:
    """By its number from 1 on."""
    return _(MONTHS[number - 1])


def period(name: str) -> str:
    """`3rd quarter of 2026`, `July 2026`, else the name as it is."""
    year, _dash, part = name.partition("-")
    if len(part) == 2 and part[0] == "Q" and part[1] in "1234":
        return _(QUARTERS[int(part[1]) - 1], year=year)
    if len(part) == 2 and part.isdigit():
        return f"{month(int(part))} {year}"
    return name


def brief_period(name: str) -> str:
    """`Q3 2026` for a quarter, for heads of columns."""
    year, _dash, part = name.partition("-")
    return f"{part} {year}" if part.startswith("Q") else name


def moment(zone: ZoneInfo, text: str | None) -> str:
    """To the second, with the offset where the clocks show this time twice: `10 Jul 2026 03:00:00`, `10.07.2026 …`."""
    if text is None:
        return _("goes on")
    hour = _hour(zone, text[:13], language()) if text[-1:] == "Z" else None
    return _moment(zone, text) if hour is None else f"{hour}{text[13:19]}"


@lru_cache(maxsize=4096)
def _hour(zone: ZoneInfo, text: str, _language: str) -> str | None:
    """`10 Jul 2026 03` for `2026-07-10T01`: a large report has tens of thousands of moments in a few thousand hours.

    None for an hour in or beside which the clocks are set, and where they are not whole hours from UTC.
    """
    start = datetime.fromisoformat(f"{text}:00:00Z")
    before, there, after = (
        (start + timedelta(hours=hours)).astimezone(zone) for hours in (-LONGEST_CHANGE, 0, LONGEST_CHANGE)
    )
    if there.minute or there.second or not before.utcoffset() == there.utcoffset() == after.utcoffset():
        return None
    return f"{day(there.date())} {there.hour:02}"


def _moment(zone: ZoneInfo, text: str) -> str:
    there = datetime.fromisoformat(text).astimezone(zone)
    twice = there.utcoffset() != there.replace(fold=1 - there.fold).utcoffset()
    clock = f"{there.hour:02}:{there.minute:02}:{there.second:02}"
    return f"{day(there.date())} {clock}{f' ({there:%Z})' if twice else ''}"


def local(text: str) -> str:
    """A time of the report by its own offset: `2 Aug 2026 04:00`, with seconds where there are any."""
    there = datetime.fromisoformat(text)
    return f"{day(there.date())} {_clock(there)}".replace(NO_BREAK, " ")


def stretch(start: str, end: str) -> str:
    """`2 Aug 2026 04:00 to 10:00`; of several days both are named."""
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return _("{first} to {last}", first=local(start), last=_clock(last) if first.date() == last.date() else local(end))


def _clock(there: datetime) -> str:
    return f"{there:%H:%M:%S}" if there.second else f"{there:%H:%M}"


def day(of: date) -> str:
    """`10 Jul 2026`, `10.07.2026`."""
    return _day(of, language())


@lru_cache(maxsize=1024)
def _day(of: date, language: str) -> str:
    if language == "de":
        return f"{of:%d.%m.%Y}"
    return f"{of.day}{NO_BREAK}{month(of.month)[:3]}{NO_BREAK}{of.year}"


def short_day(of: date) -> str:
    """`10 Jul`, `10.07.`."""
    return f"{of:%d.%m.}" if language() == "de" else f"{of.day}{NO_BREAK}{month(of.month)[:3]}"


def long_day(zone: ZoneInfo, text: str, *, last: bool = False) -> str:
    """`1 July 2026`, `1. Juli 2026`; `last` is that of the day before, for an end at midnight."""
    there = datetime.fromisoformat(text).astimezone(zone) - timedelta(microseconds=1 if last else 0)
    dot = "." if language() == "de" else ""
    return f"{there.day}{dot}{NO_BREAK}{month(there.month)}{NO_BREAK}{there.year}"


def iso_day(text: str) -> str:
    """A date of the report (ISO 8601) as people write it."""
    return day(date.fromisoformat(text))
