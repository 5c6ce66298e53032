"""A histogram that costs one bisection a sample; rendered as Prometheus classic buckets."""

from __future__ import annotations

from bisect import bisect_left

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds, for runs."""
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Upper bounds in seconds, for the lag from due to started, and for the wait for a seat."""


class Histogram:
    """Counts per bucket, and their sum; bounds are inclusive upper bounds."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def cumulative(self) -> tuple[list[tuple[str, float]], float]:
        """Pairs of (`le`, count up to it), ending with +Inf, and the sum of all samples."""
        total, buckets = 0, []
        for bound, count in zip([*map(repr, self._bounds), "+Inf"], list(self._counts), strict=True):
            total += count
            buckets.append((bound, float(total)))
        return buckets, self._sum
