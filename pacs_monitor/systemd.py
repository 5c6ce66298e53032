"""What the service manager of Linux is told, by the protocol of sd_notify(3): ready, ending, and still alive.

Each is one datagram to the socket that systemd names in $NOTIFY_SOCKET; where there is none, nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress

ENDING = "STOPPING=1"
ALIVE = "WATCHDOG=1"
ALIVE_PER_LIMIT = 3
"""How often it says that it is alive within the time that systemd allows (sd_watchdog_enabled(3): at least twice)."""


def tell(message: str) -> None:
    """Send a message, and never wait or fail: whoever manages services must not hold up the monitor."""
    address = os.environ.get("NOTIFY_SOCKET")
    if sys.platform == "win32" or not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_manager:
        to_manager.setblocking(False)
        to_manager.sendto(message.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def ready(status: str) -> str:
    """The message that the service runs, with the line that `systemctl status` shows."""
    return f"READY=1\nSTATUS={status}"


def time_limit() -> float | None:
    """Seconds after which systemd kills a service that says nothing (WatchdogSec=); None where it does not watch."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(limit) / 1e6 if ours and limit.isdigit() and int(limit) else None


async def keep_watched() -> None:
    """Say that the event loop takes its turns, for as long as somebody watches.

    Nothing else counts: a restart mends a loop that hangs, but no database that is away and no disk that is full, which
    are paged instead.
    """
    while (limit := time_limit()) is not None:
        tell(ALIVE)
        await asyncio.sleep(limit / ALIVE_PER_LIMIT)
