"""A disk that does not answer, or answers with an error: strace takes hold of a process's system calls."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

LONGEST = 600
"""Seconds for which one call is held, unless it is let go before."""
READY_WITHIN = 20.0


def stalled_disk(pid: int, calls: str = "fsync,fdatasync") -> AbstractContextManager[None]:
    """While it is entered, these system calls of a process (all its threads) do not return; afterwards they do."""
    return _injected(pid, calls, f"delay_enter={LONGEST * 1_000_000}")


def failing_disk(pid: int, error: str) -> AbstractContextManager[None]:
    """While it is entered, what SQLite writes fails: `ENOSPC` (the disk is full), `EROFS` (read-only), `EIO`."""
    return _injected(pid, "pwrite64", f"error={error}")


@contextmanager
def _injected(pid: int, calls: str, what: str) -> Iterator[None]:
    strace = shutil.which("strace")
    assert strace, "strace is missing: install the package strace, or run scripts/install-test-peers"
    inject = f"inject={calls}:{what}"
    words = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject, "-p", str(pid)]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as tracer:
        _wait_for(pid, tracer)
        try:
            yield
        finally:
            tracer.kill()  # it lets the process go; while it waits for a thread that it holds, it heeds nothing else


def _wait_for(pid: int, tracer: subprocess.Popen[bytes]) -> None:
    """Until every thread is held by the tracer."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if tracer.poll() is not None:
            said = tracer.stderr.read().decode() if tracer.stderr else ""
            raise AssertionError(f"strace cannot hold process {pid}: {said}")
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        if all(f"TracerPid:\t{tracer.pid}\n" in (thread / "status").read_text() for thread in threads):
            return
        time.sleep(0.01)
    raise AssertionError(f"strace did not take hold of process {pid} within {READY_WITHIN:.0f} s")
