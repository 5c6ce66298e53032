"""The record from SQLite to PostgreSQL: resumable, compared by counts and hashes, and never in use at both places.

Theory of operation. While it is moved no daemon can run on either: the locks of the old database are held, and the new
one is marked as not complete. Each table is one transaction, so that after a kill the new database has some tables
whole; what differs from the old one by then, because a daemon has gone on there, is written anew. When all is the same,
first the old one is marked as moved, then the mark of the new one goes: whenever it is killed, at most one is usable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Table, delete, insert, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor.history import copying
from pacs_monitor.history.copying import Progress, unhurried
from pacs_monitor.history.engines import advice, alone, file_of, is_sqlite, migrate, parse, shown, upgrade, writing
from pacs_monitor.history.errors import HeldError, HistoryError, describe
from pacs_monitor.history.lease import DatabaseLease
from pacs_monitor.history.moved import Move, MoveState, move_of, moves
from pacs_monitor.model import Micros


class Mover:
    """Moves one record; `progress` is called with rows: those copied, and then those compared."""

    def __init__(self, source: str, target: str, now: Micros, progress: Progress) -> None:
        self._from, self._to = parse(source), parse(target)
        if not is_sqlite(self._from):
            raise HistoryError(
                "use pg_dump and pg_restore: the history is in PostgreSQL already; or export and import it"
            )
        if is_sqlite(self._to):
            raise HistoryError("write --to postgresql+psycopg://USER@HOST/DATABASE: an SQLite file is moved with mv")
        self._now, self._progress = now, progress
        self._done = self._total = 0

    def move(self) -> int:
        """All of it; how many rows. Raises HistoryError, after which it can be begun again."""
        file = file_of(self._from)
        try:
            with ExitStack() as held:
                names = _names(self._from)
                _hold(names, file, held)  # before SQLite opens the file, as history.lease says
                _require_recorded(file)
                migrate(self._from, moving=True)
                if _names(self._from) != names:
                    raise HistoryError("begin again: another monitor has begun to use this database meanwhile")
                return self._move(held.enter_context(_connected(self._from)), held)
        except SQLAlchemyError as error:
            raise HistoryError(
                f"begin again when this is mended, the old history is as it was: {describe(error)}; {advice(self._to)}"
            ) from error

    def _move(self, source: Connection, held: ExitStack) -> int:
        """While nothing else can use either of them."""
        with source.begin():
            identity, mark = _identity(source), move_of(source)
        if mark is not None and mark.other != shown(self._to):
            raise HistoryError(f"set monitor.database to {mark.other}: this history was moved there already")
        target = held.enter_context(_connected(self._to))
        with unhurried(target):
            there = inspect(target).get_table_names()
        if there and moves.name not in there:
            raise self._full(f"tables ({min(there)})")
        with unhurried(target):  # tables and mark at once, so that no daemon begins there in between
            alone(target)
            self._upgrade(target)
            here = self._begun(target, identity, mark)
        return 0 if here is None else self._whole(source, target, here, mark)

    def _upgrade(self, target: Connection) -> None:
        try:
            upgrade(target, "head")
        except CommandError:
            raise self._full("a history of another version of pacs-monitor") from None

    def _begun(self, target: Connection, identity: str, mark: Move | None) -> Move | None:
        """What the new database says of this move; None when it is complete already."""
        here = move_of(target)
        if here is not None and here.id == identity and here.state is MoveState.ARRIVING:
            return here
        full = [table.name for table in copying.tables(target) if copying.count(target, table)]
        if here is not None:
            raise self._full(f"another history (from {here.other})")
        if full and mark is None:
            raise self._full(f"rows ({full[0]})")
        if full:
            return None
        here = Move(identity, self._now, MoveState.ARRIVING, shown(self._from))
        target.execute(insert(moves).values(here._asdict()))
        return here

    def _full(self, what: str) -> HistoryError:
        return HistoryError(f"name an empty database with --to: {shown(self._to)} has {what} already")

    def _whole(self, source: Connection, target: Connection, here: Move, mark: Move | None) -> int:
        with source.begin():
            tables = copying.tables(source)
            rows = sum(copying.count(source, table) for table in tables)
            self._total = 3 * rows
            self._copy(source, target, tables)
            self._compare(source, target, tables)
            if mark is None:
                source.execute(
                    insert(moves).values(Move(here.id, self._now, MoveState.MOVED, shown(self._to))._asdict())
                )
        with unhurried(target):
            copying.number_on(target)
            target.execute(delete(moves))
        return rows

    def _copy(self, source: Connection, target: Connection, tables: list[Table]) -> None:
        """From the first table on that differs."""
        same = 0
        for table in tables:
            with unhurried(target):
                there = copying.count(target, table)
                if there != copying.count(source, table) or not self._is_same(source, target, table):
                    break
            same += 1
            self._see(there)
        with unhurried(target):
            for table in reversed(tables[same:]):
                target.execute(delete(table))
        for table in tables[same:]:
            with unhurried(target):
                for some in copying.read(source, table):
                    copying.put(target, table, some)
                    self._see(len(some))

    def _compare(self, source: Connection, target: Connection, tables: list[Table]) -> None:
        for table in tables:
            with unhurried(target):
                if not self._is_same(source, target, table, seen=True):
                    raise HistoryError(
                        f"begin again: {table.name} of {shown(self._to)} differs from that of {shown(self._from)}; "
                        "the old history is as it was"
                    )

    def _is_same(self, source: Connection, target: Connection, table: Table, *, seen: bool = False) -> bool:
        see = self._see if seen else lambda _: None
        return copying.digest(source, table, see) == copying.digest(target, table, see)

    def _see(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    engine = writing(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _names(source: URL) -> list[str]:
    """Of the monitors that have their record there."""
    with _connected(source) as connection, connection.begin():
        copying.schema(connection)
        return copying.monitors(connection)


def _identity(source: Connection) -> str:
    """Of the record: by the seeds of its monitors, which nothing changes."""
    seeds = list(source.scalars(text("SELECT seed FROM monitors ORDER BY id")))
    if not seeds:
        raise HistoryError("set monitor.database to the new one: nothing is on record yet that could be moved")
    return hashlib.sha256(",".join(seeds).encode()).hexdigest()[:26]


def _hold(names: list[str], file: Path, held: ExitStack) -> None:
    """The locks of every monitor that has its record there, so that none starts."""
    for name in names:
        lease = DatabaseLease(str(file), name)
        if not lease.take():
            raise HeldError(f"stop the monitor named {name!r} that uses {file}, and move its history then")
        held.callback(lease.release)


def _require_recorded(file: Path) -> None:
    """What could not be recorded waits in a file beside the database, and would be left behind."""
    waiting = sorted(file.parent.glob(f"{file.name}.*.unrecorded"))
    if waiting:
        raise HistoryError(f"start the monitor and stop it again: {waiting[0]} has pages that are not recorded yet")
