"""Times are integers: microseconds since the epoch, UTC. Durations are floats in seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""
SECOND: Micros = 1_000_000


def iso(micros: Micros) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros % SECOND:06d}Z"


def local(micros: Micros, zone: str, now: Micros) -> str:
    """For people: whole seconds in a time zone, and which that is; with the date unless it is today's."""
    there, today = (datetime.fromtimestamp(m // SECOND, UTC).astimezone(ZoneInfo(zone)) for m in (micros, now))
    return f"{there:%H:%M:%S %Z}" if there.date() == today.date() else f"{there:%Y-%m-%d %H:%M:%S %Z}"


def last_day(end: Micros, zone: tzinfo) -> date:
    """The last day that is not over at `end`, where a midnight ends the day before."""
    return datetime.fromtimestamp((end - 1) // SECOND, zone).date()
