"""Times as people write them in German: DIN 5008 with the day of the week, to the minute."""

from __future__ import annotations

from datetime import datetime

_WEEKDAYS = "Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"
_ZONES = {"CET": "MEZ", "CEST": "MESZ"}


def german_moment(there: datetime, now: datetime | None = None) -> str:
    """`03:14 Uhr` on the same day, `Fr 27.11. 03:14 Uhr` in the same year, else `Fr 27.11.2026 03:14 Uhr`.

    In the hour that the end of daylight saving time repeats, it says which of the two is meant.
    """
    zone = there.tzname() or ""
    twice = f" ({_ZONES.get(zone, zone)})" if _is_repeated(there) else ""
    if now is not None and now.date() == there.date():
        return f"{there:%H:%M} Uhr{twice}"
    return f"{german_day(there, now)} {there:%H:%M} Uhr{twice}"


def german_day(there: datetime, now: datetime | None = None) -> str:
    """`Fr 27.11.` in the same year, else `Fr 27.11.2026`."""
    year = "" if now is not None and now.year == there.year else there.year
    return f"{_WEEKDAYS[there.weekday()]} {there:%d.%m.}{year}"


def _is_repeated(there: datetime) -> bool:
    """PEP 495: the same clock face at another offset, and not in the hour that is skipped."""
    other = there.replace(fold=1 - there.fold)
    return other.utcoffset() != there.utcoffset()
