"""Runs counted against agreed limits, by the day: for good, since they cannot be worked out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from pacs_monitor.history import tables as t
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rows import CheckIds, upsert
from pacs_monitor.intervals import Interval
from pacs_monitor.latency import Counted, CountedOf, Counts
from pacs_monitor.model import CheckId, Micros

KEYS = ("check_id", "objective", "measure", "within", "day")


class Latencies:
    """The rows of the latest day, and of days that are not yet written. Rows are absolute: written twice, no harm."""

    def __init__(self, ids: CheckIds) -> None:
        self._ids = ids
        self._fresh: Counts = {}
        self._rows: Counts = {}
        self._loaded: set[Micros] = set()

    def take(self, counts: Mapping[CountedOf, Counted]) -> None:
        _merge(self._fresh, counts)

    def write(self, connection: Connection) -> None:
        """Rows with all that was counted on their day, also before a restart."""
        ids = self._ids.of(connection, {of.check for of in self._fresh})
        for day in {of.day for of in self._fresh} - self._loaded:
            self._load(connection, day)
        totals: Counts = {}
        _merge(totals, {of: self._rows[of] for of in self._fresh if of in self._rows})
        _merge(totals, self._fresh)
        upsert(connection, t.latencies, [_row(ids[of.check], of, counted) for of, counted in totals.items()], KEYS)

    def written(self) -> None:
        _merge(self._rows, self._fresh)
        self._loaded |= {of.day for of in self._fresh}
        self._fresh = {}
        latest = max(self._loaded, default=0)
        self._loaded &= {latest}
        self._rows = {of: counted for of, counted in self._rows.items() if of.day == latest}

    def _load(self, connection: Connection, day: Micros) -> None:
        there = connection.execute(
            select(t.latencies, t.checks.c.node, t.checks.c.name)
            .join(t.checks)
            .where(t.latencies.c.day == day, t.checks.c.monitor_id == self._ids.monitor)
        )
        self._rows |= {_of(row): _counted(row) for row in there}


def counts(reader: HistoryReader, during: Interval) -> Counts:
    """What was counted on the days that begin in a time."""
    of = t.latencies.c
    statement = reader.of_checks(t.latencies, table=t.latencies).where(of.day >= during.start, of.day < during.end)
    with reader.connected() as connection:
        return {_of(row): _counted(row) for row in connection.execute(statement.order_by(of.day))}


def _merge(into: Counts, counts: Mapping[CountedOf, Counted]) -> None:
    for of, counted in counts.items():
        into.setdefault(of, Counted()).add(counted)


def _of(row: Row[Any]) -> CountedOf:
    return CountedOf(CheckId(row.node, row.name), row.objective, row.measure, row.within, row.day)


def _counted(row: Row[Any]) -> Counted:
    return Counted(row.in_time, row.slow, row.failed)


def _row(check: int, of: CountedOf, counted: Counted) -> dict[str, Any]:
    return {
        "check_id": check,
        "objective": of.objective,
        "measure": of.measure,
        "within": of.within,
        "day": of.day,
        "in_time": counted.in_time,
        "slow": counted.slow,
        "failed": counted.failed,
    }
