"""Crontab lines, as crontab(5) reads them: five fields, where 0 and 7 are Sunday."""

from __future__ import annotations

import re

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(\*|[0-7]|[a-z]{3})(?:-([0-7]|[a-z]{3}))?(?:/([1-7]))?", re.IGNORECASE)


def trigger(line: str, timezone: str) -> BaseTrigger:
    """The trigger of a line in a time zone; raises ValueError.

    APScheduler counts weekdays from Monday, crontab from Sunday, so every weekday is passed on by its name. And where a
    line restricts both the day of the month and the weekday, crontab runs it on either, APScheduler on days that are
    both.
    """
    *fields, weekdays = line.split()
    if len(fields) != 4:
        raise ValueError(f"{line!r} is not a cron line; write five fields, as in '30 2 * * 1-5'")
    minute, hour, day, month = fields
    days = [(day, _named(weekdays))]
    if not day.startswith("*") and not weekdays.startswith("*"):
        days = [(day, "*"), ("*", _named(weekdays))]
    triggers = [
        CronTrigger.from_crontab(f"{minute} {hour} {on} {month} {weekday}", timezone=timezone) for on, weekday in days
    ]
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def _named(weekdays: str) -> str:
    if weekdays == "*":
        return weekdays
    return ",".join(dict.fromkeys(day for part in weekdays.split(",") for day in _days(part)))


def _days(part: str) -> tuple[str, ...]:
    found = _PART.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} is not a weekday; write 0 to 7 (0 and 7 are Sunday), sun to sat, or a range")
    first, last, step = found.groups()
    start, end = (0, 6) if first == "*" else (_number(first), _number(last or first))
    if last and end == 0:
        end = 7  # fri-sun
    return DAYS[start : end + 1 : int(step or 1)]


def _number(day: str) -> int:
    return int(day) if day.isdigit() else DAYS.index(day.lower())
