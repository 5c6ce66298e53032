"""Times are integers: microseconds since the epoch, UTC. Durations are floats in seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""
SECOND: Micros = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = _EPOCH.replace(tzinfo=None)
"""Without a zone it is written twice as fast, and a report has tens of thousands of times."""


def iso(micros: Micros) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return (_EPOCH_IN_UTC + timedelta(microseconds=micros)).isoformat(timespec="microseconds") + "Z"


def parse_iso(text: str) -> Micros:
    """The way back from RFC 3339, with whatever offset."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def last_day(end: Micros, zone: tzinfo) -> date:
    """The last day that is not over at `end`, where a midnight ends the day before."""
    return datetime.fromtimestamp((end - 1) // SECOND, zone).date()
