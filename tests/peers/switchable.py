"""A DICOM peer in a process of its own that a proof can stop and start again on the same port."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import NamedTuple

from tests.peers.ports import free_port


class When(NamedTuple):
    """Something happened between these, in wall seconds since the epoch."""

    earliest: float
    latest: float


class Switchable:
    """Answers C-ECHO while it is up; refuses connections while it is down."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    def up(self) -> When:
        earliest = time.time()
        command = [sys.executable, "-m", "benchmarks.peer", str(self.port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return When(earliest, time.time())

    def down(self) -> When:
        assert self._process is not None
        earliest = time.time()
        self._process.kill()
        self._process.communicate()
        self._process = None
        return When(earliest, time.time())

    def __enter__(self) -> Switchable:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.down()
