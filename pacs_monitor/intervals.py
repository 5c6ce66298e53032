"""Intervals of time, and sets of instants made of them: pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from pacs_monitor.model import Micros

FOREVER: Micros = 2**63 - 1
"""The end of an interval that has not ended."""


class Interval(NamedTuple):
    """From `start` up to, not including, `end`."""

    start: Micros
    end: Micros


ALL_TIME = Interval(-FOREVER, FOREVER)


class IntervalSet:
    """A set of instants: intervals, merged and sorted."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self._starts: list[Micros] = []
        self._ends: list[Micros] = []
        for start, end in sorted(intervals):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            elif start < end:
                self._starts.append(start)
                self._ends.append(end)

    def __contains__(self, instant: Micros) -> bool:
        index = bisect_right(self._starts, instant) - 1
        return index >= 0 and instant < self._ends[index]

    def around(self, instant: Micros) -> Interval:
        """The interval that holds an instant; without one, the instant itself onwards."""
        if instant not in self:
            return Interval(instant, FOREVER)
        index = bisect_right(self._starts, instant) - 1
        return Interval(self._starts[index], self._ends[index])

    def edges(self) -> list[Micros]:
        return self._starts + self._ends


class Amount:
    """How much time of some intervals lies within another one; they come in order and do not overlap."""

    def __init__(self, intervals: Iterable[tuple[Micros, Micros]]) -> None:
        self._intervals = list(intervals)
        self._starts = [start for start, _ in self._intervals]
        self._before = list(accumulate((end - start for start, end in self._intervals), initial=0))

    def within(self, interval: Interval) -> Micros:
        start, end = interval
        return self._until(end) - self._until(start) if start < end and self._starts else 0

    def _until(self, instant: Micros) -> Micros:
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return 0
        start, end = self._intervals[index]
        return self._before[index] + min(instant, end) - start
