"""Intervals of time, and sets of instants made of them: pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
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
        merged: list[Interval] = []
        for interval in sorted(intervals):
            if merged and interval.start <= merged[-1].end:
                merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
            elif interval.start < interval.end:
                merged.append(interval)
        self._starts = [interval.start for interval in merged]
        self._ends = [interval.end for interval in merged]

    def __contains__(self, instant: Micros) -> bool:
        index = bisect_right(self._starts, instant) - 1
        return index >= 0 and instant < self._ends[index]

    def around(self, instant: Micros) -> Interval:
        """The interval that holds an instant; without one, the instant itself onwards."""
        if instant not in self:
            return Interval(instant, FOREVER)
        index = bisect_right(self._starts, instant) - 1
        return Interval(self._starts[index], self._ends[index])

    def edges(self) -> Iterator[Micros]:
        yield from self._starts
        yield from self._ends


class Amount:
    """How much time of some intervals lies within another one; they come in order and do not overlap."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self._intervals = list(intervals)
        self._starts = [interval.start for interval in self._intervals]
        self._before = [0]
        for interval in self._intervals:
            self._before.append(self._before[-1] + interval.end - interval.start)

    def within(self, interval: Interval) -> Micros:
        return self._until(interval.end) - self._until(interval.start) if interval.start < interval.end else 0

    def _until(self, instant: Micros) -> Micros:
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return 0
        return self._before[index] + min(instant, self._intervals[index].end) - self._starts[index]
