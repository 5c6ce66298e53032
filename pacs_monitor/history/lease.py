"""One running instance per name and database: a second one would page twice and write over the first one's record.

SQLite: a lock on a file beside the database, and one on the database itself. PostgreSQL: see `term`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import sys
from pathlib import Path
from typing import IO
from urllib.parse import quote

from pacs_monitor.history.engines import PRIVATE

log = logging.getLogger(__name__)

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _lock_inside(_database: str, _name: str) -> int | None:
        return None
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _lock_inside(database: str, name: str) -> int | None:
        """The open file that has the lock; None where the system has no such locks. OSError when another has it."""
        command = getattr(fcntl, "F_OFD_SETLK", None)
        if command is None:
            return None
        file = os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        byte = SQLITE_ENDS + int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
        try:
            fcntl.fcntl(file, command, struct.pack("hhqqixxxx", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
        except OSError:
            os.close(file)
            raise
        return file


SQLITE_ENDS = 1 << 62
"""Far beyond the bytes that SQLite locks (1 GiB and 512 more) and beyond the end of any file."""


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
        self.release()
        self._file = file
        return True

    def holds(self) -> bool:
        """Whether the file that is at the path is still the one that is locked; somebody may have removed it."""
        if self._file is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        if self._file:
            self._file.close()


class DatabaseLease:
    """One monitor of a name on an SQLite database, by whatever path or link it is reached.

    A lock on a file beside the real database, which people can see; and one on a byte of the database itself, which
    nobody can delete without the database. The latter belongs to the open file (Linux: F_OFD_SETLK), so that SQLite's
    own locks do not end it. It ends those when it is closed, so that it is taken before SQLite opens the database and
    closed after.
    """

    def __init__(self, database: str, monitor: str) -> None:
        self._database = os.path.realpath(database)
        self._name = monitor
        self._beside = FileLease(lock_file(database, monitor))
        self._inside: int | None = None

    def take(self) -> bool:
        """Whether both are ours now; OSError when a file cannot be opened or locked."""
        if not self._beside.take():
            return False
        try:
            self._inside = _lock_inside(self._database, self._name)
        except (BlockingIOError, PermissionError):
            self._beside.release()
            return False
        return True

    def keep(self) -> str | None:
        """Take a lock file that somebody removed anew; why it cannot be had. At each look."""
        if self._beside.holds():
            return None
        log.error("the lock file of the history was removed or replaced; creating it again")
        try:
            return None if self._beside.take() else "another process holds the lock file of the history"
        except OSError as error:
            return f"the lock file of the history cannot be created again ({error.strerror})"

    def release(self) -> None:
        if self._inside is not None:
            os.close(self._inside)
            self._inside = None
        self._beside.release()


def _private(path: str, flags: int) -> int:
    """Nobody else can open it, and so hold its lock; a link that somebody laid for us is not followed."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), PRIVATE)


def lock_file(database: str, monitor: str) -> Path:
    """The file beside an SQLite database, by whatever link it is reached, that one monitor's lock is on."""
    return Path(f"{os.path.realpath(database)}.{quote(monitor, safe='')}.lock")
