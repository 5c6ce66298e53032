"""What the first form of alerting has left unrecorded, in today's terms: it kept no memory of what it had sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pacs_monitor.model import DeliveryStatus, Event, Incident, Notification, Notified, Why, failure_class

WHY = {"paging off": "paging", "no channel": Why.NO_CHANNEL, "channel removed": Why.CHANNEL_REMOVED}


def notified_of(incident: Incident, notifications: Iterable[Notification]) -> tuple[Notified, ...]:
    """What each channel was notified of, by the notifications of an incident in their order."""
    sent: dict[str, Notified] = {}
    for past in notifications:
        if past.opens:
            sent[past.channel] = Notified(
                incident.id,
                past.channel,
                past.created,
                past.id,
                incident.state,
                incident.severity,
                failure_class(incident.reason, str(past.data.get("probe", ""))),
                incident.members,
                shadow=past.status is DeliveryStatus.SHADOW,
                refused=past.status is DeliveryStatus.REFUSED,
            )
        elif past.channel in sent:
            sent[past.channel] = sent[past.channel].changed(at=past.created)
    return tuple(sent.values())


def suppressed_of(withheld: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Reasons for not sending; but for that of an opened, each was of a moment."""
    return [
        {**row, "why": WHY.get(row["why"], row["why"]), "ended": None if row["event"] == Event.OPENED else row["at"]}
        for row in withheld
    ]
