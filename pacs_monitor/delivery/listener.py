"""Who hears of what the outbox does."""

from __future__ import annotations

from typing import Protocol

from pacs_monitor.delivery.health import ChannelTrouble
from pacs_monitor.model import DeliveryStatus, Notification


class Listener(Protocol):
    """Hears of what the outbox does; it is called on the event loop and must not block."""

    def ended(self, notification: Notification, status: DeliveryStatus) -> None:
        """A notification has ended so, and it is on record if the history can be written."""
        ...

    def page_late(self, channel: str, incident: str) -> None:
        """A page of an incident has waited for longer than `late_after` of its channel."""
        ...

    def circuit_moved(self, channel: str, trouble: ChannelTrouble | None) -> None:
        """A channel takes nothing any more, or works again (None)."""
        ...
