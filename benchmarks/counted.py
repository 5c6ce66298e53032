"""The daemon, watched from within for the benchmark of the pages: how often it reads, and how late its event loop is.

    python benchmarks/counted.py FILE run --config monitor.yaml

FILE holds how many SELECTs there were, the latest delays of the loop, and how long full collections of garbage took.
"""

from __future__ import annotations

import asyncio
import gc
import mmap
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Engine, event

from pacs_monitor import cli, process

OLDEST = 2
"""The generation of objects that a full collection looks through, with all younger ones."""
OFTEN = 0.01
"""Seconds between two looks at the loop."""
MOST = 60_000
"""Delays that are kept, of the latest ten minutes, and collections."""
HEAD, SECONDS = struct.Struct("QQQ"), struct.Struct("d")
DELAYS, COLLECTIONS = HEAD.size, HEAD.size + MOST * SECONDS.size
"""Where they are in the file."""


class Shared:
    """What the benchmark reads while the daemon runs."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(COLLECTIONS + MOST * SECONDS.size))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 0)
        self._lock, self._queries, self._looks, self._collections = Lock(), 0, 0, 0

    def asked(self) -> None:
        with self._lock:
            self._queries += 1
            self._tell()

    def seen(self, delay: float) -> None:
        with self._lock:
            SECONDS.pack_into(self._memory, DELAYS + self._looks % MOST * SECONDS.size, delay)
            self._looks += 1
            self._tell()

    def collected(self, took: float) -> None:
        """Without the lock: a collection may begin within it."""
        SECONDS.pack_into(self._memory, COLLECTIONS + self._collections % MOST * SECONDS.size, took)
        self._collections += 1

    def _tell(self) -> None:
        HEAD.pack_into(self._memory, 0, self._queries, self._looks, self._collections)


class Seen(NamedTuple):
    """How often each was seen until now."""

    queries: int
    looks: int
    collections: int


def seen(file: Path) -> Seen:
    """So far."""
    return _counts(file.read_bytes())


def _counts(text: bytes) -> Seen:
    return Seen(*HEAD.unpack_from(text))


def delays(file: Path, since: Seen) -> list[float]:
    """Seconds by which the loop was late since then; the longest last."""
    text = file.read_bytes()
    return _sorted(text, DELAYS, since.looks, _counts(text).looks)


def collections(file: Path, since: Seen) -> list[float]:
    """Seconds that each full collection of garbage took since then; the longest last."""
    text = file.read_bytes()
    return _sorted(text, COLLECTIONS, since.collections, _counts(text).collections)


def _sorted(text: bytes, at: int, first: int, end: int) -> list[float]:
    numbers = range(max(first, end - MOST), end)
    return sorted(SECONDS.unpack_from(text, at + n % MOST * SECONDS.size)[0] for n in numbers)


def watch(shared: Shared) -> None:
    """From now on: every SELECT of this process, whatever its engine and thread, and the loop that `process` makes."""

    def count(_: object, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            shared.asked()

    event.listen(Engine, "before_cursor_execute", count)
    began = 0.0

    def collect(phase: str, about: dict[str, int]) -> None:
        nonlocal began
        if about["generation"] < OLDEST:
            return
        if phase == "start":
            began = time.monotonic()
        else:
            shared.collected(time.monotonic() - began)

    gc.callbacks.append(collect)
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
