"""How far deliveries of unrecorded notifications have come: for whoever leads next, if this process is fenced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from pacs_monitor.model import DeliveryStatus, Entry, Notification


async def always() -> None:
    """There is nobody else who could lead."""


class Unrecorded:
    """Hears of each delivery before it begins, and when it has ended."""

    def __init__(self, permitted: Callable[[], Awaitable[None]] = always) -> None:
        self._permitted = permitted
        self._seen: dict[str, DeliveryStatus] = {}

    async def begin(self, notification: Notification) -> None:
        """Returns when this process may send; never once another one leads."""
        await self._permitted()
        if notification.unrecorded:
            self._seen.setdefault(notification.id, DeliveryStatus.PENDING)

    def ended(self, notification: Notification, status: DeliveryStatus) -> None:
        if notification.id in self._seen:
            self._seen[notification.id] = status

    def recorded(self, notifications: Iterable[Notification]) -> None:
        """They are in the record now."""
        for notification in notifications:
            self._seen.pop(notification.id, None)

    def with_delivery_state(self, entry: Entry) -> Entry:
        """An entry with what is known of its deliveries: at least one attempt where one may have been made."""

        def known(owed: Notification) -> Notification:
            status = self._seen.get(owed.id)
            return owed if status is None else replace(owed, status=status, attempts=1)

        return replace(entry, notifications=tuple(map(known, entry.notifications)))
