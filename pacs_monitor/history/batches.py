"""What each heartbeat writes: last results, rollups, failures in a row, trends, memory.

Pulses are first merged into what is not yet written; rows are absolute, so that writing them twice is harmless. Only a
commit forgets them: while the database is away they gather, one row per check.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from pacs_monitor.history import constancy
from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import MOST_CHANGES, MOST_SAMPLES, ChangeSeen, FailureRun, HeartbeatBatch, Sample
from pacs_monitor.history.identities import Known, prove
from pacs_monitor.history.latencies import Latencies
from pacs_monitor.history.rollups import Rollups
from pacs_monitor.history.rows import CheckIds, insert_once, upsert
from pacs_monitor.model import CheckId, Micros, Result

log = logging.getLogger(__name__)


class Batches:
    """The writer's memory of what has still to be written."""

    def __init__(self, ids: CheckIds) -> None:
        self._ids = ids
        self._rollups, self._latencies = Rollups(ids), Latencies(ids)
        self._results: dict[CheckId, Result] = {}
        self._running: dict[CheckId, FailureRun] = {}
        self._failures: dict[tuple[CheckId, Micros], FailureRun] = {}
        self._samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self._changes: deque[ChangeSeen] = deque(maxlen=MOST_CHANGES)
        self._memory: dict[CheckId, str] = {}
        self._remembered: dict[CheckId, str] = {}
        self._good: dict[Known, Micros] = {}
        self._constancy: deque[Result] = deque(maxlen=MOST_CHANGES)

    def take(self, batch: HeartbeatBatch) -> None:
        """Merge a heartbeat batch into what has to be written."""
        self._results.update(batch.results)
        self._rollups.take(batch.now, batch.runs)
        self._latencies.take(batch.latencies)
        for failure in batch.failures:
            self._take_failure(failure)
        self._samples.extend(batch.samples)
        self._changes.extend(batch.changes)
        self._constancy.extend(batch.constancy)
        for check, kept in batch.memory.items():
            self._take_memory(check, kept)
        for known, at in batch.good.items():
            self._good[known] = min(at, self._good.get(known, at))

    def write(self, connection: Connection) -> None:
        touched = {*self._results, *self._memory, *(check for check, _ in self._failures)}
        touched |= {sample.check for sample in self._samples} | {seen.check for seen in self._changes}
        touched |= {known.check for known in self._good} | {result.check for result in self._constancy}
        ids = self._ids.of(connection, touched)
        upsert(connection, t.standings, [_standing(ids[r.check], r) for r in self._results.values()], ["check_id"])
        self._rollups.write(connection)
        self._latencies.write(connection)
        failures = [_failure(ids[failure.check], failure) for failure in self._failures.values()]
        upsert(connection, t.failures, failures, ["check_id", "started"])
        self._write_samples(connection, ids)
        insert_once(connection, t.changes, [_change(ids[seen.check], seen) for seen in self._changes])
        remembered = [{"check_id": ids[check], "data": json.loads(kept)} for check, kept in self._memory.items()]
        upsert(connection, t.memory, remembered, ["check_id"])
        prove(connection, ids, self._good)
        constancy.insert(connection, ids, self._constancy)

    def written(self) -> None:
        """All of it is durable."""
        self._remembered |= self._memory
        self._rollups.written()
        self._latencies.written()
        for mapping in (self._results, self._failures, self._memory, self._good):
            mapping.clear()
        for waiting in (self._samples, self._changes, self._constancy):
            waiting.clear()

    def _take_failure(self, new: FailureRun) -> None:
        run = self._running.get(new.check)
        if run and new.continues and (run.reason, run.phase) == (new.reason, new.phase):
            run.last, run.count, run.detail, run.status = new.last, run.count + new.count, new.detail, new.status
        else:
            run = self._running[new.check] = new
        self._failures[run.check, run.first] = run

    def _take_memory(self, check: CheckId, kept: Mapping[str, Any]) -> None:
        try:
            document = json.dumps(kept, separators=(",", ":"))
        except (TypeError, ValueError):
            log.error("check %s: the probe's memory is not JSON and is not saved", check)
            return
        if document != self._remembered.get(check):
            self._memory[check] = document

    def _write_samples(self, connection: Connection, ids: Mapping[CheckId, int]) -> None:
        if not self._samples:
            return
        keys = {(s.check, s.measurement.name, s.measurement.labels) for s in self._samples}
        insert_once(
            connection,
            t.series,
            [{"check_id": ids[check], "name": name, "labels": dict(labels)} for check, name, labels in sorted(keys)],
        )
        wanted = {ids[check] for check, _, _ in keys}
        known = connection.execute(select(t.series).where(t.series.c.check_id.in_(wanted)))
        series = {(row.check_id, row.name, tuple(row.labels.items())): row.id for row in known}
        rows = [
            {
                "series_id": series[ids[s.check], s.measurement.name, s.measurement.labels],
                "at": s.at,
                "value": s.measurement.value,
            }
            for s in self._samples
        ]
        insert_once(connection, t.samples, rows)


def _standing(check: int, result: Result) -> dict[str, Any]:
    outcome = result.outcome
    return {
        "check_id": check,
        "started": result.started,
        "duration": result.duration,
        "status": outcome.status,
        "reason": outcome.reason,
        "phase": outcome.phase if outcome.reason else None,
        "detail": outcome.detail if outcome.reason else "",
    }


def _change(check: int, seen: ChangeSeen) -> dict[str, Any]:
    what, before, after = seen.change
    return {"check_id": check, "at": seen.at, "what": what, "before": before, "after": after}


def _failure(check: int, failure: FailureRun) -> dict[str, Any]:
    return {
        "check_id": check,
        "started": failure.first,
        "ended": failure.last,
        "count": failure.count,
        "status": failure.status,
        "reason": failure.reason,
        "phase": failure.phase,
        "detail": failure.detail,
    }
