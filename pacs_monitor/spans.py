"""Spans of time, and sets of instants made of them: pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pacs_monitor.model import Micros

FOREVER: Micros = 2**63 - 1
"""The end of a span that has not ended."""


class Span(NamedTuple):
    """From `start` up to, not including, `end`."""

    start: Micros
    end: Micros


ALL_TIME = Span(-FOREVER, FOREVER)


class Spans:
    """A set of instants: spans, merged and sorted."""

    def __init__(self, spans: Iterable[Span]) -> None:
        merged: list[Span] = []
        for span in sorted(spans):
            if merged and span.start <= merged[-1].end:
                merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
            elif span.start < span.end:
                merged.append(span)
        self._starts = [span.start for span in merged]
        self._ends = [span.end for span in merged]

    def __contains__(self, instant: Micros) -> bool:
        index = bisect_right(self._starts, instant) - 1
        return index >= 0 and instant < self._ends[index]

    def around(self, instant: Micros) -> Span:
        """The span that holds an instant; without one, the instant itself onwards."""
        if instant not in self:
            return Span(instant, FOREVER)
        index = bisect_right(self._starts, instant) - 1
        return Span(self._starts[index], self._ends[index])

    def edges(self) -> Iterator[Micros]:
        yield from self._starts
        yield from self._ends
