"""The instance row in PostgreSQL, through a session of its own: who leads, by term, beat and advisory lock.

Theory of operation. The lock of a term is held by the session of whoever claimed it, so that a term ends with its
session unless that is made anew. Claims and looks of the leader change the row under its row lock; whoever writes the
record reads the term under a share lock in the same transaction (`guard`), so that no write of an older term commits
after a claim. `leadership` decides; this module carries it out.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar
from weakref import WeakSet

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from pacs_monitor.history.engines import advice, is_sqlite, leading, migrate, parse, shown
from pacs_monitor.history.errors import FencedError, HistoryError, describe
from pacs_monitor.history.orphans import hand_over
from pacs_monitor.leadership import Row
from pacs_monitor.model import Clock, Entry, iso

T = TypeVar("T")

SESSION = (
    "application_name = 'pacs-monitor leader'",
    "tcp_keepalives_idle = 5",
    "tcp_keepalives_interval = 3",
    "tcp_keepalives_count = 3",
    "tcp_user_timeout = 14000",
    "statement_timeout = 4000",
    "lock_timeout = 2000",
    "idle_in_transaction_session_timeout = 10000",
)
"""So that the server notices within 14 s that a leader's machine is gone, and nothing of ours waits for long."""
HELD = """FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (CAST(:key AS bigint) >> 32) & 4294967295
    AND objid::bigint = CAST(:key AS bigint) & 4294967295"""
ROW = text("SELECT term, beat, pid, host, since FROM monitors WHERE name = :name")
ROW_LOCKED = text(f"{ROW} FOR UPDATE")
POOLED = 3
"""How often two sessions are compared: a pooler with many connections to the server may not mix them up at once."""


class Term:
    """The leadership of one monitor's name; its methods block for some seconds at most, and raise HistoryError."""

    def __init__(self, url: URL, monitor: str, clock: Clock) -> None:
        self.number: int | None = None
        """The term that is ours."""
        self.fenced = False
        """Somebody found that another one leads."""
        self._url, self._name, self._clock = url, monitor, clock
        self._engine = leading(url)
        self._connection: Connection | None = None
        self._sessions: WeakSet[Any] = WeakSet()
        """The driver's connections, from the moment that they are made, while they are being set up too."""
        event.listen(self._engine, "connect", lambda session, _: self._sessions.add(session), insert=True)
        self._direct = False
        self._one = threading.RLock()

    @classmethod
    def of(cls, url: str, monitor: str, clock: Clock) -> Self | None:
        """Of a database that several daemons may share; None for SQLite. Raises HistoryError."""
        parsed = parse(url)
        return None if is_sqlite(parsed) else cls(parsed, monitor, clock)

    def look(self, at: float) -> tuple[Row, str]:
        """The row as it is at this time, and who leads, for people."""
        return self._do(lambda connection: self._look(connection, at))

    def claim(self, row: Row, *, held: bool = False) -> bool:
        """Take the term after this row's, unless somebody else has; `held`: also while a session holds its lock."""
        migrate(self._url)
        with self._one:
            self.number = None
            granted = self._do(lambda connection: self._claim(connection, row, held=held))
            self.number = row.term + 1 if granted else None  # not before the database has committed it
        return granted

    def beat(self) -> bool:
        """Say that the leader is there; whether entries of a former leader wait. FencedError when it does not lead."""
        return self._do(self._beat, again=True)

    def guard(self) -> Callable[[Connection], None]:
        """For whoever writes under the present term: to be called in each transaction, by its own connection.

        It raises FencedError from the next term on, also when that is ours again.
        """
        number = self.number

        def require(connection: Connection) -> None:
            row = text("SELECT term FROM monitors WHERE name = :name FOR SHARE")
            self._require(connection.scalar(row, {"name": self._name}), number)

        return require

    def hand_over(self, entries: Sequence[Entry]) -> None:
        """Leave these to whoever leads now."""
        now = self._clock.now()
        self._do(lambda connection: hand_over(connection, self._name, entries, now))

    def end(self) -> None:
        """Let go in good order, when nothing of ours goes on any more: the next one needs not wait."""
        if self.number is not None:
            with suppress(HistoryError):
                self._do(self._end)
        self.close()

    def close(self) -> None:
        """Let go of the session, and so of the lock."""
        self.number, self.fenced = None, False
        self.cut()
        with self._one:
            self._disconnect()

    def cut(self) -> None:
        """End what hangs in another thread: its socket is shut down."""
        for session in tuple(self._sessions):
            closed = suppress(OSError, self._engine.dialect.loaded_dbapi.Error)
            with closed, socket.socket(fileno=os.dup(session.pgconn.socket)) as same:
                same.shutdown(socket.SHUT_RDWR)

    def _do(self, work: Callable[[Connection], T], *, again: bool = False) -> T:
        """Do it in a transaction; `again`: once more, in a new session, when the session turns out to be lost."""
        with self._one:
            known = self._connection is not None
            try:
                if self._connection is None:
                    self._connection = self._connect()
                with self._connection.begin():
                    return work(self._connection)
            except SQLAlchemyError as error:
                self._disconnect()
                if again and known:
                    return self._do(work)
                raise HistoryError(f"cannot reach the history: {describe(error)}; {advice(self._url)}") from error

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        try:
            with connection.begin():
                for setting in SESSION:
                    connection.execute(text(f"SET {setting}"))
            self._require_direct(connection)
            if self.number is not None:
                with connection.begin():
                    self._take_again(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_again(self, connection: Connection) -> None:
        """A new session of the leader: the lock of its term is its own again before it goes on."""
        self._require(row_of(connection, self._name, lock=True)[0], self.number)
        if not self._lock(connection, self.number or 0):
            lost = text(f"SELECT pg_terminate_backend(pid) {HELD}")
            connection.execute(lost, {"key": lock_key(self._name, self.number or 0)})
            raise HistoryError("terminating a lost session that still holds the lock of this monitor")

    def _look(self, connection: Connection, at: float) -> tuple[Row, str]:
        term, beat, who = row_of(connection, self._name)
        return Row(at, term, beat, not is_held(connection, self._name, term)), who

    def _claim(self, connection: Connection, row: Row, *, held: bool) -> bool:
        mine = {"name": self._name, "host": socket.gethostname(), "pid": os.getpid(), "since": self._clock.now()}
        connection.execute(
            text(
                "INSERT INTO monitors (name, host, pid, since, seed) VALUES (:name, :host, :pid, :since, '') "
                "ON CONFLICT (name) DO NOTHING"
            ),
            mine,
        )
        term, _, _ = row_of(connection, self._name, lock=True)
        if term != row.term or not (self._lock(connection, term) or held) or not self._lock(connection, term + 1):
            self._unlock(connection, term)
            return False
        self._unlock(connection, term)
        connection.execute(
            text(
                "UPDATE monitors SET term = term + 1, beat = 1, host = :host, pid = :pid, since = :since "
                "WHERE name = :name"
            ),
            mine,
        )
        return True

    def _beat(self, connection: Connection) -> bool:
        changed = connection.execute(
            text("UPDATE monitors SET beat = beat + 1 WHERE name = :name AND term = :term RETURNING id"),
            {"name": self._name, "term": self.number},
        ).one_or_none()
        if changed is None:
            self._require(None, self.number)
            return False
        waiting = text("SELECT EXISTS (SELECT 1 FROM orphans WHERE monitor_id = :id)")
        return bool(connection.scalar(waiting, {"id": changed.id}))

    def _end(self, connection: Connection) -> None:
        connection.execute(
            text("UPDATE monitors SET beat = 0 WHERE name = :name AND term = :term"),
            {"name": self._name, "term": self.number},
        )

    def _require(self, term: Any, ours: int | None) -> None:
        if term is None or term != ours:
            self.fenced |= ours is not None and ours == self.number
            raise FencedError(
                "another daemon of this name is the leader now; this one writes, probes and sends nothing"
            )

    def _require_direct(self, connection: Connection) -> None:
        """A pooler that gives a connection to the server for one transaction keeps no lock for us."""
        if self._direct:
            return
        pid = text("SELECT pg_backend_pid()")
        with self._engine.connect() as other:
            for _ in range(POOLED):
                with connection.begin():
                    ours = connection.scalar(pid)
                with other.begin():
                    theirs = other.scalar(pid)
                if ours == theirs:
                    raise HistoryError(
                        f"{shown(self._url)} is a pooler that shares sessions between clients (pool_mode = "
                        "transaction or statement); give the address of the PostgreSQL server itself, or set "
                        "pool_mode = session, because the leader's lock lives in its session"
                    )
        self._direct = True

    def _lock(self, connection: Connection, term: int) -> bool:
        wanted = text("SELECT pg_try_advisory_lock(CAST(:key AS bigint))")
        return bool(connection.scalar(wanted, {"key": lock_key(self._name, term)}))

    def _unlock(self, connection: Connection, term: int) -> None:
        held = text(f"SELECT pg_advisory_unlock(CAST(:key AS bigint)) {HELD} AND pid = pg_backend_pid()")
        connection.execute(held, {"key": lock_key(self._name, term)})

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()


def row_of(connection: Connection, monitor: str, *, lock: bool = False) -> tuple[int, int, str]:
    """Term and beat, and who leads; before anybody has led there is no row, nor perhaps a table."""
    try:
        with connection.begin_nested():
            row = connection.execute(ROW_LOCKED if lock else ROW, {"name": monitor}).one_or_none()
    except ProgrammingError:
        row = None
    if row is None:
        return 0, 0, "another process"
    return row.term, row.beat, f"process {row.pid} on {row.host}, since {iso(row.since)}"


def is_held(connection: Connection, monitor: str, term: int) -> bool:
    """Whether a session holds the lock of this term."""
    return bool(connection.scalar(text(f"SELECT count(*) {HELD}"), {"key": lock_key(monitor, term)}))


def lock_key(monitor: str, term: int) -> int:
    """Of the advisory lock."""
    digest = hashlib.sha256(f"pacs_monitor:{monitor}:{term}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
