"""What changed lately, by the record: peers, planned maintenance, the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Row, Table, select

from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import ChangeSeen
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.model import Change, CheckId, Maintained, Micros

MOST = 2000
"""Rows of each sort that are read, the latest."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest of each sort, the last first."""

    seen: Sequence[ChangeSeen]
    """At peers."""
    maintained: Sequence[Maintained]
    """Maintenance that is over."""
    revisions: Sequence[tuple[Micros, str]]
    """When a configuration was adopted, and its diff."""

    @classmethod
    def read(cls, reader: HistoryReader, start: Micros) -> Self:
        """From `start` on; raises HistoryError."""
        with reader.connected() as connection:
            changes = _of_checks(connection, reader.monitor, t.changes, t.changes.c.at, start)
            spans = _of_checks(connection, reader.monitor, t.maintained, t.maintained.c.until, start)
            of = t.revisions.c
            statement = select(of.at, of.diff).where(of.monitor_id == reader.monitor, of.at >= start)
            adopted = connection.execute(statement.order_by(of.id.desc()).limit(MOST))
            return cls(
                [ChangeSeen(check, row.at, Change(row.what, row.before, row.after)) for check, row in changes],
                [Maintained(check, row.window, row.since, row.until, row.name) for check, row in spans],
                [(row.at, row.diff) for row in adopted],
            )


def _of_checks(
    connection: Connection, monitor: int, table: Table, at: Any, start: Micros
) -> list[tuple[CheckId, Row[Any]]]:
    joined = select(t.checks.c.node, t.checks.c.name.label("check_name"), table)
    joined = joined.join_from(t.checks, table, table.c.check_id == t.checks.c.id)
    statement = joined.where(t.checks.c.monitor_id == monitor, at >= start).order_by(at.desc()).limit(MOST)
    return [(CheckId(row.node, row.check_name), row) for row in connection.execute(statement)]
