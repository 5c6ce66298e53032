"""A copy of an SQLite database while a daemon writes to it, by SQLite's own means (its online backup API)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pacs_monitor.history.engines import file_of, is_sqlite, parse
from pacs_monitor.history.errors import HistoryError
from pacs_monitor.history.files import new_file

PAGES = 1000
"""Copied at once."""
BUSY = 20.0
"""Seconds to wait for a writer."""


def backup(url: str, file: Path, progress: Callable[[int, int], None]) -> int:
    """Copy the database as it is at this moment to a new file, and check the copy; its bytes. Raises HistoryError."""
    database = parse(url)
    if not is_sqlite(database):
        raise HistoryError(
            f"use PostgreSQL's own backup: pg_dump --format=custom --file={file} --dbname=DATABASE; or `pacs-monitor "
            "history export FILE`, which any database can import"
        )
    source = file_of(database)
    with new_file(file) as unfinished:
        try:
            _copy(source, unfinished, progress)
        except sqlite3.Error as error:
            raise HistoryError(f"nothing was backed up: {error}; check {source} and the disk of {file}") from error
        return unfinished.stat().st_size


def _copy(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    def told(_status: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    with closing(sqlite3.connect(source, timeout=BUSY, isolation_level=None)) as of:
        of.execute("BEGIN")  # what is written from now on would make it begin anew, time and again
        of.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target, isolation_level=None)) as to:
            of.backup(to, pages=PAGES, progress=told, sleep=0.0)
            (found,) = to.execute("PRAGMA quick_check(1)").fetchone()
            to.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
    if found != "ok":
        raise HistoryError(f"restore an older backup: the database {source} is damaged ({found})")
