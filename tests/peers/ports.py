"""Free ports, and real programs as test peers: started on loopback, shut down cleanly."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.timing import wait_until

DOWN_WITHIN = 5.0


BELOW_EPHEMERAL = range(10_000, 32_768)
"""Where no outgoing connection of this machine gets its own port, so that a peer which is away finds its port again."""
AT_A_TIME = 400
"""Ports of one process; it comes back to one after all others."""
_dice = random.SystemRandom()  # pytest-randomly seeds all others alike in every process


@cache
def _ours() -> Iterator[int]:
    """Ports for this process alone among those that run tests now: its socket at their first holds them."""
    firsts = list(BELOW_EPHEMERAL[::AT_A_TIME])
    _dice.shuffle(firsts)
    for first in firsts:
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", first))
        except OSError:
            held.close()
            continue
        atexit.register(held.close)
        return cycle(range(first + 1, min(first + AT_A_TIME, BELOW_EPHEMERAL.stop)))
    raise AssertionError("end other runs of the tests: they hold all ports")


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listened on a moment ago, by TCP nor UDP, and that no other process of tests is given."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ours = _ours()
    while True:
        port = next(ours)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(family, kind) as probe:
                    probe.bind((host, port))
        except OSError:
            continue
        return port


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def deaf_port() -> Iterator[int]:
    """A UDP port that takes datagrams and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield deaf.getsockname()[1]


def program(name: str, package: str) -> str:
    """The path of a counterpart; a missing one fails the test and says how to get it."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin:/bin")
    assert found, f"{name} is missing: install the Debian package {package}, or run scripts/install-test-peers"
    return found


class Program:
    """A real program in a process of its own, its output in a file of `folder`."""

    def __init__(self, command: Sequence[str], folder: Path, port: int) -> None:
        self.port = port
        self._log = folder / f"{Path(command[0]).name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        try:
            wait_until(self._is_up, f"{command[0]} listening on port {port}")
        except BaseException:
            self.stop()
            raise

    def said(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(errors="replace")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, f"it ended early:\n{self.said()}"
        return listens(self.port)

    def freeze(self) -> None:
        """SIGSTOP: the kernel goes on accepting connections for it, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self._process.pid}/task")
        wait_until(
            lambda: all("\nState:\tT" in (task / "status").read_text() for task in tasks.iterdir()),
            "every thread stopped",
        )

    def thaw(self) -> None:
        """SIGCONT: it goes on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: as when it crashes."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(DOWN_WITHIN)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """To the program and whatever it has started: faketime, for one, runs the program as its child."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
