"""Which pages have waited too long for their channel, so that others are to be told instead. Pure.

A page counts from when it was made, over a restart too; then it gets a few seconds, for the channel may work. While the
circuit is open the channel's own failure counts: what comes when it has failed for that long is late at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from pacs_monitor.delivery.circuit import Circuit
from pacs_monitor.delivery.due_queue import DueQueue
from pacs_monitor.delivery.lanes import Item
from pacs_monitor.model import Event, Notification

AFTER_A_START = 5.0
"""Seconds that a page of a run before has at least."""


class Patience:
    """The incidents of one channel with a page that is not late yet; times in seconds, on the monotonic clock."""

    def __init__(self) -> None:
        self._after: float | None = None
        self._waiting: set[str] = set()
        self._due = DueQueue()

    def change(self, after: float | None, items: Iterable[Item], circuit: Circuit) -> None:
        """From now on a page is late after so long; None: never."""
        if after != self._after:
            self._after = after
            for incident in list(self._waiting):
                self.end(incident)
            for item in items:
                self.begin(item, circuit)

    def begin(self, item: Item, circuit: Circuit) -> None:
        """It waits from now on; what waits longer of its incident counts, also when this one replaces it."""
        incident = item.notification.incident
        if self._after is None or incident is None or incident in self._waiting or not _is_page(item.notification):
            return
        due = max(item.since + (AFTER_A_START if item.age else 0.0), item.since - item.age + self._after)
        if circuit.is_open and circuit.failing_since is not None:
            due = min(due, max(item.since, circuit.failing_since + self._after))
        self._waiting.add(incident)
        self._due.put(incident, due)

    def end(self, incident: str) -> None:
        """Something of it was delivered, or nothing of it is to be sent any more."""
        self._waiting.discard(incident)
        self._due.remove(incident)

    def late(self, now: float) -> list[str]:
        """The incidents whose time is over, once each."""
        found: list[str] = []
        while (incident := self._due.best(now)) is not None:
            self._waiting.discard(incident)
            found.append(incident)
        return found

    def next_due(self) -> float | None:
        return self._due.next_due()


def _is_page(notification: Notification) -> bool:
    """Whether somebody is to hear of it now, of an incident that goes on."""
    pages = notification.event in (Event.OPENED, Event.REMINDED, Event.ESCALATED)
    return pages or (notification.event is Event.CHANGED and notification.data.get("worse") is True)
