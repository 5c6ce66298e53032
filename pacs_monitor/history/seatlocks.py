"""Which addresses the processes of this machine hold associations to: the daemon, and `pacs-monitor probe` beside it.

One file, and in it one byte per address, locked while a process has associations there, and one per daemon, locked as
long as it lives. The locks are those of fcntl(2): taken and given back by one system call each, and gone with their
process, however it ends.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
import sys
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir

from pacs_monitor.history.engines import PRIVATE, is_sqlite, parse, shown
from pacs_monitor.history.errors import HistoryError
from pacs_monitor.model import Address

log = logging.getLogger(__name__)

if sys.platform == "win32":
    import msvcrt

    BYTES = 1 << 31
    """How many bytes of a file can be told apart: msvcrt.locking counts from a position of 32 bits."""

    def _lock(file: int, byte: int) -> None:
        os.lseek(file, byte, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int, byte: int) -> None:
        os.lseek(file, byte, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    BYTES = 1 << 56

    def _lock(file: int, byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)

    def _unlock(file: int, byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)


ANNOUNCES_WITHIN = 1.0
"""Seconds; a command that looks holds that byte for an instant."""


class SeatLocks:
    """The locks of one process (engine.seat.SharedSeats). Open it once: what closes the file ends all of its locks."""

    def __init__(self, url: str, monitor: str) -> None:
        """Of a database and a monitor's name; raises HistoryError when the file cannot be had."""
        self._daemon = _byte(f"monitor {monitor}")
        self._path = _file(url)
        self._file: int | None = None
        """None once it is closed."""
        self._has_locks = True
        try:
            self._file = _open(self._path)
        except OSError as error:
            raise HistoryError(f"cannot make the lock file {self._path}: {error.strerror}") from error

    def take(self, address: Address) -> bool:
        """Whether the address is this process's now."""
        return self._take(_byte_of(address))

    def give_back(self, address: Address) -> None:
        self._give_back(_byte_of(address))

    def announce(self) -> bool:
        """Say that a daemon of this name runs; whether none did. Blocks for up to ANNOUNCES_WITHIN seconds."""
        end = time.monotonic() + ANNOUNCES_WITHIN
        while not self._take(self._daemon):
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def daemon_runs(self) -> bool:
        """Whether a daemon of this name and database lives on this machine."""
        if not self._take(self._daemon):
            return True
        self._give_back(self._daemon)
        return False

    def close(self) -> None:
        """End all locks; from now on nothing is shared."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _take(self, byte: int) -> bool:
        """Whether nobody else has it; also where the system has no locks for us, since checks must go on."""
        if self._file is None:
            return True
        try:
            _lock(self._file, byte)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            self._go_without(error)
        return True

    def _give_back(self, byte: int) -> None:
        if self._file is None:
            return
        try:
            _unlock(self._file, byte)
        except OSError as error:
            self._go_without(error)

    def _go_without(self, error: OSError) -> None:
        if self._has_locks:
            self._has_locks = False
            log.error(
                "continuing without the locks of %s, so two processes may check one address at the same time: %s",
                self._path,
                error.strerror,
            )


def _file(url: str) -> Path:
    """Beside an SQLite database, by whatever link it is reached. For PostgreSQL in the folder for temporary files: the
    database may be away when somebody probes by hand."""
    database = parse(url)
    if is_sqlite(database):
        return Path(os.path.realpath(database.database or "") + ".seats")
    return Path(gettempdir()) / f"pacs-monitor-{hashlib.sha256(shown(database).encode()).hexdigest()[:16]}.seats"


def _open(path: Path) -> int:
    """Nobody else can open it, and so hold its locks; a link that somebody laid for us is not followed.

    Where anybody may make files, somebody else may have made this one before us: then it raises OSError.

    First without O_CREAT: with it Linux refuses even root a file of somebody else in /tmp (fs.protected_regular).
    """
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        file = os.open(path, flags)
    except FileNotFoundError:
        file = os.open(path, flags | os.O_CREAT, PRIVATE)
    if sys.platform != "win32" and path.parent.stat().st_mode & stat.S_IWOTH:
        status = os.fstat(file)
        if not is_private(status, os.geteuid()):
            os.close(file)
            whose = f"it belongs to user {status.st_uid} or other users can open it"
            raise OSError(
                errno.EPERM,
                f"{whose}; run this as that user if the daemon runs as that user, otherwise remove the file",
            )
    return file


def is_private(status: os.stat_result, user: int) -> bool:
    """Whether nobody but this user and root can open a file, and so lock it; who can read can hold a shared lock."""
    return status.st_uid in (0, user) and not status.st_mode & 0o066


@lru_cache(65536)
def _byte_of(address: Address) -> int:
    return _byte(str(address))


def _byte(what: str) -> int:
    """Far from each other, so that only an accident makes two wait for each other."""
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:7]) % BYTES


def shared_seats(database: str, monitor: str) -> SeatLocks | None:
    """Where `pacs-monitor probe` sees that a daemon runs, and what it is asking; it runs without if need be."""
    try:
        return SeatLocks(database, monitor)
    except HistoryError as error:
        log.error("pacs-monitor probe --direct may check an address at the same time as this daemon: %s", error)
        return None
