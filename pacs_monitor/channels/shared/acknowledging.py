"""Acknowledgements that are made at a receiver: what is said of them alike."""

from __future__ import annotations

from datetime import UTC, datetime

from pacs_monitor.model import SECOND, Micros

SHORTEST_POLL = 15.0
"""Seconds from one question to the next, at least: both receivers limit how often they are asked."""
NAME_LIMIT = 60
"""Characters of a person's name."""


def name_of(said: object) -> str:
    """A person's name as the receiver has it, on one line; `somebody` where it has none that can be printed."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(said or "")).split())
    return line[:NAME_LIMIT].strip() or "somebody"


def moment_of(said: object) -> Micros | None:
    """A time of RFC 3339; None for anything else."""
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * SECOND)
