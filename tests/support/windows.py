"""A process that takes itself for one on Windows: our modules find nothing of POSIX; libraries stay as they are.

`python -m tests.support.windows COMMAND…` runs the rest of a command line as `pacs-monitor` in such a process; with
`modules` instead, it imports each of our modules, and prints how many they are; with `host FILE …`, it runs that file.
Where $FAKE_WINDOWS names a folder, pywin32 is there, too: a fake, `tests.support.pywin32`.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import os
import pkgutil
import runpy
import signal
import sys
from types import ModuleType
from typing import NoReturn

import pacs_monitor
from tests.support import pywin32

NOT_THERE = "fcntl", "grp", "pwd", "resource", "pty", "termios", "tty", "syslog", "uvloop"
NOT_IN_OS = (
    *("killpg", "getsid", "setsid", "getpgid", "setpgid", "getuid", "geteuid", "getgid", "statvfs", "fchmod", "fchown"),
    *("waitid", "P_ALL", "WEXITED", "WNOHANG", "WNOWAIT", "O_NOFOLLOW", "O_CLOEXEC"),
)
NOT_SIGNALS = "SIGHUP", "SIGKILL", "SIGALRM", "SIGCHLD", "SIGPIPE"
CTRL_BREAK = signal.SIGUSR1
"""What this process is sent instead of Ctrl-Break."""


def pretend() -> None:
    """From now on. What our modules import is loaded before, by the platform as it is."""
    modules()
    for name in [name for name in sys.modules if name.partition(".")[0] == "pacs_monitor"]:
        del sys.modules[name]
    sys.modules.update(dict.fromkeys(NOT_THERE))  # type: ignore[arg-type]  # None: there is no such module
    sys.modules["msvcrt"] = _msvcrt()
    for name in NOT_IN_OS:
        delattr(os, name)
    for name in NOT_SIGNALS:
        delattr(signal, name)
    signal.SIGBREAK = CTRL_BREAK  # type: ignore[attr-defined]
    asyncio.SelectorEventLoop.add_signal_handler = _no_handler  # type: ignore[method-assign, assignment]
    sys.platform = "win32"
    pywin32.install()


def modules() -> int:
    """Import each module of ours; how many they are."""
    names = [found.name for found in pkgutil.walk_packages(pacs_monitor.__path__, "pacs_monitor.")]
    names = [name for name in names if ".migrations." not in name]  # Alembic runs these, with a connection
    for name in names:
        importlib.import_module(name)
    return len(names)


def _msvcrt() -> ModuleType:
    """The locks of the C library of Windows, of as many bytes from the position of the file."""
    module = ModuleType("msvcrt")

    def locking(file: int, mode: int, count: int) -> None:
        position = os.lseek(file, 0, os.SEEK_CUR)
        assert position < 1 << 31, "msvcrt.locking takes a position of 32 bits"
        fcntl.lockf(file, mode, count, position)

    vars(module).update(LK_NBLCK=fcntl.LOCK_EX | fcntl.LOCK_NB, LK_UNLCK=fcntl.LOCK_UN, locking=locking)
    return module


def _no_handler(*_: object) -> NoReturn:
    raise NotImplementedError


if __name__ == "__main__":
    pretend()
    if sys.argv[1:] == ["modules"]:
        print(modules())
    elif sys.argv[1] == "host":
        sys.argv = sys.argv[2:]
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        from pacs_monitor.__main__ import main

        sys.argv = ["pacs-monitor", *sys.argv[sys.argv.index("pacs_monitor") + 1 :]]
        main()
