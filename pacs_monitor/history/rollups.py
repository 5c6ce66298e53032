"""Runs, counted by the hour for three days and then by the UTC day (history.retention sees to that)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from pacs_monitor.history.accumulator import Runs
from pacs_monitor.history.rows import CheckIds, upsert
from pacs_monitor.history.tables import checks, rollups
from pacs_monitor.model import SECOND, CheckId, Micros

HOUR = 3600
DAY = 24 * HOUR
HOURLY_FOR = 3 * DAY
"""Seconds for which runs are kept by the hour."""
NO_RUNS = Runs()
KEYS = ("check_id", "width", "started")


class Rollups:
    """The rows of the hour that goes on, and of hours that are not yet written. A batch counts in its own hour."""

    def __init__(self, ids: CheckIds) -> None:
        self._ids = ids
        self._fresh: dict[tuple[CheckId, Micros], Runs] = {}
        self._rows: dict[tuple[CheckId, Micros], Runs] = {}
        self._loaded: set[Micros] = set()
        self._hour: Micros = 0

    def take(self, now: Micros, runs: Mapping[CheckId, Runs]) -> None:
        self._hour = now - now % (HOUR * SECOND)
        for check, counted in runs.items():
            self._fresh.setdefault((check, self._hour), Runs()).add(counted)

    def write(self, connection: Connection) -> None:
        """Rows with all that was counted in their hour, also before a restart."""
        ids = self._ids.of(connection, {check for check, _ in self._fresh})
        for hour in {hour for _, hour in self._fresh} - self._loaded:
            self._load(connection, hour)
        rows = []
        for (check, hour), counted in self._fresh.items():
            total = Runs()
            for part in (self._rows.get((check, hour), NO_RUNS), counted):
                total.add(part)
            rows.append(as_row(ids[check], HOUR, hour, total))
        upsert(connection, rollups, rows, KEYS)

    def written(self) -> None:
        for key, counted in self._fresh.items():
            self._rows.setdefault(key, Runs()).add(counted)
        self._loaded |= {hour for _, hour in self._fresh}
        self._fresh = {}
        self._loaded &= {self._hour}
        self._rows = {key: runs for key, runs in self._rows.items() if key[1] == self._hour}

    def _load(self, connection: Connection, hour: Micros) -> None:
        """What an earlier run of the monitor counted in this hour."""
        there = connection.execute(
            select(rollups, checks.c.node, checks.c.name)
            .join(checks)
            .where(rollups.c.width == HOUR, rollups.c.started == hour, checks.c.monitor_id == self._ids.monitor)
        )
        self._rows |= {(CheckId(row.node, row.name), hour): as_runs(row) for row in there}


def compact(connection: Connection, checks: Collection[int], day: Micros) -> None:
    """Merge the hours of some checks in a day into their rows of the day; done again, it changes nothing."""
    end = day + DAY * SECOND
    of = rollups.c
    hours = of.check_id.in_(checks) & (of.width == HOUR) & (of.started >= day) & (of.started < end)
    there = hours | (of.check_id.in_(checks) & (of.width == DAY) & (of.started == day))
    merged: dict[int, Runs] = {}
    for row in connection.execute(select(rollups).where(there)):
        merged.setdefault(row.check_id, Runs()).add(as_runs(row))
    upsert(connection, rollups, [as_row(check, DAY, day, runs) for check, runs in merged.items()], KEYS)
    connection.execute(delete(rollups).where(hours))


def as_runs(row: Row[Any]) -> Runs:
    buckets = {int(number): count for number, count in row.buckets.items()}
    return Runs(row.ok, row.warn, row.fail, row.unknown, row.brief, row.seconds, buckets)


def as_row(check: int, width: int, started: Micros, runs: Runs) -> dict[str, Any]:
    return {
        "check_id": check,
        "width": width,
        "started": started,
        "ok": runs.ok,
        "warn": runs.warn,
        "fail": runs.fail,
        "unknown": runs.unknown,
        "brief": runs.brief,
        "seconds": runs.seconds,
        "buckets": runs.buckets,
        "over": {},
    }
