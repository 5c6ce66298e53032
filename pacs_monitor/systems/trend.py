"""Where a value is heading: a few samples per thing, kept in the memory of a check over restarts.

One sample every ten minutes for six hours. The rate is the slope of least squares, over the last hour and over all six,
so that a sudden rush is seen within the hour and bursts are averaged out over the long look; the faster counts. A fall
of more than 2 % is a cleaning: what was before it says nothing about what comes, so it is forgotten. A look counts when
samples fill three quarters of it.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

STEP = 600.0
"""Seconds between samples."""
LOOKS = (3600.0, 6 * 3600.0)
"""Seconds to look back."""
FILLED = 0.75
CLEANED = 0.02
"""Of the value before."""
Sample = tuple[float, float]
"""When, in seconds, and how much."""


def grown(samples: Iterable[Sample], now: float, value: float) -> list[Sample]:
    """The samples with one more, if it is time for one, and without what is too old or before a cleaning.

    The last sample is always the newest value; it is replaced until its time is full.
    """
    kept = [(at, amount) for at, amount in samples if now - LOOKS[-1] <= at <= now]
    if kept and value < kept[-1][1] * (1 - CLEANED):
        kept = []
    if len(kept) > 1 and kept[-1][0] - kept[-2][0] < STEP:
        kept.pop()
    return [*kept, (now, value)]


def rate(samples: Iterable[Sample]) -> float | None:
    """Units per second at which the value grows; None while too little is known."""
    known = list(samples)
    if not known:
        return None
    newest = known[-1][0]
    looks = [_slope([s for s in known if s[0] >= newest - look], look) for look in LOOKS]
    return max((slope for slope in looks if slope is not None), default=None)


def remembered(memory: MutableMapping[str, Any], key: str, name: str) -> list[Sample]:
    """The samples of one thing, as a memory of JSON values holds them."""
    return [(float(at), float(amount)) for at, amount in memory.get(key, {}).get(name, [])]


def _slope(samples: list[Sample], look: float) -> float | None:
    """Least squares, when the samples fill enough of the look."""
    if len(samples) < 3 or samples[-1][0] - samples[0][0] < FILLED * look:
        return None
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean = sum(amount for _, amount in samples) / len(samples)
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return sum((at - mean_at) * (amount - mean) for at, amount in samples) / spread
