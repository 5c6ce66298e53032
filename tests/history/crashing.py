"""`python -m tests.history.crashing URL FIRST` records outages until it is killed, and prints what is durable."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from pacs_monitor.history import History
from tests.history.conftest import START, HandClock
from tests.history.things import outage


async def record(history: History, number: int) -> None:
    entry = outage(START + number)
    about = entry.incidents[0].id
    await history.record(replace(entry, transitions=(replace(entry.transitions[0], detail=about),)))
    print(about, flush=True)


async def main(url: str, first: int) -> None:
    history = History.open(url, "east", HandClock())
    number = first
    while True:
        await asyncio.gather(*(record(history, number + n) for n in range(4)))
        number += 4


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
