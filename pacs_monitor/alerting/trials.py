"""Tests of channels that somebody asks the running daemon for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.delivery import Outbox
from pacs_monitor.delivery.trying import Tried, try_out
from pacs_monitor.messages.trial import Shape, shaped, trial
from pacs_monitor.model import Channel, Clock, DeliveryStatus, Entry


class Trials:
    """Runs each to its end, whoever has gone away meanwhile; a success is recorded, as a proof of the channel."""

    def __init__(self, outbox: Outbox, clock: Clock, record: Callable[[Entry], None]) -> None:
        self._outbox, self._clock, self._record = outbox, clock, record
        self._tasks: set[asyncio.Task[Tried]] = set()
        self._hurry = asyncio.Event()

    async def run(
        self, name: str, channel: Channel, monitor: MonitorSettings, shape: Shape | None, open_for: float | None
    ) -> Tried:
        """What became of it."""
        task = asyncio.get_running_loop().create_task(self._run(name, channel, monitor, shape, open_for))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _run(
        self, name: str, channel: Channel, monitor: MonitorSettings, shape: Shape | None, open_for: float | None
    ) -> Tried:
        notifications = shaped(shape, name, monitor, self._clock.now())
        send, wait = self._outbox.test, self._wait
        tried = await try_out(channel, notifications, send, self._clock, open_for=open_for, wait=wait)
        if tried.steps[0].error is None:
            proof = trial(name, monitor, tried.steps[0].at)
            self._record(Entry(notifications=(replace(proof, status=DeliveryStatus.DELIVERED, attempts=1),)))
        return tried

    async def _wait(self, seconds: float) -> None:
        """That long, or until the daemon ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def stop(self, grace: float) -> None:
        """What is open is ended at once, within `grace` seconds."""
        self._hurry.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self.abandon()

    def abandon(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
