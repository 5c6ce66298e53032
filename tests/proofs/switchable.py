"""A DICOM peer in a process of its own that a proof can stop and start again on the same port."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.peers.ports import free_port


class Switchable:
    """Answers C-ECHO while it is up; refuses connections while it is down. Times are wall seconds since the epoch."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    def up(self) -> float:
        command = [sys.executable, "-m", "benchmarks.peer", str(self.port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return time.time()

    def down(self) -> float:
        assert self._process is not None
        at = time.time()
        self._process.kill()
        self._process.communicate()
        self._process = None
        return at

    def __enter__(self) -> Switchable:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.down()
