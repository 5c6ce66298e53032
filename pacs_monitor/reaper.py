"""Processes that commands of ours leave behind: found wherever they went, killed, and taken off the kernel's list.

A process that daemonises (it forks twice and begins a session of its own) leaves the group and the family of the
command that began it. On Linux it is then given to its nearest ancestor that asked for orphans (PR_SET_CHILD_SUBREAPER,
prctl(2)), which is the monitor once it has run a command, or to process 1, which the monitor is in a container. What is
ours of them is known by a variable of its environment, which children inherit: orphans of others, such as those of a
shell that somebody opened in the container, are left alone. A dead orphan stays in the kernel's list until its parent
asks for it (wait(2)), so somebody must: only for those that we killed, or that nobody asked for in a while, since the
status of a child that we started is for whoever started it.

Elsewhere orphans are given to process 1, and only the group (not on Windows) and the family of a command are ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from uuid import uuid4

import psutil

MARK = "PACS_MONITOR_RUN"
"""The variable by which a process says which command it belongs to."""
LATE = 4.0
"""Seconds for which a child may be dead until we ask for it: whoever started it has not."""
_PASSES = 5
"""How often it is looked for processes that began while others were killed."""
_PR_SET_CHILD_SUBREAPER = 36
_NOBODY = -1
"""No process; in a container, 0 is one outside of it."""
_LINUX = sys.platform == "linux"


class ProcessReaper:
    """Those of this process."""

    def __init__(self) -> None:
        self._under_way: set[str] = set()
        self._killed: list[psutil.Process] = []
        self._dead_since: dict[psutil.Process, float] = {}
        self._asked = False

    @contextmanager
    def command(self) -> Iterator[str]:
        """A command is under way until whoever started it has its status: its name, for MARK in its environment."""
        if _LINUX and not self._asked:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            self._asked = True
        name = uuid4().hex
        self._under_way.add(name)
        try:
            yield name
        finally:
            self._under_way.discard(name)
            self.sweep()

    def end(self, name: str, leader: int) -> None:
        """Kill the group of the process that a command was started as, its family, and what these have left."""
        if sys.platform == "win32":  # it has no groups of processes
            with suppress(psutil.Error):
                psutil.Process(leader).kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)
        self._kill(name, leader)

    def sweep(self) -> None:
        """Regularly: kill what escaped, and take the dead off the kernel's list that nobody else asks for."""
        if self._asked:  # while a process takes on another program, nobody can read what it belongs to
            self._kill("", _NOBODY)
        self._killed = [process for process in self._killed if not _taken_off(process)]
        if not _any_dead():
            self._dead_since.clear()
            return
        now = monotonic()
        dead = [child for child in psutil.Process().children() if _is_dead(child)]
        self._dead_since = {child: self._dead_since.get(child, now) for child in dead}
        for child, since in self._dead_since.items():
            if now - since >= LATE:
                _taken_off(child)

    def _kill(self, name: str, leader: int) -> None:
        for _ in range(_PASSES):
            found = [process for process in self._left_by(name, leader) if process not in self._killed]
            if not found:
                break
            for process in found:
                with suppress(psutil.Error):
                    process.kill()
            self._killed += found

    def _left_by(self, name: str, leader: int) -> Iterator[psutil.Process]:
        """Descendants of ours that belong to this command, or to one that is over; parents come first."""
        family = {leader}
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error, ProcessLookupError):
                if process.pid != leader and (process.ppid() in family or self._is_left(process, name, leader)):
                    family.add(process.pid)
                    yield process

    def _is_left(self, process: psutil.Process, name: str, leader: int) -> bool:
        if sys.platform != "win32" and os.getsid(process.pid) == leader:
            return True
        if process.status() == psutil.STATUS_DISK_SLEEP:  # whoever reads its environment may hang with it
            return False
        said = process.environ().get(MARK)
        return said == name or (said is not None and said not in self._under_way)


def _taken_off(process: psutil.Process) -> bool:
    """Whether a process of ours is no more; one that is dead is asked for."""
    if sys.platform == "win32":  # nobody has to ask
        return not process.is_running()
    try:
        return not process.is_running() or os.waitpid(process.pid, os.WNOHANG)[0] == process.pid
    except ChildProcessError:  # its parent is still there, or has asked for it
        return not process.is_running()


def _any_dead() -> bool:
    """Whether a child is dead and was not asked for: one system call, which takes nothing off."""
    if sys.platform != "linux":
        return False
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def _is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


reaper = ProcessReaper()
"""The kernel gives them to a process, so there is one of these."""
