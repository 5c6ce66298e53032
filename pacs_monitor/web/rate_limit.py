"""How often something may be asked for: a token bucket, and work that is done by one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

MOST_KEYS = 1024
"""Beyond that, keys that have their whole burst again are forgotten, and then all of them."""


class TokenBucket:
    """`burst` at once, and afterwards `rate` in a second, for each key."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float]) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left: dict[object, tuple[float, float]] = {}

    def wait(self, key: object) -> float:
        """Seconds until the next one is allowed; 0 when this one is, and then it counts."""
        now = self._now()
        left = self._remaining(key, now)
        if left < 1:
            return (1 - left) / self._rate
        self._left[key] = left - 1, now
        if len(self._left) > MOST_KEYS:
            self._forget(now)
        return 0.0

    def pause(self, key: object) -> float:
        """The same, and nothing counts."""
        return max(0.0, (1 - self._remaining(key, self._now())) / self._rate)

    def _remaining(self, key: object, now: float) -> float:
        left, at = self._left.get(key, (float(self._burst), now))
        return min(self._burst, left + (now - at) * self._rate)

    def _forget(self, now: float) -> None:
        self._left = {k: (n, at) for k, (n, at) in self._left.items() if n + (now - at) * self._rate < self._burst}
        if len(self._left) > MOST_KEYS:
            self._left.clear()


class SingleFlight:
    """Heavy work of one caller at a time, with a rest of `rest` times its duration, so that it takes its part alone."""

    def __init__(self, rest: float) -> None:
        self._rest = rest
        self._busy = False
        self._free_at = 0.0

    @property
    def busy(self) -> bool:
        return self._busy

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """After the rest from the last one; not to be entered while it is `busy`."""
        loop = asyncio.get_running_loop()
        self._busy = True
        try:
            await asyncio.sleep(max(0.0, self._free_at - loop.time()))
            began = loop.time()
            try:
                yield
            finally:
                self._free_at = loop.time() + self._rest * (loop.time() - began)
        finally:
            self._busy = False
