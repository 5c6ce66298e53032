"""The two databases of a proof, and what can be wrong with each while the daemon runs on it."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from tests.peers.postgres import Postgres
from tests.peers.stalling import failing_disk, stalled_disk

Trouble = AbstractContextManager[None]


class Database(Protocol):
    """A database that can be made to fail in named ways."""

    @property
    def url(self) -> str: ...
    @property
    def troubles(self) -> tuple[str, ...]: ...
    def trouble(self, name: str, pid: int) -> Trouble:
        """While it is entered, the database of the daemon with this process id is in this trouble."""
        ...


class Sqlite:
    """One file; troubles are the disk's, or another process's."""

    troubles = ("hangs", "full", "read-only", "locked", "replaced")

    def __init__(self, folder: Path) -> None:
        self.file = folder / "storm.db"
        self.url = f"sqlite:///{self.file}"

    def trouble(self, name: str, pid: int) -> Trouble:
        made: Mapping[str, Trouble] = {
            "hangs": stalled_disk(pid),
            "full": failing_disk(pid, "ENOSPC"),
            "read-only": failing_disk(pid, "EROFS"),
            "locked": self._locked(),
            "replaced": self._replaced(),
        }
        return made[name]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Another process (a backup, a person with a shell) holds the write lock."""
        other = sqlite3.connect(self.file, isolation_level=None, timeout=20)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        """A copy of the file takes its place, as by a restored backup; what the daemon holds open is nobody's."""
        copy = self.file.with_suffix(".copy")
        source, target = sqlite3.connect(self.file), sqlite3.connect(copy)
        source.backup(target)
        source.close()
        target.close()
        for side in ("-wal", "-shm"):
            Path(f"{self.file}{side}").unlink(missing_ok=True)
        shutil.move(copy, self.file)
        yield


class Postgresql:
    """One server; several daemons may run on it."""

    troubles = ("hangs", "frozen", "full", "read-only", "restarted", "session lost")

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self.url = server.database()

    def trouble(self, name: str, pid: int) -> Trouble:
        made: Mapping[str, Trouble] = {
            "hangs": self._locked(),
            "frozen": self._frozen(),
            "full": self._full(),
            "read-only": self._read_only(),
            "restarted": self._restarted(),
            "session lost": self._session_lost(),
        }
        return made[name]

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._connect() as other, other.transaction():
            other.execute("SET lock_timeout = '20s'")
            other.execute("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")
            yield

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        """SIGSTOP for the server and all its sessions: connections are accepted by the kernel, nobody answers."""
        held = self._processes()
        for process in held:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in held:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    @contextmanager
    def _full(self) -> Iterator[None]:
        """Nothing can be written by the sessions of the monitor; PostgreSQL ends them all where its log is full."""
        with self._connect() as other:
            rows = other.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pacs-monitor%'")
            pids = [int(pid) for (pid,) in rows]
        with failing_disk(pids[0], "ENOSPC") if pids else nullcontext():
            yield

    @contextmanager
    def _read_only(self) -> Iterator[None]:
        with self._connect() as other:
            other.execute("SET default_transaction_read_only = off")
            other.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            other.execute("SELECT pg_reload_conf()")
            try:
                yield
            finally:
                other.execute("ALTER SYSTEM RESET default_transaction_read_only")
                other.execute("SELECT pg_reload_conf()")

    @contextmanager
    def _restarted(self) -> Iterator[None]:
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()

    @contextmanager
    def _session_lost(self) -> Iterator[None]:
        with self._connect() as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pacs-monitor%'"
            )
        yield

    def _processes(self) -> list[psutil.Process]:
        (postmaster,) = [
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if process.info["name"] == "postgres" and str(self._server.port) in (process.info["cmdline"] or [])
        ]
        return [postmaster, *postmaster.children(recursive=True)]
