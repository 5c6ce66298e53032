"""Who was paged about an open incident, who will be, and why nobody was."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.model import DeliveryStatus, Incident, Micros, Notified, Suppressed


class Page(NamedTuple):
    """What became of the page to one channel."""

    channel: str
    status: DeliveryStatus
    """`delivered`, `pending`, `shadow` or `refused`."""
    at: Micros
    """Of the page, or of what was last sent after it."""
    fallback_for: str = ""
    """The channel in whose place it was notified."""
    number: int = 1
    """Goes up each time that it pages anew."""


class Paged(NamedTuple):
    """An open incident, and whom it was sent to."""

    incident: Incident
    due: Micros
    """When people are paged, unless it ends before."""
    notified: tuple[Page, ...]
    why_not: tuple[str, ...]
    """Why nobody is notified, as far as it was decided."""
    suppressed: tuple[Suppressed, ...] = ()
    """What is suppressed now, and why."""


def paged(subject: Subject, waiting: Set[str]) -> Paged:
    """`waiting` are the ids of notifications that are still to be delivered."""
    instead = subject.undelivered.instead
    pages = tuple(
        Page(channel, _status(sent, waiting), sent.at, instead.get(channel, ""), sent.page)
        for channel, sent in subject.notified.items()
    )
    held = tuple(subject.suppressed.values())
    whys = {f"{one.why} {one.detail}".strip() for one in held}
    return Paged(subject.incident, subject.first_due, pages, () if pages else tuple(sorted(whys)), held)


def _status(sent: Notified, waiting: Set[str]) -> DeliveryStatus:
    if sent.refused:
        return DeliveryStatus.REFUSED
    if sent.shadow:
        return DeliveryStatus.SHADOW
    return DeliveryStatus.PENDING if sent.opened in waiting else DeliveryStatus.DELIVERED
