"""Counts runs against agreed limits as their results come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from pacs_monitor.intervals import Interval
from pacs_monitor.latency import Counted, CountedOf, Counts, Limit
from pacs_monitor.model import SECOND, CheckId, Micros, Result
from pacs_monitor.windows import Window


class LatencyCounter:
    """Counts results on the event loop; `take_batch` takes the counts away."""

    def __init__(self, planned: Callable[[CheckId], Window | None] = lambda _check: None) -> None:
        self.planned = planned
        """The maintenance that a check is in now."""
        self._limits: Mapping[CheckId, tuple[Limit, ...]] = {}
        self._zone: tzinfo = UTC
        self._day = Interval(0, 0)
        self._counts: Counts = {}

    def adopt(self, limits: Mapping[CheckId, tuple[Limit, ...]], timezone: str) -> None:
        """At the start, and after each reload."""
        self._limits, self._zone, self._day = limits, ZoneInfo(timezone), Interval(0, 0)

    def take(self, result: Result) -> None:
        limits = self._limits.get(result.check)
        if not limits:
            return
        window = self.planned(result.check)
        for limit in limits:
            speed = limit.judge(result)
            if speed is None or not limit.covers(result.started):
                continue
            if window is not None and limit.leaves_out(window.announced, window.start, self._zone):
                continue
            day = self._day_of(result.started)
            of = CountedOf(result.check, limit.objective, limit.measure, limit.within, day)
            self._counts.setdefault(of, Counted()).count(speed)

    def take_batch(self) -> Counts:
        """All that was counted since the last one."""
        counts, self._counts = self._counts, {}
        return counts

    def _day_of(self, at: Micros) -> Micros:
        if not self._day.start <= at < self._day.end:
            here = datetime.fromtimestamp(at // SECOND, UTC).astimezone(self._zone).date()
            midnights = (datetime.combine(day, time(), self._zone) for day in (here, here + timedelta(days=1)))
            self._day = Interval(*(round(one.timestamp()) * SECOND for one in midnights))
        return self._day.start
