"""How a channel fares: whether it delivers, what waits for it, and what it refuses while it takes the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pacs_monitor.delivery.backlog import Backlog
from pacs_monitor.model import Micros, Notification, Warns


class ChannelTrouble(NamedTuple):
    """Why a channel's circuit is open."""

    since: Micros
    reason: str


class Stuck(NamedTuple):
    """A notification that is tried rarely, because it is refused while others are taken."""

    notification: Notification
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel fares now."""

    trouble: ChannelTrouble | None
    pending: int
    oldest: Micros | None
    """When the oldest notification that waits was made."""
    stuck: tuple[Stuck, ...]
    last_success: Micros | None = None
    """When it last delivered something, a page or a test, in this run or an earlier one."""
    warnings: tuple[str, ...] = ()
    """What is wrong although it delivers."""


def health_of(
    backlog: Backlog | None,
    trouble: ChannelTrouble | None,
    last_success: Micros | None,
    channel: object = None,
) -> ChannelHealth:
    """Of a channel that is owed this, is in that trouble, and delivered something then."""
    items = [] if backlog is None else list(backlog.items())
    stuck = tuple(
        Stuck(item.notification, item.attempts, item.error.reason if item.error else "")
        for item in items
        if backlog is not None and backlog.is_poison(item)
    )
    oldest = min((item.notification.created for item in items), default=None)
    warnings = tuple(channel.warnings()) if isinstance(channel, Warns) else ()
    return ChannelHealth(trouble, len(items), oldest, stuck, last_success, warnings)
