"""Whether an SQLite database is damaged: SQLite notices it by itself only where it happens to read."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from pacs_monitor.format.human import plain
from pacs_monitor.history.engines import is_sqlite
from pacs_monitor.history.errors import LONGEST

WITHIN = 120.0
"""Seconds that a look may take; it only reads, and nobody waits for it."""
STEPS = 10_000
"""Instructions of SQLite's machine between two looks at the clock: some milliseconds."""


class Unfinished(Exception):  # noqa: N818 - no error: it is only not known
    """The database is too large to be looked at in time."""


def damage(database: URL, within: float = WITHIN) -> str | None:
    """What `PRAGMA quick_check` finds first; None when all is well, and for PostgreSQL, which sees to that itself.

    Blocking. Unfinished when it takes longer; the file itself that cannot be opened is no damage.
    """
    if not is_sqlite(database):
        return None
    until = time.monotonic() + within
    file = Path(database.database or "").absolute().as_uri()
    try:
        with closing(sqlite3.connect(f"{file}?mode=rw", uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise Unfinished from None
        return None  # locked, gone or not readable: whoever writes says so
    except sqlite3.DatabaseError as error:
        return plain(str(error))
    return None if found == "ok" else plain(" ".join(found.split())[:LONGEST])
