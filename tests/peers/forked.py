"""`pacs-monitor run` in a process that begins as a copy of one which has imported it already.

A start anew imports for two seconds of processor time, and the tests start a daemon hundreds of times. What is a
process of its own in every other way, its command line aside, is multiprocessing's fork server.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = (
    "pacs_monitor.cli.running",
    "pacs_monitor.reports",
    "pacs_monitor.history.migrations",
    "alembic.command",
    "tests.peers.forked",
)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED])
    return context


def can_fork() -> bool:
    """Whether a process that is started here would be as one of the fork server: not from a network of a test's own."""
    return Path("/proc/thread-self/ns/net").readlink() == Path("/proc/self/ns/net").readlink()


class Forked:
    """One such process; its output is appended to a file. Of subprocess.Popen, what the tests use."""

    def __init__(self, words: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._words = words
        self._process = _server().Process(target=_run, args=(words, str(log), dict(environment), Path.cwd()))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """The exit code; subprocess.TimeoutExpired if it does not end."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(list(self._words), timeout)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing, if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(words: Sequence[str], log: str, environment: Mapping[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    faulthandler.enable()
    sys.argv = ["pacs-monitor", *words]
    from pacs_monitor.__main__ import main

    main()
