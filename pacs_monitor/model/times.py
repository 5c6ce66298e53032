"""Times are integers: microseconds since the epoch, UTC. Durations are floats in seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""
SECOND: Micros = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_AN_HOUR = [f":{second // 60:02}:{second % 60:02}" for second in range(3600)]


def iso(micros: Micros) -> str:
    """RFC 3339 in UTC, with microseconds."""
    seconds, rest = divmod(micros, SECOND)
    hours, seconds = divmod(seconds, 3600)
    return f"{_hour(hours)}{_OF_AN_HOUR[seconds]}.{rest:06}Z"


@lru_cache(4096)
def _hour(hours: int) -> str:
    """As `2026-09-21T14`: a report has tens of thousands of times, in a few thousand hours."""
    return (_EPOCH + timedelta(hours=hours)).isoformat()[:13]


def parse_iso(text: str) -> Micros:
    """The way back from RFC 3339, with whatever offset."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def last_day(end: Micros, zone: tzinfo) -> date:
    """The last day that is not over at `end`, where a midnight ends the day before."""
    return datetime.fromtimestamp((end - 1) // SECOND, zone).date()
