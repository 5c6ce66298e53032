"""Names in messages: the one that may be meant, and all that there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

MANY = 40


def likely(name: str, known: Collection[str]) -> str | None:
    """The known name that may be meant."""
    return next(iter(get_close_matches(name, known, n=1)), None)


def listed(known: Collection[str]) -> str:
    """All names, at most MANY, in their order."""
    return first(sorted(known), MANY) or "none"


def first(names: Sequence[str], most: int) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
