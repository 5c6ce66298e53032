"""Rows in every table of a database, whatever its schema: what tests of exports, moves and migrations start from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    insert,
    select,
)

from pacs_monitor.history import copying
from pacs_monitor.history.engines import alone, parse, upgrade, writing

PEOPLE = "Röntgen \N{SKULL} 'quoted' \"so\" line\nbreak"
FIRST = f"monitors.name 1 {PEOPLE}"
"""The name of the first monitor."""
DOCUMENTS = {"members": "[]", "linked": "[]", "entry": "{}", "data": '{"by":"ada","why":"\\u00e4"}'}
WORDS = {"before": "up", "after": "down", "reason": "tcp_refused", "phase": "connect"}
GIVEN = DOCUMENTS | WORDS
"""What the columns of these names hold: not any text."""


def fill(url: str, to: str = "head", rows: int = 3) -> None:
    """Make the schema that of a migration, and put some rows into each of its tables."""
    engine = writing(parse(url))
    with engine.begin() as connection:
        alone(connection)
        upgrade(connection, to)
        if rows:
            put_rows(connection, rows)
    engine.dispose()


def put_rows(connection: Connection, rows: int) -> None:
    for table in copying.tables(connection):
        connection.execute(insert(table), [_row(table, number) for number in range(1, rows + 1)])
    copying.number_on(connection)


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(table, column, number) for column in table.columns}


def _value(table: Table, column: Column[Any], number: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return _value(key.column.table, key.column, number)
    if column.nullable and number == 2:
        return None
    match column.type:
        case Boolean():
            return number % 2 == 0
        case BigInteger() if not column.primary_key:
            return number * 1_764_000_000_000_001
        case Integer():
            return number
        case Float():
            return number / 3
        case LargeBinary():
            return bytes([0, 255, number])
    return GIVEN.get(column.name) or f"{table.name}.{column.name} {number} {'' if column.primary_key else PEOPLE}"


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but those about the database itself."""
    engine = writing(parse(url))
    with engine.connect() as connection:
        found = MetaData()
        found.reflect(bind=connection)
        skipped = ("alembic_version", "moves")
        tables = [table for table in found.sorted_tables if table.name not in skipped]
        rows = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr) for table in tables
        }
    engine.dispose()
    return rows
