"""What every writing part needs: upserts in the dialect at hand, and the surrogate ids of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from pacs_monitor.history.tables import checks
from pacs_monitor.model import CheckId

Row = Mapping[str, Any]
Where = Callable[[Any, Any], ColumnElement[bool]]
"""By the columns of the old row and of the new."""


def _insert(connection: Connection, table: Table) -> Any:
    """An INSERT that may say ON CONFLICT, of SQLite or PostgreSQL: the other one is never loaded."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)


def upsert(
    connection: Connection, table: Table, rows: Sequence[Row], keys: Sequence[str], *, where: Where | None = None
) -> None:
    """Insert rows, or overwrite those that have the same keys, `where` the old row may be overwritten by the new."""
    if not rows:
        return
    statement = _insert(connection, table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    may = None if where is None else where(table.c, statement.excluded)
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes, where=may), list(rows))


def insert_once(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; those that are there already stay as they are."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


class CheckIds:
    """The surrogate ids of a monitor's checks: a check that is removed and comes back keeps its id."""

    def __init__(self, monitor: int) -> None:
        self.monitor = monitor
        self._known: dict[CheckId, int] = {}

    def of(self, connection: Connection, wanted: Iterable[CheckId]) -> Mapping[CheckId, int]:
        """The ids of at least these checks; new ones are given an id."""
        missing = {check for check in wanted if check not in self._known}
        if missing:
            self._load(connection)
            new = [
                {"monitor_id": self.monitor, "node": check.node, "name": check.check}
                for check in sorted(missing - self._known.keys())
            ]
            insert_once(connection, checks, new)
            if new:
                self._load(connection)
        return self._known

    def forget(self) -> None:
        """A transaction was rolled back: ids that it gave do not hold."""
        self._known = {}

    def _load(self, connection: Connection) -> None:
        rows = connection.execute(
            select(checks.c.id, checks.c.node, checks.c.name).where(checks.c.monitor_id == self.monitor)
        )
        self._known = {CheckId(row.node, row.name): row.id for row in rows}
