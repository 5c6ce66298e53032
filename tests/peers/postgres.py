"""A real PostgreSQL server on a free loopback port, in a folder of its own; gone when it is left."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import psutil
import psycopg
from psycopg.sql import SQL, Identifier

from tests.peers.ports import free_port

SERVER_FOLDERS = Path("/usr/lib/postgresql")


def command(name: str) -> str:
    """The path of one of the server's programs, or a failure that says how to get it."""
    folders = os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/local/bin", *map(str, sorted(SERVER_FOLDERS.glob("*/bin")))]
    )
    found = shutil.which(name, path=folders)
    assert found, f"{name} is missing: install the package postgresql, or run scripts/install-test-peers"
    return found


class Postgres:
    """One server; `database()` makes an empty database in it. `stop` and `start` take it away and bring it back."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="pacs-monitor-postgres-")
        self._folder = Path(self._temporary.name)
        self.port = free_port()
        self._databases = 0

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")  # the server refuses to run as root
        self._run([command("initdb"), "-D", self._data, "-A", "trust", "-U", "pgtest", "--no-sync"], locale=True)
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
        self._temporary.cleanup()

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self._folder} -c fsync=off"
        log = str(self._folder / "log")
        self._run([command("pg_ctl"), "-D", self._data, "-w", "-l", log, "-o", options, "start"])

    def stop(self) -> None:
        self._run([command("pg_ctl"), "-D", self._data, "-w", "-m", "immediate", "stop"])

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """While it is entered, no process of the server runs, but its sockets are open: it hangs."""
        server = psutil.Process(int((self._folder / "data" / "postmaster.pid").read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # the session of a client that has just gone
                process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"history{self._databases}"
        with psycopg.connect(f"{self._server}/postgres", autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return f"postgresql+psycopg://pgtest@127.0.0.1:{self.port}/{name}"

    @property
    def _server(self) -> str:
        return f"postgresql://pgtest@127.0.0.1:{self.port}"

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, words: Sequence[str], *, locale: bool = False) -> None:
        prefix: list[str] = []
        if os.geteuid() == 0:
            prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        words = [*prefix, *words, *(["-E", "UTF8", "--locale=C.UTF-8"] if locale else [])]
        environment = os.environ | {"HOME": str(self._folder)}
        done = subprocess.run(
            words,
            check=False,
            env=environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
