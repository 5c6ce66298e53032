"""How much there is to work out in the recurrences of a calendar (RFC 5545 3.8.5.3): said before a library begins.

The libraries go from the first time of a rule to the time that is asked for, one by one, and give all that overlap: a
few lines of a file would keep them busy for hours. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

MOST_TIMES = 1_000_000
"""Of all rules of a calendar, from their beginning on: seconds of work."""
DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}
_SLACK = timedelta(days=1)
_LOOKED_AT = 10
"""Days of a month or year that are looked at in the time that one time takes."""


def check_repeats(place: str, events: Iterable[tuple[int, Any]], until: date, most: int = MOST_TIMES) -> None:
    """Raises ValueError for an event that overlaps with itself, or for rules with more than `most` times until a day.

    `events` are checked ones, with their lines.
    """
    times = 0.0
    for begin, event in events:
        rule = event.get("RRULE")
        if rule is None:
            continue
        interval, unit = _first(rule, "INTERVAL", 1), DAYS[str(_first(rule, "FREQ", "DAILY")).upper()]
        if _lasts(event) > timedelta(days=min(interval * unit, 1_000_000)) + _SLACK:
            raise ValueError(f"{place}:{begin}: shorten it: the next time begins before the last one is over")
        start, last = _day(event["DTSTART"].dt), min(_day(_first(rule, "UNTIL", until)), until)
        steps = max(0, (last - start).days) / (unit * interval)
        times += steps * _work(rule, unit)
    if times > most:
        raise ValueError(f"{place}:1: export less, or series that begin later: its events repeat too often since then")


def _work(rule: Any, unit: int) -> float:
    """Of one step of a rule."""
    if unit == DAYS["WEEKLY"]:
        return max(1, len(rule.get("BYDAY", ())))
    by = any(str(key).upper().startswith("BY") for key in rule)
    return max(1.0, unit / _LOOKED_AT) if by else 1.0


def _lasts(event: Any) -> timedelta:
    if "DTEND" in event:
        lasts: timedelta = event["DTEND"].dt - event["DTSTART"].dt
        return lasts
    return event["DURATION"].dt if "DURATION" in event else timedelta()


def _first(rule: Any, key: str, otherwise: Any) -> Any:
    said = rule.get(key, otherwise)
    return said[0] if isinstance(said, list) else said


def _day(at: date) -> date:
    return at.date() if isinstance(at, datetime) else at
