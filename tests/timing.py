"""How long tests wait, and a watch that leaves out what a stalled machine takes."""

from __future__ import annotations

import threading
import time
from typing import Self

SOON = 20.0
"""Seconds in which what goes well has gone well, on a machine that stalls now and then too."""
HANGS = 2.0
"""Seconds until a peer that never answers is given up; what comes before must fit in, also on a busy machine."""
TICK, NOTICED = 0.01, 0.05


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
