"""Reading the configuration while the daemon runs, for no longer than anybody can wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pacs_monitor import config as configuration
from pacs_monitor.config import ConfigError, Estate, Problem
from pacs_monitor.format.human import duration
from pacs_monitor.threads import in_thread

LOADS_WITHIN = 20.0
"""Seconds for reading the configuration and its files, which may lie on a network share."""


async def load_in_time(file: Path) -> Estate:
    """What the file says now; ConfigError, also when it, or a file that it names, is not read in time."""
    try:
        async with asyncio.timeout(LOADS_WITHIN):
            return await in_thread(lambda: configuration.load(file), "configuration")
    except TimeoutError:
        problem = f"check its disk: it, or a file that it names, could not be read within {duration(LOADS_WITHIN)}"
        raise ConfigError([Problem(str(file), 1, "", problem)]) from None
