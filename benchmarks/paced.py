"""Run something at an even pace, or one after the other, and account for it: processor time per run, latencies."""

from __future__ import annotations

import asyncio
import math
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What one way of asking cost; seconds."""

    name: str
    runs: int
    rate: float
    processor: float
    """Processor time per run, children included where they do the work."""
    median: float
    p99: float

    @classmethod
    def of(cls, name: str, seconds: float, processor: float, latencies: list[float]) -> Figures:
        ordered = sorted(latencies)
        return cls(
            name,
            len(ordered),
            len(ordered) / seconds,
            processor / len(ordered),
            statistics.median(ordered),
            ordered[int(len(ordered) * 0.99)],
        )


def processor_time(who: int = resource.RUSAGE_SELF) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def sequential(
    name: str, ask: Callable[[int], object], seconds: float, who: int = resource.RUSAGE_SELF, rate: float = math.inf
) -> Figures:
    """Call `ask(n)` again and again, one at a time, no faster than the rate; `who` does the work."""
    latencies: list[float] = []
    before, began = processor_time(who), time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        ask(len(latencies))
        latencies.append(time.perf_counter() - now)
        time.sleep(max(0.0, began + len(latencies) / rate - time.perf_counter()))
    return Figures.of(name, time.perf_counter() - began, processor_time(who) - before, latencies)


async def paced(ask: Callable[[int], Awaitable[float]], rate: float, seconds: float) -> list[float]:
    """Call `ask(n)` `rate` times a second, whether or not earlier calls have ended; the latencies that it answers."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    tasks = []
    for n in range(int(rate * seconds)):
        delay = began + n / rate - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.ensure_future(ask(n)))
    return list(await asyncio.gather(*tasks))
