"""Dates of queries: written relative to today, asked as DICOM writes them (VR DA, ranges by PS3.4 C.2.2.2.5)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo

from pacs_monitor.model import SECOND, Micros

_RELATIVE = re.compile(r"(today|yesterday)(?:\s*([+-])\s*(\d{1,4})d)?")
_ABSOLUTE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def today(now: Micros, zone: tzinfo) -> date:
    """What day it is in a time zone."""
    return datetime.fromtimestamp(now / SECOND, zone).date()


def resolve_dates(text: str, day: date) -> str:
    """`today`, `yesterday`, `today-7d`, `2026-11-24`, or a range `FROM..TO` with one end or both, as DICOM writes it.

    Raises ValueError.
    """
    if ".." not in text:
        return f"{_day(text, day):%Y%m%d}"
    first, _, last = text.partition("..")
    ends = [f"{_day(end, day):%Y%m%d}" if end.strip() else "" for end in (first, last)]
    if not any(ends) or (all(ends) and ends[0] > ends[1]):
        raise ValueError(f"{text!r} is not a range of dates; write today-7d..today")
    return "-".join(ends)


def _day(text: str, day: date) -> date:
    if found := _RELATIVE.fullmatch(text.strip()):
        word, sign, days = found.groups()
        shift = int(days or 0) * (-1 if sign == "-" else 1) - (word == "yesterday")
        return day + timedelta(days=shift)
    if found := _ABSOLUTE.fullmatch(text.strip()):
        return date(*map(int, found.groups()))
    raise ValueError(f"{text!r} is not a date; write today, yesterday, today-7d or 2026-11-24")
