"""What the outbox says of pages that are late, as events of alerting."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pacs_monitor.alerting.events import Happening, LateDelivered, OpenedRefused, PageLate
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.model import DeliveryStatus, Notification


class Lateness:
    """Each channel is late once per incident, until it delivers something of it."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()
        """Incidents and channels whose event may not be decided yet."""

    def late(self, situation: Situation, channel: str, incident: str) -> Iterator[Happening]:
        self._said = {one for one in self._said if one[0] in situation.subjects}
        subject = situation.subjects.get(incident)
        if subject is None or (channel not in subject.undelivered.late and (incident, channel) not in self._said):
            self._said.add((incident, channel))
            yield PageLate(incident, channel)

    def ended(self, situation: Situation, notification: Notification, status: DeliveryStatus) -> Iterator[Happening]:
        """How a notification ended, where alerting is to know."""
        incident, channel = notification.incident, notification.channel
        if incident is None:
            return
        subject = situation.subjects.get(incident)
        known = (incident, channel) in self._said or (subject is not None and channel in subject.undelivered.late)
        if status is DeliveryStatus.REFUSED and notification.opens:
            yield OpenedRefused(incident, channel)
        elif status is DeliveryStatus.DELIVERED and known:
            self._said.discard((incident, channel))
            yield LateDelivered(incident, channel)


def settled(situation: Situation, pending: Collection[Notification]) -> Iterator[Happening]:
    """At the start: what a run before has delivered, and had no time to say so."""
    waiting = {(owed.incident, owed.channel) for owed in pending}
    for identity, subject in situation.subjects.items():
        for channel in subject.undelivered.late:
            if (identity, channel) not in waiting and not subject.notified[channel].refused:
                yield LateDelivered(identity, channel)
