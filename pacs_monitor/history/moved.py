"""Whether the record still is in this database: one that was moved is written and read where it went, there alone."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, select

from pacs_monitor.history.columns import PlainText, metadata, text, time
from pacs_monitor.history.errors import HistoryError
from pacs_monitor.model import Micros, iso

moves = Table(
    "moves",
    metadata,
    Column("id", PlainText, primary_key=True),
    time("at"),
    text("state"),
    text("other"),
)
"""That the record is being moved here, or was moved from here; `other` is the other database, without its password."""


class MoveState(StrEnum):
    """Of the database that the row is in."""

    ARRIVING = "arriving"
    """It is not complete yet."""
    MOVED = "moved"
    """It stays as it was, and is used no more."""


class Move(NamedTuple):
    """`id` is that of the record, whichever database it is in."""

    id: str
    at: Micros
    state: MoveState
    other: str


def move_of(connection: Connection) -> Move | None:
    row = connection.execute(select(moves)).one_or_none()
    return None if row is None else Move(row.id, row.at, MoveState(row.state), row.other)


def require_here(connection: Connection, database: str) -> None:
    """Refuse to use a database that a record was moved from, or in which it has not arrived; HistoryError."""
    move = move_of(connection)
    if move is None:
        return
    if move.state is MoveState.MOVED:
        raise HistoryError(
            f"set monitor.database to {move.other}: the history in {database} was moved there on {iso(move.at)}; "
            "the old one stays as it was and is not used any more"
        )
    raise HistoryError(
        f"run `pacs-monitor history move` again with the configuration of {move.other}: its move into {database}, "
        f"begun on {iso(move.at)}, is not complete; until then the old one is good, and can be used"
    )
