"""Asks receivers who has acknowledged there what is open, and only while something is open.

Nothing waits for an answer. A question that fails is told in the log once, and asked again at the next time, or when
the receiver says (Retry-After).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from pacs_monitor.delivery.troubles import Troubles
from pacs_monitor.model import (
    SECOND,
    AcknowledgedThere,
    Channel,
    Clock,
    DeliveryError,
    KeepsAcknowledgements,
    Taken,
)
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at what is due."""
ANSWER_WITHIN, GRACE = 10.0, 5.0
"""Seconds for one question, and until it is no longer waited for."""
AT_A_TIME = 20
"""Questions in one round; the rest is asked in the next ones."""
LONGEST_RETRY_AFTER = 900.0
"""How many seconds a receiver may ask us to wait."""
OLDEST = 8 * 3600 * SECOND
"""An acknowledgement that was made there longer ago would be over here."""


class Poller:
    """Asks each channel at its own pace; `keep` is one task of the daemon."""

    def __init__(
        self,
        clock: Clock,
        channels: Callable[[], Mapping[str, Channel]],
        taken: Callable[[str], Sequence[Taken]],
        heard: Callable[[Taken, str], Awaitable[None]],
        permitted: Callable[[], Awaitable[None]],
    ) -> None:
        """`taken` has what a channel may be asked; `heard` takes who has acknowledged; `permitted` returns once we
        lead.
        """
        self._clock, self._channels, self._taken, self._heard = clock, channels, taken, heard
        self._permitted = permitted
        self._due: dict[str, float] = {}
        self._last: dict[str, str] = {}
        """The incident that each was asked last."""
        self._known: dict[Taken, AcknowledgedThere] = {}
        """What was brought back: once."""
        self._troubles = Troubles(log)

    async def keep(self) -> None:
        """For as long as the daemon leads."""
        while True:
            await self._permitted()
            for name, channel in self._channels().items():
                if isinstance(channel, KeepsAcknowledgements) and channel.poll_every is not None:
                    await self._look(name, channel, channel.poll_every)
            await asyncio.sleep(LOOK)

    async def _look(self, name: str, channel: KeepsAcknowledgements, every: float) -> None:
        now = self._clock.monotonic()
        if self._due.get(name, now) > now or not (taken := self._taken(name)):
            return
        self._known = {one: said for one, said in self._known.items() if one in taken}
        self._due[name] = now + every
        asking = f": who acknowledges in {channel.service} is"
        with self._troubles.told(name, f"{asking} not known", f"{asking} known again"):
            try:
                await self._ask(name, channel, taken)
            except DeliveryError as error:
                self._due[name] = now + max(every, min(error.retry_after or 0.0, LONGEST_RETRY_AFTER))
                raise

    async def _ask(self, name: str, channel: KeepsAcknowledgements, taken: Sequence[Taken]) -> None:
        for one in self._next(name, taken):
            self._last[name] = one.incident  # also of what fails, so that one alert holds up no others
            async with asyncio.timeout(ANSWER_WITHIN + GRACE):
                said = await in_thread(partial(channel.acknowledged, one, ANSWER_WITHIN), "acknowledgements")
            await self._take(one, said, channel.service)

    def _next(self, name: str, taken: Sequence[Taken]) -> Sequence[Taken]:
        """Those after the one that was asked last, then the first ones again."""
        order = sorted(taken, key=lambda one: (one.incident <= self._last.get(name, ""), one.incident))
        return order[:AT_A_TIME]

    async def _take(self, one: Taken, said: AcknowledgedThere | None, service: str) -> None:
        if said is None or self._known.get(one) == said:
            return
        if said.at is not None and self._clock.now() - said.at > OLDEST:
            return
        await self._heard(one, f"{said.by} via {service}")
        self._known[one] = said
