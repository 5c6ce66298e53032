"""What is open, as a channel would be told of it now: for receivers that forget what they do not hear of again."""

from __future__ import annotations

from collections.abc import Iterable

from pacs_monitor.alerting.paged import Paged
from pacs_monitor.alerting.pages import Pages
from pacs_monitor.alerting.turn import Owed
from pacs_monitor.config.estate import Estate
from pacs_monitor.model import DeliveryStatus, Event, Micros, Notification


def standing(
    channel: str, paged: Iterable[Paged], pages: Pages, estate: Estate, now: Micros
) -> tuple[Notification, ...]:
    """A reminder, on no record, of each open incident whose page this channel has delivered."""
    told = [
        one.incident
        for one in paged
        if any(page.channel == channel and page.status is DeliveryStatus.DELIVERED for page in one.notified)
    ]
    owed = [Owed(incident.id, incident, channel, Event.REMINDED, DeliveryStatus.PENDING, now) for incident in told]
    return pages.written(owed, estate, estate.checks, now)
