"""The two databases: how connections are made, and how the schema is brought up to date."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from pacs_monitor.history.errors import HistoryError, told

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another writer."""
POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
    "application_name": "pacs-monitor",
}
"""A server that vanished is noticed within seconds."""
MIGRATING = 0x50414353
"""PostgreSQL's advisory lock while the schema is changed."""
PRIVATE = 0o600
"""Mode of the files that we make: the record is the monitor's own until somebody opens it to others."""
MIGRATIONS = Path(__file__).parent / "migrations"


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


def writing(url: URL) -> Engine:
    """An engine for one connection at a time; its transactions hold the write lock from the beginning."""
    if not is_sqlite(url):
        return _engine(url, poolclass=NullPool, connect_args=POSTGRESQL)
    with suppress(OSError):  # whoever connects is told; SQLite gives its other files the same mode
        Path(url.database or "").touch(PRIVATE)
    engine = _engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT})
    _set_up_sqlite(engine, "BEGIN IMMEDIATE", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
    return engine


def reading(url: URL) -> Engine:
    """An engine that never makes a file and never writes."""
    pool = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 2}
    if not is_sqlite(url):
        options = POSTGRESQL | {"options": "-c default_transaction_read_only=on"}
        return _engine(url, pool_pre_ping=True, connect_args=options, **pool)
    file = Path(url.database or "").absolute().as_uri()
    existing = url.set(database=file, query={"mode": "rw", "uri": "true"})
    engine = _engine(existing, connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False}, **pool)
    _set_up_sqlite(engine, "BEGIN", "query_only=ON")
    return engine


def _engine(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, **options)
    except (ImportError, NoSuchModuleError):
        raise HistoryError("database: the PostgreSQL driver is missing; pip install 'pacs-monitor[postgres]'") from None


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


def migrate(url: URL, migrations: Path = MIGRATIONS) -> None:
    """Bring the schema up to date, in one transaction: all of it or nothing."""
    engine = writing(url)
    config = Config(attributes={})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            if not is_sqlite(url):  # one monitor at a time; SQLite's BEGIN IMMEDIATE sees to that already
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise HistoryError(f"{shown(url)} was written by another version of pacs-monitor: {error}") from None
    except SQLAlchemyError as error:
        raise HistoryError(f"cannot open the history {shown(url)}: {told(error)}; {advice(url)}") from error
    finally:
        engine.dispose()


def require_current(connection: Connection, url: URL) -> None:
    """Refuse to read a schema that is not ours."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    if MigrationContext.configure(connection).get_current_revision() != wanted:
        raise HistoryError(f"{shown(url)} has not the schema of this version; `pacs-monitor run` brings it up to date")


def shown(url: URL) -> str:
    """The URL for people, without its password, and without its query, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


def advice(url: URL) -> str:
    """What to look at when the database does not answer."""
    if is_sqlite(url):
        return "is its folder there and writable for this user, and is there space on the disk?"
    return "does the server run, and may this user connect to this database?"
