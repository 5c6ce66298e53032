"""The agreed hours, as data of the report and in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pacs_monitor.calendars import Calendar
from pacs_monitor.intervals import Interval
from pacs_monitor.language import N_, _, language
from pacs_monitor.model import SECOND
from pacs_monitor.reports import dates
from pacs_monitor.reports.record import Record

DAYS = {
    "Mon": N_("Mon"),
    "Tue": N_("Tue"),
    "Wed": N_("Wed"),
    "Thu": N_("Thu"),
    "Fri": N_("Fri"),
    "Sat": N_("Sat"),
    "Sun": N_("Sun"),
}
NAMED = 12
"""Closed days that are named."""


def hours(record: Record, name: str | None, during: Interval) -> dict[str, Any]:
    """Those of a calendar as it was last in a time, and on which days it was closed; null and empty without one."""
    calendar = record.said_at(during.end).calendars.get(name or "")
    if calendar is None:
        return {"hours": None, "closed_days": []}
    rule = calendar if calendar.outside_of is None else calendar.outside_of
    return {
        "hours": {
            "weekly": rule.words,
            "outside": calendar.outside_of is not None,
            "timezone": str(calendar.zone),
        },
        "closed_days": closed_days(calendar, during),
    }


def closed_days(calendar: Calendar, during: Interval) -> list[str]:
    """The days of its hours on which it is closed, ISO 8601."""
    starts = (start for start, _end in calendar.exceptions(during))
    days = {datetime.fromtimestamp(start // SECOND, calendar.zone).date() for start in starts}
    return [day.isoformat() for day in sorted(days)]


def said(row: Mapping[str, Any]) -> str:
    """`Mon-Fri 06:00-20:00 (Europe/Berlin)`."""
    of = row["hours"]
    if of is None:
        return row["calendar"] or ""
    text = f"{weekly(of['weekly'])} ({of['timezone']})"
    return _("all hours outside of {hours}", hours=text) if of["outside"] else text


def whole(row: Mapping[str, Any]) -> str:
    """The same with the days on which it was closed."""
    closed = [dates.iso_day(day) for day in row["closed_days"]]
    if not closed:
        return _("{hours}, without exceptions in this time", hours=said(row))
    days = ", ".join(closed[:NAMED])
    if len(closed) > NAMED:
        days = f"{days}, …"
    return _("{hours}, but not on {days}", hours=said(row), days=days)


def weekly(text: str) -> str:
    """Hours as they are configured, in the language that is spoken: `Mo–Fr 06:00–20:00`."""  # noqa: RUF002 - as printed
    named = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", lambda found: _(DAYS[found[0]]), text)
    return named.replace("-", "\N{EN DASH}") if language() == "de" else named
