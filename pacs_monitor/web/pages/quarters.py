"""What quarters came to, for the page of reports: agreements met or missed, and the days of their services.

A past quarter is worked out at most once an hour, the one that goes on every ten minutes, one at a time and when
somebody looks: it is pure Python, which the probes' loop waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.language import _
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.reports import agreements, verdicts, words
from pacs_monitor.reports.periods import Period, days, overlapping
from pacs_monitor.reports.record import Record
from pacs_monitor.reports.tables import by_day
from pacs_monitor.services import Track, cut
from pacs_monitor.uptime import Cause
from pacs_monitor.web.pages.strip import Cell, cell
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.view import DaemonView

BACK = 4
"""Quarters before the one that goes on."""
YEAR: Micros = 370 * 86_400 * SECOND
REST, WITHIN = 4.0, 60.0
"""Times the duration of an account until the next one; seconds that one may take."""
PAST_FOR, THIS_FOR = 3600.0, 600.0
"""Seconds for which an account is shown."""
NAMED = 5
"""Of those that were missed."""


class Line(NamedTuple):
    """An agreement in a quarter."""

    name: str
    verdict: str
    """The worst of its rows."""
    rows: tuple[dict[str, Any], ...]
    cells: tuple[Cell, ...]
    """The days of its service; none where it is about nodes."""

    @property
    def said(self) -> str:
        """In the language that is spoken."""
        return _said(self.rows)


class Quarter(NamedTuple):
    """What it came to."""

    period: Period
    so_far: bool
    days: int
    """Of the whole of it."""
    watched: bool
    """Whether there was anything to watch at some time of it."""
    lines: tuple[Line, ...]
    at: Micros
    """When that was worked out."""


class Quarters:
    """Those of the last year, as far as they were worked out."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._turns = SingleFlight(REST)
        self._known: dict[str, Quarter] = {}

    async def look(self) -> list[tuple[Period, Quarter | None]]:
        """The latest first; None where it is still to be worked out. Works out one of them."""
        now, zone = self._daemon.clock.now(), self._daemon.estate.monitor.timezone
        wanted = overlapping("quarter", Interval(now - YEAR, now), zone)[: -BACK - 2 : -1]
        stale = [period for period in wanted if self._is_stale(period, now)]
        if stale and not self._turns.busy:
            async with self._turns.turn():
                try:
                    read = self._daemon.history.read
                    self._known[stale[0].name] = await read(lambda reader: account(reader, stale[0], now), WITHIN)
                except HistoryError:  # the page says so by itself
                    pass
        return [(period, self._known.get(period.name)) for period in wanted]

    def _is_stale(self, period: Period, now: Micros) -> bool:
        known = self._known.get(period.name)
        if known is None or known.period.timezone != period.timezone or known.so_far != period.so_far(now):
            return True
        return now - known.at > (THIS_FOR if known.so_far else PAST_FOR) * SECOND


def account(reader: HistoryReader, period: Period, now: Micros) -> Quarter:
    """One quarter; for any thread."""
    record = agreements.record_of(reader, period)
    rows = list(agreements.rows(record, period, now))
    lines = [
        _line(record, period, now, name, list(group)) for name, group in groupby(rows, key=lambda row: row["name"])
    ]
    watched = any(
        one.start < period.interval.end and one.end > period.interval.start
        for spans in record.watched.values()
        for one in spans
    )
    length = len(days(period.interval, period.timezone))
    return Quarter(period, period.so_far(now), length, watched, tuple(lines), now)


def _line(record: Record, period: Period, now: Micros, name: str, rows: Sequence[dict[str, Any]]) -> Line:
    worst = min(rows, key=lambda row: words.WORST_FIRST.index(row["verdict"]))
    cells: tuple[Cell, ...] = ()
    if worst["subject"] == "service":
        during = Interval(period.interval.start, min(period.interval.end, now))
        cells = _cells(cut(record.of_service(worst["of"]), during), during, period.timezone)
    return Line(name, worst["verdict"], tuple(rows), cells)


def _said(rows: Sequence[dict[str, Any]]) -> str:
    if len(rows) == 1:
        return verdicts.verdict(rows[0])[0]
    bad = [row for row in rows if row["verdict"] in ("missed", "not_assessable")]
    if not bad:
        if any(row["so_far"] for row in rows):
            return _("Within the allowance so far in all {count} cases.", count=len(rows))
        return _("Met in all {count} cases.", count=len(rows))
    judged = [_(words.VERDICTS[row["verdict"]]) for row in bad[:NAMED]]
    named = [f"{row['title']} {row['period']} ({verdict})" for row, verdict in zip(bad, judged, strict=False)]
    names = ", ".join(named)
    if len(bad) > NAMED:
        names = _("{named} and {more} more", named=names, more=len(bad) - NAMED)
    return _("Met in {met} of {count} cases; not in: {names}.", met=len(rows) - len(bad), count=len(rows), names=names)


def _cells(track: Track, during: Interval, zone: str) -> tuple[Cell, ...]:
    """A cell for each day, filled by the seconds of each class."""
    calendar, watched = days(during, zone), [one for one in track if one.standing.cause is not Cause.NOT_WATCHED]
    return tuple(
        cell(date.fromisoformat(day), of_day, whole)
        for (day, whole), of_day in zip(calendar, by_day(watched, calendar), strict=True)
    )
