"""A lane: what one incident owes on one channel, one notification after the other, and how each has fared."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pacs_monitor.backoff import Backoff
from pacs_monitor.model import ENDINGS, DeliveryError, Event, Notification, Severity

_SEVERITIES = {severity.value: severity.badness for severity in Severity}


@dataclass(slots=True, eq=False)
class Item:
    """A notification that waits, and how its attempts went in this process."""

    notification: Notification
    since: float
    """When this process loaded or created it."""
    number: int
    next_try: float
    backoff: Backoff
    age: float = 0.0
    """How old it was then, in seconds, if a run before had made it."""
    attempts: int = 0
    refusals: int = 0
    blamed: int = 0
    """Refusals caused by this notification itself."""
    refused_at: float | None = None
    """When it was first refused."""
    turns: int = 0
    """Failures after connecting, since the circuit opened."""
    not_before: float = 0.0
    may_have_arrived: bool = False
    taken: bool = False
    error: DeliveryError | None = None
    """Of the last attempt."""

    @property
    def severity(self) -> int:
        """The worst is 0."""
        return _SEVERITIES.get(str(self.notification.data.get("severity")), len(_SEVERITIES))


@dataclass(slots=True)
class Lane:
    waiting: deque[Item] = field(default_factory=deque)
    busy: bool = False
    """An attempt is in progress, or its result is being recorded."""
    ended: bool = False
    """The incident has ended, whether or not that notification is pending here."""

    @property
    def opening(self) -> Item | None:
        """What opens its incident at the receiver, if it waits."""
        head = self.waiting[0] if self.waiting else None
        return head if head is not None and head.notification.opens else None

    @property
    def is_digest(self) -> bool:
        return self.waiting[0].notification.event is Event.DIGEST

    def rank(self) -> tuple[int, bool, int]:
        """What goes first is smallest."""
        head = self.waiting[0]
        worst = min(item.severity for item in self.waiting)
        return worst, head.notification.event not in ENDINGS, head.number


def lane_of(notification: Notification) -> str:
    return notification.incident or notification.id
