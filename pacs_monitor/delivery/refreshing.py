"""Tells the channels whose receivers forget (Alertmanager) again and again what is open.

Nothing of it is recorded: what is sent again was delivered before. A refresh that fails is logged and comes again; the
next page finds out by itself whether the channel works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pacs_monitor.delivery.troubles import Troubles
from pacs_monitor.language import SOURCE, speaking
from pacs_monitor.model import Channel, Clock, Notification, Refreshes
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at what is due."""
REFRESH_WITHIN = 10.0
"""Seconds for one refresh in all, by which the end of an incident may be held up."""
GRACE = 5.0
"""Seconds after that until a refresh is no longer waited for."""


class Refresher:
    """Refreshes each channel at its own pace; `keep` is one task of the daemon."""

    def __init__(
        self,
        clock: Clock,
        channels: Callable[[], Mapping[str, Channel]],
        standing: Callable[[str], Sequence[Notification]],
        permitted: Callable[[], Awaitable[None]],
    ) -> None:
        """`standing` has the open incidents of which a channel was notified; `permitted` returns once we lead."""
        self._clock, self._channels, self._standing, self._permitted = clock, channels, standing, permitted
        self._due: dict[Channel, float] = {}
        self._troubles = Troubles(log)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def keep(self) -> None:
        """For as long as the daemon leads; what a reload changed is refreshed at once."""
        while True:
            await self._permitted()
            channels, now = self._channels(), self._clock.monotonic()
            self._due = {channel: self._due.get(channel, now) for channel in channels.values()}
            for name, channel in channels.items():
                if isinstance(channel, Refreshes) and self._due[channel] <= now and name not in self._running:
                    self._due[channel] = now + channel.refresh_every
                    self._begin(name, channel)
            await asyncio.sleep(LOOK)

    def _begin(self, name: str, channel: Refreshes) -> None:
        task = asyncio.get_running_loop().create_task(self._refresh(name, channel))
        self._running[name] = task
        task.add_done_callback(lambda _: self._running.pop(name, None))

    async def _refresh(self, name: str, channel: Refreshes) -> None:
        standing = self._standing(name)
        with self._troubles.told(name, " cannot be told what is still open", " knows again what is open"):
            async with asyncio.timeout(REFRESH_WITHIN + GRACE):
                await in_thread(lambda: _told(channel, standing), "refresh")


def _told(channel: Refreshes, standing: Sequence[Notification]) -> None:
    """In the language of its pages, which is the same for all."""
    with speaking(standing[0].language if standing else SOURCE):
        channel.refresh(standing, REFRESH_WITHIN)
