"""The daemon itself, as its users run it: `pacs-monitor run` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import Any

import psutil
import requests

from tests.peers.forked import Forked, can_fork

READY_WITHIN = 150.0
"""Seconds: on a machine with ten times as much to do as it has processors, a start takes a minute."""
ENDS_WITHIN = 20.0


class RunningDaemon:
    """One daemon over one configuration file; may be killed and started again. Its log is kept beside the file.

    `prefix`: words before its command, such as `names.NameService.prefix`; a process with a command line of its own
    if there are any, or in a network of a test's own, and a copy of one that has imported everything otherwise.
    """

    def __init__(self, config: Path, listen: int, prefix: Sequence[str] = ()) -> None:
        self.config = config
        self._prefix = prefix
        self.url = f"http://127.0.0.1:{listen}"
        self.log = config.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, ready: bool = True) -> None:
        words = ["run", "--config", str(self.config)]
        if not self._prefix and can_fork():
            self._process = Forked(words, self.log, os.environ)
        else:
            with self.log.open("ab") as log:
                command = [*self._prefix, sys.executable, "-m", "pacs_monitor", *words]
                environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
                self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                if requests.get(f"{self.url}/readyz", timeout=10).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError(f"the daemon did not come up:\n{self.log.read_text()}")

    def kill(self) -> None:
        """SIGKILL: nothing is said goodbye to."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM: a clean end; the exit code."""
        return self._end(signal.SIGTERM)

    def terminate(self) -> None:
        """SIGTERM, and nobody waits."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> bool:
        """Whether it has ended, also while a tracer keeps its parent from hearing of it."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        return True

    def hang_up(self) -> None:
        """SIGHUP: read the configuration again."""
        self.signal(signal.SIGHUP)

    def signal(self, number: Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Until it has ended; the exit code. One that does not end says where all its threads are."""
        assert self._process is not None
        try:
            return self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            states = "".join(f"\n{line}" for line in _threads(self.pid))
            self.signal(signal.SIGABRT)  # faulthandler writes the stacks of all threads
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDS_WITHIN)
            raise AssertionError(f"the daemon has not ended:{states}\n{self.log.read_text()}") from None

    def stand_still(self) -> None:
        """SIGSTOP: nothing of it runs until `go_on`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str) -> Any:
        answer = requests.post(self.url + path, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def metrics(self) -> str:
        return requests.get(f"{self.url}/metrics", timeout=20).text

    def check(self, node: str, check: str) -> Any:
        return self.get(f"/api/v1/checks/{node}/{check}")

    def __enter__(self) -> RunningDaemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _end(self, number: Signals) -> int:
        self.signal(number)
        return self.wait()


def _threads(pid: int) -> Iterator[str]:
    """What the kernel says of each thread of a process: its state, its tracer, its pending signals, where it waits."""
    for thread in sorted(Path(f"/proc/{pid}/task").iterdir()):
        with suppress(OSError):
            status = (thread / "status").read_text()
            kept = [line for line in status.splitlines() if line.startswith(("State", "TracerPid", "SigPnd", "ShdPnd"))]
            yield f"{thread.name} {(thread / 'wchan').read_text()} {' '.join(kept)}"


def wait_for_state(daemon: RunningDaemon, state: str, node: str = "archive", within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if daemon.check(node, "dicom_echo")["state"] == state:
            return
        time.sleep(0.1)
    raise AssertionError(f"{node} is not {state}: {daemon.check(node, 'dicom_echo')}\n{daemon.log.read_text()}")
