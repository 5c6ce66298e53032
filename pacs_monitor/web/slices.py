"""Long work on the event loop, in slices: between two of them runs begin and answers are read, as if nobody looked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from time import perf_counter

SLICE = 0.002
"""Seconds: by so much, and by one step of the work, may a run be late because somebody looks."""
TOGETHER = 64
"""Pieces of an answer that are sent together."""


class Slices:
    """Of one piece of work, which begins now."""

    def __init__(self) -> None:
        self._began = perf_counter()

    async def pause(self) -> None:
        """After each small step: lets the event loop run if the slice is over."""
        if perf_counter() - self._began >= SLICE:
            await asyncio.sleep(0)
            self._began = perf_counter()


async def joined(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    """A long answer, a part at a time: to copy all of it at once would be a long step."""
    for start in range(0, len(pieces), TOGETHER):
        yield b"".join(pieces[start : start + TOGETHER])
