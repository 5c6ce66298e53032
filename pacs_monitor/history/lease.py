"""One running instance per name and database: a second one would page twice and write over the first one's record.

SQLite: a lock on a file beside the database. PostgreSQL: an advisory lock that lives in the writer's own session, so
that whoever writes holds it, and a lost session loses it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import IO
from urllib.parse import quote

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from pacs_monitor.history.engines import PRIVATE

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


LINGERS = 2
"""Seconds for the session of a monitor that has just ended to let go of PostgreSQL's lock."""
_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's error code (appendix A)."""


class FileLease:
    """A lock on a file, held until closed or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Whether the lock is ours now; OSError when the file cannot be made or locked."""
        file = open(self._path, "ab", opener=_private)  # noqa: SIM115 - it is held open
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file:
            self._file.close()


def _private(path: str, flags: int) -> int:
    """Nobody else can open it, and so hold its lock; a link that somebody laid for us is not followed."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), PRIVATE)


def lock_file(database: str, monitor: str) -> Path:
    """The file beside an SQLite database that one monitor's lock is on."""
    return Path(f"{database}.{quote(monitor, safe='')}.lock")


def take_advisory(connection: Connection, monitor: str) -> bool:
    """Whether PostgreSQL gives this session the lock of a monitor's name, beyond the transaction that asks."""
    key = advisory_key(monitor)
    try:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LINGERS}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def advisory_key(monitor: str) -> int:
    """Of PostgreSQL's lock of a monitor's name."""
    digest = hashlib.sha256(f"pacs_monitor:{monitor}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
