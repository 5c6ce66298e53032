"""A process that keeps an incident in a journal for every line of its input, and says so: to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pacs_monitor.alerting.journal import Journal
from pacs_monitor.model import Entry
from tests.history.things import incident


async def keep(file: Path) -> None:
    loop, journal = asyncio.get_running_loop(), Journal(file)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await journal.add(Entry(incidents=(incident(1_764_000_000_000_000, id=line.strip()),)))
        print(line, end="", flush=True)


asyncio.run(keep(Path(sys.argv[1])))
