"""Who was paged about an open incident, who will be, and why nobody was."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from pacs_monitor.alerting.cases import Case, Told
from pacs_monitor.model import DeliveryStatus, Incident, Micros


class Notified(NamedTuple):
    """What became of the page to one channel."""

    channel: str
    status: DeliveryStatus
    """`delivered`, `pending`, `shadow` or `refused`."""
    at: Micros
    """Of the page, or of what was last sent after it."""


class Paged(NamedTuple):
    """An open incident, and whom it was sent to."""

    incident: Incident
    due: Micros
    """When people are paged, unless it ends before."""
    notified: tuple[Notified, ...]
    why_not: tuple[str, ...]
    """Why nobody is notified, as far as it was decided."""


def paged(case: Case, waiting: Set[str]) -> Paged:
    """`waiting` are the ids of notifications that are still to be delivered."""
    notified = tuple(Notified(channel, _status(told, waiting), told.at) for channel, told in case.told.items())
    return Paged(case.incident, case.due, notified, () if notified else tuple(sorted(case.excused)))


def _status(told: Told, waiting: Set[str]) -> DeliveryStatus:
    if told.lost:
        return DeliveryStatus.REFUSED
    if told.shadow:
        return DeliveryStatus.SHADOW
    return DeliveryStatus.PENDING if not told.opened or told.opened in waiting else DeliveryStatus.DELIVERED
