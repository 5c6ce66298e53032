"""Names in messages: the one that may be meant, and all that there are."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

MANY = 40


def likely(name: str, known: Collection[str]) -> str | None:
    """The known name that may be meant."""
    return next(iter(get_close_matches(name, known, n=1)), None)


def listed(known: Collection[str]) -> str:
    """All names, at most MANY, in their order."""
    names = sorted(known)
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return (", ".join(names[:MANY]) or "none") + more
