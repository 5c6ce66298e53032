"""The tables of constancy logs: each test transmission of the checks that a log names, and what people explain.

A row is about 300 bytes, has no free text of a peer, and is kept for ever; other checks have none. What a person says
stands beside the rows and changes none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Float, Index, Row, Table, select

from pacs_monitor.history import decisions
from pacs_monitor.history.columns import PlainText, metadata, of, text, time
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rows import insert_once
from pacs_monitor.history.tables import checks as checks_table
from pacs_monitor.intervals import Interval
from pacs_monitor.model import CheckId, Micros, Reason, Result, Status

runs = Table(
    "constancy_runs",
    metadata,
    of("checks", "check_id", primary_key=True),
    Column("started", BigInteger, primary_key=True),
    Column("duration", Float, nullable=False),
    text("status"),
    text("reason", nullable=True),
    text("sop_class_uid"),
    text("sop_instance_uid"),
    text("verify"),
    Column("bytes", BigInteger, nullable=True),
    Column("store_seconds", Float, nullable=True),
    Column("available_seconds", Float, nullable=True),
)
"""The texts about the object are empty, and the measurements null, where no object was taken or found."""

explanations = Table(
    "constancy_explanations",
    metadata,
    Column("id", PlainText, primary_key=True),
    of("monitors", "monitor_id"),
    text("log"),
    text("day"),
    time("at"),
    Column("by", PlainText, nullable=False),
    text("why"),
    Index(None, "monitor_id", "log", "day"),
)
"""What people say of a day (`2026-09-14`) of a log; none is ever changed or removed."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """One run of a check that a constancy log names."""

    check: CheckId
    started: Micros
    duration: float
    status: Status
    reason: Reason | None
    sop_class: str
    sop_instance: str
    verify: str
    """How the arrival was verified, as the check's `verify` says it."""
    size: int | None
    """Bytes of the object that was sent; None where none was taken."""
    store_seconds: float | None
    """From the request to its answer."""
    available_seconds: float | None
    """From the answer until the object was found everywhere that it was looked for; None where it was not."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What somebody says of a day of a log; `id` is a ULID, `day` an ISO 8601 date."""

    id: str
    log: str
    day: str
    at: Micros
    by: str
    why: str


def insert(connection: Connection, ids: Mapping[CheckId, int], results: Iterable[Result]) -> None:
    """Writing the same again changes nothing."""
    insert_once(connection, runs, [_row(ids[result.check], result) for result in results])


def transmissions(reader: HistoryReader, checks: Collection[CheckId], during: Interval) -> list[Transmission]:
    """Those of these checks that began within a time, in order."""
    nodes = {check.node for check in checks}
    statement = reader.of_checks(runs, table=runs).where(
        checks_table.c.node.in_(nodes), runs.c.started >= during.start, runs.c.started < during.end
    )
    with reader.connected() as connection:
        rows = connection.execute(statement.order_by(runs.c.started)).all()
    return [_transmission(row) for row in rows if decisions.check(row) in checks]


def explain(connection: Connection, monitor: int, explanation: Explanation) -> None:
    """Beside what others have said of the day."""
    insert_once(connection, explanations, [asdict(explanation) | {"monitor_id": monitor}])


def explained(reader: HistoryReader, log: str, first: str, last: str) -> list[Explanation]:
    """What was said of the days from a first to a last one, in the order in which it was said."""
    of_log = explanations.c
    names = [column for column in of_log if column.name != "monitor_id"]
    ours = select(*names).where(of_log.monitor_id == reader.monitor, of_log.log == log)
    with reader.connected() as connection:
        rows = connection.execute(ours.where(of_log.day >= first, of_log.day <= last).order_by(of_log.at, of_log.id))
        return [Explanation(**row._mapping) for row in rows]


def _row(check: int, result: Result) -> dict[str, Any]:
    outcome, stored = result.outcome, result.outcome.stored
    return {
        "check_id": check,
        "started": result.started,
        "duration": result.duration,
        "status": outcome.status,
        "reason": outcome.reason,
        "sop_class_uid": stored.sop_class if stored else "",
        "sop_instance_uid": stored.sop_instance if stored else "",
        "verify": stored.verify if stored else "",
        "bytes": None if (size := _measured(result, "store_object_bytes")) is None else round(size),
        "store_seconds": _measured(result, "store_seconds"),
        "available_seconds": _measured(result, "store_available_seconds"),
    }


def _measured(result: Result, name: str) -> float | None:
    """The largest value: an object has arrived when it has arrived everywhere."""
    return max((one.value for one in result.outcome.measurements if one.name == name), default=None)


def _transmission(row: Row[Any]) -> Transmission:
    return Transmission(
        decisions.check(row),
        row.started,
        row.duration,
        Status(row.status),
        decisions.reason(row),
        row.sop_class_uid,
        row.sop_instance_uid,
        row.verify,
        row.bytes,
        row.store_seconds,
        row.available_seconds,
    )
