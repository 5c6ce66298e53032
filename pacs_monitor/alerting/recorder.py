"""Entries into the history, in order; those that cannot be written now are kept and written later."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from pacs_monitor.backoff import Backoff
from pacs_monitor.format.human import pluralized
from pacs_monitor.model import Entry
from pacs_monitor.supervision import Supervisor

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 1.0, 30.0
END_WITHIN = 2.0
"""Seconds at shutdown for the entries still kept; a database that does not answer would take that long for each."""


SHORT_LIVED = frozenset({"storm"})
"""Kinds of notes that every opening of a channel writes anew: an older one that is written later does no harm."""


class Recording(Protocol):
    """The part of the history that the desk writes."""

    async def record(self, entry: Entry) -> None: ...


class Recorder:
    """Writes entries; `on_late` hears of each that was written later than it was sent."""

    def __init__(self, history: Recording, on_late: Callable[[Entry], None], supervisor: Supervisor) -> None:
        self.failures = 0
        self._history, self._on_late, self._supervisor = history, on_late, supervisor
        self._late: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def late(self) -> tuple[Entry, ...]:
        """What is not written yet, in order."""
        return tuple(self._late)

    async def write(self, entry: Entry) -> bool:
        """Whether it is durable; if not, it is kept and written in its turn."""
        if not self._late:
            try:
                await self._history.record(entry)
            except Exception as error:  # noqa: BLE001 - whatever the database does, pages go out
                self.failures += 1
                log.error("cannot write to the history database; pages are sent unrecorded: %s", error)
            else:
                return True
        self._late.append(entry)
        if self._task is None or self._task.done():
            self._task = self._supervisor.supervise("recorder", self._catch_up)
        return False

    async def stop(self) -> None:
        """Try the kept entries once more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        with suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN):
                await self._write_late()
        if self._late:
            log.error("not recorded: %s", pluralized(len(self._late), "entry", "entries"))

    async def abandon(self) -> tuple[Entry, ...]:
        """Write nothing any more; what is not written."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        return tuple(self._late)

    async def _catch_up(self) -> None:
        backoff = Backoff(FIRST_RETRY, LAST_RETRY)
        while self._late:
            await asyncio.sleep(backoff.failed())
            await self._write_late()

    async def _write_late(self) -> None:
        """In order; an entry that fails holds back those that share a check or an incident with it, and no others."""
        held: set[str] = set()
        kept: list[Entry] = []
        batch = list(self._late)
        for entry in batch:
            try:
                if held.isdisjoint(_subjects(entry)):
                    await self._history.record(entry)
                    self._on_late(entry)
                    continue
            except Exception:  # noqa: BLE001 - as above
                self.failures += 1
            held |= _subjects(entry)
            kept.append(entry)
        self._late = deque([*kept, *list(self._late)[len(batch) :]])  # some may have come meanwhile


def _subjects(entry: Entry) -> set[str]:
    """The checks and incidents that an entry speaks of."""
    checks = {str(transition.check) for transition in entry.transitions} | {str(one.check) for one in entry.unreachable}
    incidents = {incident.id for incident in entry.incidents} | {sent.incident for sent in entry.notified}
    notifications = {notification.incident for notification in entry.notifications if notification.incident}
    suppressed = {row.incident for row in entry.suppressed}
    return (
        checks
        | incidents
        | notifications
        | suppressed
        | {note.key for note in entry.notes if note.kind not in SHORT_LIVED}
    )
