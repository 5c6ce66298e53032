"""What is older than agreed goes in small pieces, what is to stay stays, and no write is held up by that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from pacs_monitor.history import HeartbeatBatch, History, Runs, retention
from pacs_monitor.history import tables as t
from pacs_monitor.history.engines import parse, writing
from pacs_monitor.history.retention import Kept
from pacs_monitor.history.rollups import DAY, HOUR
from pacs_monitor.model import SECOND, Micros
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO, outage

TODAY = START // (DAY * SECOND) * DAY * SECOND
A_DAY: Micros = DAY * SECOND
KEPT = Kept(failures=400 * A_DAY, trends=300 * A_DAY, rollups=1096 * A_DAY)
RUNS = {"ok": 1, "warn": 0, "fail": 0, "unknown": 0, "brief": 0, "seconds": 0.5, "buckets": {"7": 1}, "over": {}}
FAILED = {"count": 1, "status": "fail", "reason": "tcp_refused", "phase": "connect", "detail": "refused"}


class Record:
    """Rows put into the database beside the history, for each of some checks."""

    def __init__(self, url: str, checks: int) -> None:
        self.engine = writing(parse(url))
        with self.engine.begin() as connection:
            monitor = connection.scalar(select(t.monitors.c.id))
            names = [{"monitor_id": monitor, "node": f"node-{n}", "name": "dicom_echo"} for n in range(checks)]
            connection.execute(insert(t.checks), names)
            self.checks = list(connection.scalars(select(t.checks.c.id).where(t.checks.c.node.like("node-%"))))
            rows = [{"check_id": check, "name": "free", "labels": {}} for check in self.checks]
            connection.execute(insert(t.series), rows)
            self.series = list(connection.scalars(select(t.series.c.id)))

    def hours(self, *days: int, hours: int = 24) -> None:
        starts = [TODAY - day * A_DAY + hour * HOUR * SECOND for day in days for hour in range(hours)]
        self._put(
            t.rollups, [RUNS | {"check_id": c, "width": HOUR, "started": at} for c in self.checks for at in starts]
        )

    def aged(self, *days: int) -> None:
        for day in days:
            at = TODAY - day * A_DAY
            self._put(t.rollups, [RUNS | {"check_id": c, "width": DAY, "started": at} for c in self.checks])
            self._put(t.failures, [FAILED | {"check_id": c, "started": at - 1, "ended": at} for c in self.checks])
            self._put(t.samples, [{"series_id": s, "at": at, "value": 1.0} for s in self.series])

    def _put(self, table: Any, rows: list[dict[str, Any]]) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table), rows)

    def ages(self, table: Any, column: Any) -> list[int]:
        with self.engine.connect() as connection:
            return [
                (TODAY - at) // A_DAY for at in connection.scalars(select(column).distinct().order_by(column.desc()))
            ]

    def rows(self, table: Any) -> int:
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0


async def test_what_is_older_than_agreed_goes_and_transitions_stay(
    history: History, clock: HandClock, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROWS", "CHECKS"):
        monkeypatch.setattr(retention, name, 2)
    await history.record(outage(TODAY - 3000 * A_DAY))
    record = Record(url, 5)
    record.aged(10, 299, 301, 399, 401, 1095, 1097)
    clock.time = TODAY
    await history.compact(KEPT)
    assert record.ages(t.failures, t.failures.c.ended) == [10, 299, 301, 399]
    assert record.ages(t.samples, t.samples.c.at) == [10, 299]
    assert record.ages(t.rollups, t.rollups.c.started) == [10, 299, 301, 399, 401, 1095]
    assert record.rows(t.transitions) == 1
    record.engine.dispose()


async def test_another_monitor_on_the_same_database_keeps_what_it_agreed(
    history: History, clock: HandClock, url: str
) -> None:
    west = History.open(url, "west", clock)
    record = Record(url, 2)
    record.aged(500)
    clock.time = TODAY
    with record.engine.begin() as connection:
        other = connection.scalar(select(t.monitors.c.id).where(t.monitors.c.name == "west"))
        connection.execute(t.checks.update().where(t.checks.c.id == record.checks[0]).values(monitor_id=other))
    await west.compact(KEPT)
    west.close()
    assert (record.rows(t.failures), record.rows(t.samples)) == (1, 1)
    record.engine.dispose()


async def test_a_page_waits_for_one_piece_at_most(
    history: History, clock: HandClock, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHECKS", 5)
    record = Record(url, 60)
    record.hours(5, 6)
    clock.time = TODAY
    compacting = asyncio.create_task(history.compact(KEPT))
    written = 0
    while not compacting.done():
        await history.record(outage(START + written))
        written += 1
    await compacting
    assert written >= 10, "most of the time is left to pages"
    assert (record.rows(t.rollups), record.rows(t.incidents)) == (2 * 60, written)
    record.engine.dispose()


async def test_what_was_cut_short_goes_on(
    history: History, clock: HandClock, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHECKS", 1)
    record = Record(url, 8)
    record.hours(5)
    clock.time = TODAY
    before = history.reader.runs(TODAY - 10 * A_DAY, TODAY)
    compacting = asyncio.create_task(history.compact(KEPT))
    while record.rows(t.rollups) == 8 * 24:
        await asyncio.sleep(0.01)
    compacting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await compacting
    assert 8 < record.rows(t.rollups) < 8 * 24
    assert history.reader.runs(TODAY - 10 * A_DAY, TODAY) == before
    await history.compact(KEPT)
    assert record.rows(t.rollups) == 8
    assert history.reader.runs(TODAY - 10 * A_DAY, TODAY) == before
    record.engine.dispose()


async def test_heartbeats_and_compaction_of_the_same_check_lose_no_run(
    history: History, clock: HandClock, url: str
) -> None:
    late = TODAY - 5 * A_DAY
    for hour in range(4):
        runs = {ECHO: Runs(ok=1)}
        await asyncio.wrap_future(history.beat(HeartbeatBatch(late + hour * HOUR * SECOND, runs=runs)))
        clock.time = TODAY
        await history.compact(KEPT)
    (found,) = history.reader.runs(late, late + A_DAY).values()
    assert found.ok == 4
