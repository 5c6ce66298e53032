"""Keys by the time at which they are due, and of those that are due the best first. Pure.

Two heaps, whose outdated entries are passed over when they come up: thousands of lanes cost no scan per attempt.
"""

from __future__ import annotations

import heapq
from typing import Any


class DueQueue:
    """Each key once: another `put` replaces the one before. The smallest rank is the best."""

    def __init__(self) -> None:
        self._entries: dict[str, int] = {}
        """The number of the entry that counts, by key."""
        self._later: list[tuple[float, int, str, tuple[Any, ...]]] = []
        self._due: list[tuple[tuple[Any, ...], int, str]] = []
        self._count = 0

    def put(self, key: str, due: float, rank: tuple[Any, ...] = ()) -> None:
        self._count += 1
        self._entries[key] = self._count
        heapq.heappush(self._later, (due, self._count, key, rank))

    def remove(self, key: str) -> None:
        self._entries.pop(key, None)

    def best(self, now: float) -> str | None:
        """The best of those that are due, which is gone from here then."""
        self._move(now)
        while self._due:
            _, number, key = heapq.heappop(self._due)
            if self._entries.get(key) == number:
                del self._entries[key]
                return key
        return None

    def has_due(self, now: float) -> bool:
        self._move(now)
        while self._due and self._entries.get(self._due[0][2]) != self._due[0][1]:
            heapq.heappop(self._due)
        return bool(self._due)

    def next_due(self) -> float | None:
        """When the next one is due of those that were not when it was last asked."""
        while self._later and self._entries.get(self._later[0][2]) != self._later[0][1]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def _move(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, number, key, rank = heapq.heappop(self._later)
            if self._entries.get(key) == number:
                heapq.heappush(self._due, (rank, number, key))
