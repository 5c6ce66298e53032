"""The rows of a database as they are stored, table by table, whatever its schema: read, compared, put into another.

The tables are those that the database has, not those that this version knows, so that none is ever left out.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, column, func, insert, select, table, text

from pacs_monitor.history.engines import take_your_time
from pacs_monitor.history.errors import HistoryError
from pacs_monitor.history.moved import moves

AT_ONCE = 1000
"""Rows that are read or written at once."""
NOT_RECORD = ("alembic_version", moves.name)
"""Tables about the database, not about what was recorded."""
NUMBERED = text(
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND column_default LIKE 'nextval%'"
)

Row = dict[str, Any]
Progress = Callable[[int, int], None]
"""Called with how many rows are done, of how many."""


class Digest(NamedTuple):
    """Of the rows of a table, in whatever order."""

    rows: int
    sum: int


def tables(connection: Connection) -> list[Table]:
    """What was recorded; a table that refers to another comes after it."""
    found = MetaData()
    found.reflect(bind=connection)
    return [one for one in found.sorted_tables if one.name not in NOT_RECORD]


def schema(connection: Connection) -> str:
    """The number of the last migration; HistoryError when there was none."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        raise HistoryError("check monitor.database: this is not a history of pacs-monitor")
    return found


def monitors(connection: Connection) -> list[str]:
    """The names of those whose record it is."""
    return list(connection.scalars(text("SELECT name FROM monitors ORDER BY name")))


def count(connection: Connection, of: Table) -> int:
    return connection.scalar(select(func.count()).select_from(of)) or 0


def read(connection: Connection, of: Table) -> Iterator[list[Row]]:
    """The rows of a table, some at a time, in the order of its key."""
    statement = select(of).order_by(*of.primary_key.columns)
    result = connection.execute(statement, execution_options={"yield_per": AT_ONCE})
    for some in result.mappings().partitions():
        yield [dict(row) for row in some]


def put(connection: Connection, into: Table, rows: Sequence[Row]) -> None:
    connection.execute(insert(into), list(rows))


def line(name: str, row: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON; bytes are `{"base64": …}`."""
    return json_line({"table": name, "row": {key: _written(value) for key, value in row.items()}})


def json_line(value: Mapping[str, Any]) -> bytes:
    """Of JSON Lines."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def row_of(values: Mapping[str, Any]) -> Row:
    """The row that such a line is of."""
    return {name: b64decode(value["base64"]) if isinstance(value, dict) else value for name, value in values.items()}


def _written(value: Any) -> Any:
    return {"base64": b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def digest(connection: Connection, of: Table, seen: Callable[[int], None] = lambda _: None) -> Digest:
    """The same in both databases for the same rows. `seen` is called with how many rows were read."""
    rows = total = 0
    for some in read(connection, of):
        for row in some:
            total += int.from_bytes(hashlib.sha256(line(of.name, row)).digest())
        rows += len(some)
        seen(len(some))
    return Digest(rows, total % (1 << 256))


def number_on(connection: Connection) -> None:
    """The rows brought their own numbers; PostgreSQL is to go on after them."""
    if connection.dialect.name == "sqlite":
        return
    for of, name in connection.execute(NUMBERED).all():
        last = select(func.coalesce(func.max(column(name)), 0) + 1).select_from(table(of)).scalar_subquery()
        connection.execute(select(func.setval(func.pg_get_serial_sequence(of, name), last, False)))


@contextmanager
def unhurried(connection: Connection) -> Iterator[None]:
    """A transaction that may take hours, and in which all is read as it was at its beginning."""
    is_server = connection.dialect.name != "sqlite"
    if is_server:
        connection.execution_options(isolation_level="REPEATABLE READ")
    with connection.begin():
        if is_server:
            take_your_time(connection)
        yield
