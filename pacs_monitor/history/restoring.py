"""A backup in the place of an SQLite database, and whether this version can use what is there."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor.history.backup import backup
from pacs_monitor.history.engines import (
    Schema,
    advice,
    file_of,
    is_sqlite,
    of_a_newer_version,
    parse,
    reading,
    schema_of,
    shown,
)
from pacs_monitor.history.errors import HeldError, HistoryError, describe
from pacs_monitor.history.integrity import Unfinished, damage
from pacs_monitor.history.lease import DatabaseLease
from pacs_monitor.history.moved import require_here
from pacs_monitor.model import Micros

COMPANIONS = ("", "-wal", "-shm")
"""What SQLite calls the files of one database: what was committed last may be in the second of them."""


def look(url: str) -> Schema:
    """What the schema of the record is to this version; HistoryError when this version cannot use it, and why."""
    database = parse(url)
    if is_sqlite(database):
        file_of(database)
    schema = _schema(database)
    with suppress(Unfinished):
        found = damage(database)
        if found is not None:
            raise HistoryError(f"restore the last backup: the database {shown(database)} is damaged ({found})")
    return schema


def _schema(database: URL) -> Schema:
    engine = reading(database)
    try:
        with engine.connect() as connection:
            schema = schema_of(connection)
            if schema is Schema.OURS:
                require_here(connection, shown(database))
    except SQLAlchemyError as error:
        raise HistoryError(f"cannot read {shown(database)}: {describe(error)}; {advice(database)}") from error
    finally:
        engine.dispose()
    if schema is Schema.NEWER:
        raise HistoryError(of_a_newer_version(database))
    return schema


def restore(url: str, monitor: str, copy: Path, now: Micros) -> Path | None:
    """Put a copy in the place of the database; where the database that was there is kept, if there was one.

    HistoryError, and nothing has changed, while a monitor uses it, and for a copy that is damaged or too new.
    Killed in the middle, it leaves the database whole under its own name or the other one, and can be run again.
    """
    database = parse(url)
    if not is_sqlite(database):
        raise HistoryError(
            "use PostgreSQL's own restore, pg_restore --clean --dbname=DATABASE FILE; or `pacs-monitor history import` "
            "into an empty database"
        )
    file = Path(os.path.realpath(database.database or ""))
    if look(f"sqlite:///{copy}") is Schema.NONE:
        raise HistoryError(f"name a backup: {copy} has no history of pacs-monitor")
    with ExitStack() as held:
        there = file.exists()  # a database that is away has no monitor on it
        for name in (_names(file) | {monitor}) if there else ():
            lease = DatabaseLease(str(file), name)
            if not lease.take():
                raise HeldError(f"stop the monitor named {name!r} that uses {file}, and restore its history then")
            held.callback(lease.release)
        incoming = file.with_name(f"{file.name}.restored")
        incoming.unlink(missing_ok=True)
        backup(f"sqlite:///{copy}", incoming, lambda _done, _total: None)
        _owned_alike(file if there else file.parent, incoming)
        aside = _moved_aside(file, now)
        incoming.rename(file)
    return aside


def _names(file: Path) -> set[str]:
    """Of the monitors that have their record there, where it can be read: it may be damaged, or of a newer version."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        return {str(name) for (name,) in connection.execute("SELECT name FROM monitors")}
    return set()


def _owned_alike(like: Path, file: Path) -> None:
    """Root restores for the service's own user, who has to open it."""
    if sys.platform != "win32" and os.geteuid() == 0:
        of = like.stat()
        os.chown(file, of.st_uid, of.st_gid)


def _moved_aside(file: Path, now: Micros) -> Path | None:
    """With what belongs to it; its new name. It holds what was recorded since the backup."""
    at = datetime.fromtimestamp(now // 1_000_000, UTC)
    aside = file.with_name(f"{file.name}.replaced-{at:%Y%m%dT%H%M%SZ}")
    parts = [companion for companion in COMPANIONS if Path(f"{file}{companion}").exists()]
    if parts and aside.exists():
        raise HistoryError(f"run it again in a second: {aside} exists already")
    for companion in parts:
        Path(f"{file}{companion}").rename(f"{aside}{companion}")
    return aside if parts else None
