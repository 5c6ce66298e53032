"""The signals by which the process is asked to end or to read its configuration again, on the event loop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable


def at_end(call: Callable[[], None]) -> None:
    """Call it at SIGTERM and SIGINT; on Windows, which knows no SIGTERM, at Ctrl-C and Ctrl-Break."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":  # its loops have no add_signal_handler
        for number in (signal.SIGINT, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))
    else:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, call)


def at_hang_up(call: Callable[[], None]) -> None:
    """Call it at SIGHUP, which Windows does not know: there `pacs-monitor reload` does it."""
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, call)
