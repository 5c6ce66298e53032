"""Writing how notifications ended, also when the history cannot be written just then."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple, Protocol

from pacs_monitor.model import DeliveryStatus

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 1.0, 30.0
UNDELIVERED = frozenset({DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP})
"""How a notification ends that its receiver never took."""


class DeliveryHistory(Protocol):
    """The part of the history that the outbox writes."""

    async def settle(self, notification: str, status: DeliveryStatus, attempts: int, said: str) -> None: ...


class DeliveryResult(NamedTuple):
    """How a notification ended."""

    status: DeliveryStatus
    attempts: int
    said: str


class DeliveryRecorder:
    """Settles notifications in the history; a failure holds up no delivery and is made good later."""

    def __init__(self, history: DeliveryHistory) -> None:
        self._history = history
        self._deferred: dict[str, DeliveryResult | None] = {}
        """Notifications that the history does not know yet, and how they ended meanwhile."""
        self._tasks: set[asyncio.Task[None]] = set()

    def defer(self, notification: str) -> None:
        """The history does not know it yet."""
        self._deferred[notification] = None

    def resume(self, notification: str) -> None:
        """The history knows it now."""
        result = self._deferred.pop(notification, None)
        if result is not None:
            self._insist(notification, result)

    async def settle(self, notification: str, result: DeliveryResult) -> None:
        """Written when it returns, unless the history cannot be written."""
        if notification in self._deferred:
            self._deferred[notification] = result
            return
        try:
            await self._history.settle(notification, *result)
        except Exception as error:  # noqa: BLE001 - whatever the database does, deliveries go on
            log.warning("notification %s: %s is not recorded yet: %s", notification, result.status, error)
            self._insist(notification, result)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _insist(self, notification: str, result: DeliveryResult) -> None:
        task = asyncio.get_running_loop().create_task(self._retry(notification, result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _retry(self, notification: str, result: DeliveryResult) -> None:
        delay = FIRST_RETRY
        while True:
            try:
                await self._history.settle(notification, *result)
            except Exception:  # noqa: BLE001 - as above
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
            else:
                return
