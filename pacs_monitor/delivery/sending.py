"""One attempt to deliver one notification: within a bound, and whatever fails is a DeliveryError."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from pacs_monitor.language import speaking
from pacs_monitor.model import Channel, DeliveryError, Failure, Notification
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)

DELIVERY_TIMEOUT = 30.0
"""Seconds for one attempt, where the channel's own timeout is not shorter."""
GRACE = 5.0
"""Seconds after that until an attempt is abandoned, even if its thread still runs."""


def deliver(channel: Channel, notification: Notification, timeout: float) -> str:
    """Blocking; what a channel adds to a page is in the language of the page."""
    with speaking(notification.language):
        return channel.deliver(notification, timeout)


class Sender:
    """Sends through the channels of the configuration, in threads of their own."""

    def __init__(self, permit: Callable[[Notification], Awaitable[None]]) -> None:
        """`permit` returns once a notification may be sent."""
        self.channels: Mapping[str, Channel] = {}
        self._permit = permit

    async def send(self, notification: Notification) -> str:
        """Once; what the receiver said, or DeliveryError."""
        await self._permit(notification)
        channel = self.channels.get(notification.channel)
        if channel is None:
            raise DeliveryError("channel_removed", f"channel {notification.channel} is not configured")
        try:
            async with asyncio.timeout(DELIVERY_TIMEOUT + GRACE):
                return await in_thread(lambda: deliver(channel, notification, DELIVERY_TIMEOUT), "delivery")
        except DeliveryError:
            raise
        except TimeoutError:
            raise DeliveryError("timeout", "the channel exceeded its own timeout") from None
        except Exception as error:  # noqa: BLE001 - whatever a channel raises must not end its lane
            log.error("channel %s failed with an internal error: %s", notification.channel, type(error).__name__)
            words = f"{type(error).__name__} in the channel itself"
            raise DeliveryError("channel_error", words, failure=Failure.REFUSAL) from None
