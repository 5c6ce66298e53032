"""The two databases: how connections are made, and how the schema is brought up to date."""

from __future__ import annotations

import math
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from functools import cache
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    QueuePool,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from pacs_monitor.format.human import duration
from pacs_monitor.history.errors import HistoryError, MovedError, describe
from pacs_monitor.history.moved import require_here
from pacs_monitor.threads import started

T = TypeVar("T")

BUSY_TIMEOUT = 4.0
"""Seconds to wait for another writer, or for a lock: less than anybody waits for the record, so that it says why."""
WRITE_TIMEOUT, READ_TIMEOUT = 4.0, 30.0
"""Seconds that a statement may take in PostgreSQL."""
idle_within = 10.0
"""Seconds between two statements of a transaction in PostgreSQL: a stopped process holds its locks no longer."""
POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 14_000,  # milliseconds
    "application_name": "pacs-monitor",
}
"""A server that vanished is noticed within seconds."""
MIGRATING = 0x50414353
"""PostgreSQL's advisory lock while the schema is changed."""
PRIVATE = 0o600
"""Mode of the files that we make: the record is the monitor's own until somebody opens it to others."""
MIGRATION_WAITS = 60.0
"""Seconds for another monitor that changes the schema, and for sessions that use its tables."""
MIGRATES_WITHIN = 600.0
"""Seconds for bringing an old schema up to date."""
MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = table("alembic_version", column("version_num"))
"""Where Alembic notes the schema."""


def parse(url: str) -> URL:
    """The URL of a database that we can use."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: its port is no number, but perhaps a part of the password
        raise HistoryError(
            "database: this is not a URL; write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
        ) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and parsed.database and parsed.database != ":memory:":
        return parsed
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise HistoryError(
        f"database: {shown(parsed)} is not supported; write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
    )


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def file_of(url: URL) -> Path:
    """The file of an SQLite database that is there; HistoryError when it is not."""
    file = Path(url.database or "")
    if not file.exists():
        raise HistoryError(f"check monitor.database: {file} does not exist")
    return file


def writing(url: URL) -> Engine:
    """An engine for one connection at a time; its transactions hold the write lock from the beginning."""
    if not is_sqlite(url):
        return _postgresql(url, WRITE_TIMEOUT, poolclass=NullPool)
    with suppress(OSError):  # whoever connects gets the error; SQLite gives its other files the same mode
        Path(url.database or "").touch(PRIVATE)
    engine = _engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT})
    _set_up_sqlite(engine, "BEGIN IMMEDIATE", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
    return engine


class SameFile:
    """The file of an SQLite database, by its inode: what is written into one that was deleted is lost."""

    def __init__(self, url: URL) -> None:
        self._path = Path(url.database or "") if is_sqlite(url) else None
        self._known: tuple[int, int] | None = None
        self.moved = False

    def require(self) -> None:
        """Raise MovedError when there is none at the path any more, or another one."""
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except FileNotFoundError:
            now = None
        else:
            now = found.st_dev, found.st_ino
            self._known = self._known or now
        self.moved = now != self._known
        if self.moved:
            what = "is gone" if now is None else "was replaced"
            raise MovedError(
                f"the database file {self._path} {what}: move the old file back, or restart the monitor to use "
                "what is there now; until then nothing is recorded, and pages are sent unrecorded"
            )


def leading(url: URL) -> Engine:
    """An engine for PostgreSQL whose sessions begin without settings of ours, so that poolers take them too."""
    return _engine(url, poolclass=NullPool, connect_args=POSTGRESQL)


def reading(url: URL) -> Engine:
    """An engine that never makes a file and never writes."""
    pool = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 2, "pool_timeout": BUSY_TIMEOUT}
    if not is_sqlite(url):
        return _postgresql(url, READ_TIMEOUT, "default_transaction_read_only=on", pool_pre_ping=True, **pool)
    file = Path(url.database or "").absolute().as_uri()
    existing = url.set(database=file, query={"mode": "rw", "uri": "true"})
    engine = _engine(existing, connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False}, **pool)
    _set_up_sqlite(engine, "BEGIN", "query_only=ON")
    return engine


def _engine(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, **options)
    except (ImportError, NoSuchModuleError):
        raise HistoryError(
            "database: run pip install 'pacs-monitor[postgres]': the PostgreSQL driver is not installed"
        ) from None


def _postgresql(url: URL, seconds: float, *settings: str, **options: Any) -> Engine:
    """Sessions that neither a lock nor a server that does not answer holds up."""
    limits = (
        f"statement_timeout={seconds:g}s",
        f"lock_timeout={min(seconds, BUSY_TIMEOUT):g}s",
        f"idle_in_transaction_session_timeout={idle_within:g}s",
    )
    words = " ".join(f"-c {setting}" for setting in (*limits, *settings))
    engine = _engine(url, connect_args=POSTGRESQL | {"options": words}, **options)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, args: tuple[Any, ...], parameters: dict[str, Any]) -> Any:
        from pacs_monitor.history.postgres import Session  # noqa: PLC0415 - its driver is an extra

        return Session.connect(*args, **parameters)

    return engine


def _set_up_sqlite(engine: Engine, begin: str, *pragmas: str) -> None:
    """Explicit transactions, so that also changes of the schema really roll back (SQLAlchemy's recipe for pysqlite)."""

    @event.listens_for(engine, "connect")
    def _connect(connection: SqliteConnection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def bring_up_to_date(url: URL, within: float) -> None:
    """Migrate where the schema is an older one; raises HistoryError when the database does not answer in time."""
    if not in_time(started(lambda: is_current(url), "history"), within, url):
        in_time(started(lambda: migrate(url), "history"), MIGRATES_WITHIN, url)


def migrate(url: URL, migrations: Path = MIGRATIONS, *, moving: bool = False) -> None:
    """Bring the schema up to date, in one transaction: all of it or nothing.

    HistoryError where the record was moved elsewhere, but for whoever is `moving` it.
    """
    from alembic.util import CommandError  # noqa: PLC0415 - only who changes a schema needs Alembic

    engine = writing(url)
    try:
        with engine.begin() as connection:
            alone(connection)
            upgrade(connection, "head", migrations)
            if not moving:
                require_here(connection, shown(url))
    except CommandError as error:
        raise HistoryError(f"{of_a_newer_version(url)} ({error})") from None
    except SQLAlchemyError as error:
        raise HistoryError(f"cannot open the history {shown(url)}: {describe(error)}; {advice(url)}") from error
    finally:
        engine.dispose()


def alone(connection: Connection) -> None:
    """One at a time changes the schema; SQLite's BEGIN IMMEDIATE sees to that already."""
    if connection.dialect.name != "sqlite":
        take_your_time(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})


def upgrade(connection: Connection, to: str, migrations: Path = MIGRATIONS) -> None:
    """Make the schema that of a migration; CommandError when there is no such."""
    from alembic import command  # noqa: PLC0415 - as in `migrate`
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    command.upgrade(config, to)


def take_your_time(connection: Connection) -> None:
    """A schema that is brought up to date may take minutes, or wait for another monitor that does so."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_WAITS:g}s'"))
    session: Any = connection.connection.driver_connection
    session.answers_within = math.inf


def is_current(url: URL) -> bool:
    """Whether the schema is that of this version; HistoryError when the database cannot be read, or was moved."""
    engine = writing(url)  # makes the file of a new one
    try:
        with engine.connect() as connection:
            current = _is_current(connection)
            if current:
                require_here(connection, shown(url))
            return current
    except SQLAlchemyError as error:
        raise HistoryError(f"cannot open the history {shown(url)}: {describe(error)}; {advice(url)}") from error
    finally:
        engine.dispose()


def require_current(connection: Connection, url: URL) -> None:
    """Refuse to read a schema that is not ours."""
    schema = schema_of(connection)
    if schema is Schema.NEWER:
        raise HistoryError(of_a_newer_version(url))
    if schema is not Schema.OURS:
        raise HistoryError(f"run `pacs-monitor run` to upgrade {shown(url)}: its schema is from an older version")
    require_here(connection, shown(url))


class Schema(Enum):
    """What the schema of a database is to this version."""

    NONE = "none yet"
    OLDER = "older"
    OURS = "ours"
    NEWER = "newer"


def schema_of(connection: Connection) -> Schema:
    """By the revision that the database says it has."""
    if not inspect(connection).has_table(_VERSION.name):
        return Schema.NONE
    found = connection.scalar(select(_VERSION.c.version_num))
    if found is None:
        return Schema.NONE
    known = _known_schemas()
    if found not in known:
        return Schema.NEWER
    return Schema.OURS if found == max(known) else Schema.OLDER


@cache
def _known_schemas() -> frozenset[str]:
    """Those of this version: the file of each migration begins with its number. Alembic would import all of them."""
    return frozenset(file.stem[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def of_a_newer_version(url: URL) -> str:
    """Why this version does not touch it, and what to do."""
    return (
        "install the newer version again, or put back the backup from before its upgrade (`pacs-monitor history "
        f"restore FILE`): {shown(url)} was written by a newer version of pacs-monitor, whose schema is not known here"
    )


def _is_current(connection: Connection) -> bool:
    return schema_of(connection) is Schema.OURS


def in_time(future: Future[T], within: float, url: URL) -> T:
    """The result of what a database is asked in another thread; HistoryError when it takes longer."""
    try:
        return future.result(within)
    except TimeoutError:
        raise unanswered(url, within) from None


def unanswered(url: URL, within: float) -> HistoryError:
    return HistoryError(f"the history {shown(url)} has not answered within {duration(within)}; {advice(url)}")


def shown(url: URL) -> str:
    """The URL for people, without its password, and without its query, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


def advice(url: URL) -> str:
    """What to look at when the database does not answer."""
    if is_sqlite(url):
        return "check that its folder exists and is writable for this user, and that the disk has space"
    return "check that the server is running and that this user may connect to this database"
