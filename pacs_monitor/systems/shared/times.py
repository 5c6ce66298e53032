"""Times as Orthanc writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def of_orthanc(text: str) -> float:
    """Seconds of Unix time of `20261124T080000.123456` (UTC); boost leaves out a fraction that is zero.

    Raises ValueError, also for the `not-a-date-time` of boost.
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
