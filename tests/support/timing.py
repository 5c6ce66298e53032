"""How long tests wait, and for what; and a watch that leaves out what a stalled machine takes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Self

SOON = 20.0
"""Seconds in which what goes well has gone well, on a machine that stalls now and then too."""
HANGS = 2.0
"""Seconds until a peer that never answers is given up; what comes before must fit in, also on a busy machine."""
UP_WITHIN = 60.0
"""Seconds in which another process has done what a test waits for."""
TICK, NOTICED = 0.01, 0.05


async def until(condition: Callable[[], bool], within: float = SOON) -> None:
    """Wait for a condition of the loop's own making."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)


def wait_until(condition: Callable[[], bool], what: str, within: float = UP_WITHIN) -> None:
    """Return as soon as a condition of another thread or process holds; fail, saying what was awaited, when it does not
    in time. A condition that is long to find out is asked for less often, so that it leaves the machine to the others.
    """
    end = time.monotonic() + within
    while True:
        asked = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        assert now < end, f"{what}: not within {within:g} s"
        time.sleep(max(0.01, now - asked))


class Stopwatch:
    """The seconds of a block in which this process could run, for what must end at a deadline of its own."""

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._began = self._last = time.monotonic()
        self._stalled = 0.0
        self._ticking = threading.Thread(target=self._tick)
        self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._ticking.join()
        self.seconds = self._last - self._began - self._stalled

    def _tick(self) -> None:
        over = False
        while not over:
            over = self._over.wait(TICK)
            gap = time.monotonic() - self._last
            self._last += gap
            self._stalled += gap if gap > NOTICED else 0.0
