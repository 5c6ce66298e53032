"""Times are integers: microseconds since the epoch, UTC. Durations are floats in seconds."""

from __future__ import annotations

from datetime import UTC, datetime

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""
SECOND: Micros = 1_000_000


def iso(micros: Micros) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros % SECOND:06d}Z"
