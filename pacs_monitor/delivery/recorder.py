"""Writing how notifications ended, also when the history cannot be written just then."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pacs_monitor.backoff import Backoff
from pacs_monitor.format.human import pluralized
from pacs_monitor.model import DeliveryResult, Notification
from pacs_monitor.supervision import Supervisor

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 1.0, 30.0
WRITTEN_WITHIN = 5.0
"""Seconds that a lane waits for the history before it continues without it."""


class DeliveryHistory(Protocol):
    """The part of the history that the outbox writes."""

    async def record_results(self, results: Sequence[DeliveryResult], digest: Notification | None = None) -> None: ...


class _Writing(NamedTuple):
    """What is one transaction."""

    results: Sequence[DeliveryResult]
    digest: str | None


class DeliveryRecorder:
    """Records results in the history; a failure holds up no delivery and is made good later, in order."""

    def __init__(self, history: DeliveryHistory, supervisor: Supervisor) -> None:
        self._history, self._supervisor = history, supervisor
        self._unrecorded: set[str] = set()
        """Notifications that the history does not know yet."""
        self._late: deque[_Writing] = deque()
        self._digests: dict[str, Notification] = {}
        """The latest form of each, so that writing an earlier one late does no harm."""
        self._task: asyncio.Task[None] | None = None

    def defer(self, notification: str) -> None:
        """The history does not know it yet."""
        self._unrecorded.add(notification)

    def resume(self, notification: str) -> None:
        """The history knows it now."""
        self._unrecorded.discard(notification)
        self._catch_up_soon()

    async def record(self, results: Sequence[DeliveryResult], digest: Notification | None = None) -> None:
        """Written when it returns, all or nothing, unless the history cannot be written."""
        writing = _Writing(results, None if digest is None else digest.id)
        if digest is not None:
            self._digests[digest.id] = digest
        if self._late or not self._known(writing):
            self._late.append(writing)
        else:
            try:
                await self._write(writing)
            except Exception as error:  # noqa: BLE001 - whatever the database does, deliveries go on
                words = str(error) or type(error).__name__
                log.warning("not recorded yet: %s: %s", pluralized(len(results), "delivery", "deliveries"), words)
                self._late.append(writing)
        self._catch_up_soon()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _write(self, writing: _Writing) -> None:
        async with asyncio.timeout(WRITTEN_WITHIN):
            await self._history.record_results(writing.results, self._digests.get(writing.digest or ""))
        for result in writing.results:
            self._digests.pop(result.notification, None)

    def _known(self, writing: _Writing) -> bool:
        return self._unrecorded.isdisjoint(result.notification for result in writing.results)

    def _catch_up_soon(self) -> None:
        if (self._task is None or self._task.done()) and any(map(self._known, self._late)):
            self._task = self._supervisor.supervise("delivery results", self._catch_up)

    async def _catch_up(self) -> None:
        """What speaks of unknown notifications waits; one that fails waits at the end of the others."""
        backoff = Backoff(FIRST_RETRY, LAST_RETRY)
        while (writing := next(filter(self._known, self._late), None)) is not None:
            try:
                await self._write(writing)
            except Exception:  # noqa: BLE001 - as above
                self._late.remove(writing)
                self._late.append(writing)
                await asyncio.sleep(backoff.failed())
            else:
                self._late.remove(writing)
