"""The life of a process before it leads: it serves what a standby has to say, and waits."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pacs_monitor import config as configuration
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import ConfigError, Estate
from pacs_monitor.instance import Instance
from pacs_monitor.loading import load_in_time
from pacs_monitor.web.standby import standby_server

log = logging.getLogger(__name__)


async def stand_by(estate: Estate, instance: Instance, stop: asyncio.Event) -> Estate | None:
    """Until this process leads: the estate to watch then. None when it is asked to end."""
    if instance.term is None:
        return None if stop.is_set() else estate
    web = standby_server(instance, estate.monitor, SystemClock())
    web.start()
    obtaining = asyncio.create_task(instance.obtain())
    try:
        await first_of(obtaining, asyncio.create_task(stop.wait()))
        if stop.is_set():
            return None
        waited = await obtaining
        instance.hold()
        return await _as_it_is_now(estate) if waited else estate
    finally:
        obtaining.cancel()
        await web.stop()


async def first_of(*tasks: asyncio.Task[Any]) -> None:
    """Until one of them is done; the others are cancelled."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _as_it_is_now(estate: Estate) -> Estate:
    """The configuration may have changed while this process stood by; what cannot be read keeps nobody from leading."""
    try:
        return configuration.in_force(estate, await load_in_time(estate.file))
    except ConfigError as error:
        for problem in error.problems:
            log.error("keeping the configuration loaded at the start: %s", problem)
        return estate
