"""The daemon, watched from within for the benchmark of the pages: how often it reads, and how late its event loop is.

    python benchmarks/counted.py FILE run --config monitor.yaml

FILE holds how many SELECTs there were, how often the loop was looked at, and the latest of the delays that were seen.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine, event

from pacs_monitor import cli, process

OFTEN = 0.01
"""Seconds between two looks at the loop."""
MOST = 60_000
"""Delays that are kept, of the latest ten minutes."""
HEAD, DELAY = struct.Struct("QQ"), struct.Struct("d")


class Shared:
    """What the benchmark reads while the daemon runs."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(HEAD.size + MOST * DELAY.size))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 0)
        self._lock, self._queries, self._looks = Lock(), 0, 0

    def asked(self) -> None:
        with self._lock:
            self._queries += 1
            HEAD.pack_into(self._memory, 0, self._queries, self._looks)

    def seen(self, delay: float) -> None:
        with self._lock:
            DELAY.pack_into(self._memory, HEAD.size + self._looks % MOST * DELAY.size, delay)
            self._looks += 1
            HEAD.pack_into(self._memory, 0, self._queries, self._looks)


def queries(file: Path) -> int:
    """So many until now."""
    return _head(file)[0]


def looks(file: Path) -> int:
    """So many until now."""
    return _head(file)[1]


def _head(file: Path) -> tuple[int, int]:
    asked, seen = HEAD.unpack_from(file.read_bytes())
    return asked, seen


def delays(file: Path, since: int) -> list[float]:
    """Seconds by which the loop was late, since so many looks; the longest last."""
    text = file.read_bytes()
    count = HEAD.unpack_from(text)[1]
    return sorted(
        DELAY.unpack_from(text, HEAD.size + n % MOST * DELAY.size)[0] for n in range(max(since, count - MOST), count)
    )


def watch(shared: Shared) -> None:
    """From now on: every SELECT of this process, whatever its engine and thread, and the loop that `process` makes."""

    def count(_: object, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            shared.asked()

    event.listen(Engine, "before_cursor_execute", count)
    made = process.loop_factory()

    def look(loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        shared.seen(max(0.0, now - due))
        loop.call_at(now + OFTEN, look, loop, now + OFTEN)

    def watched() -> asyncio.AbstractEventLoop:
        loop = made() if made else asyncio.new_event_loop()
        loop.call_soon(look, loop, loop.time())
        return loop

    def factory() -> Callable[[], asyncio.AbstractEventLoop]:
        return watched

    process.loop_factory = factory


if __name__ == "__main__":
    watch(Shared(Path(sys.argv.pop(1))))
    cli.main()
