"""What the outbox says, as events of alerting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pacs_monitor.alerting.events import (
    ChannelFailing,
    ChannelWorks,
    Happening,
    LateDelivered,
    OpenedRefused,
    PageLate,
)
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.alerting.unrecorded import Unrecorded
from pacs_monitor.delivery import ChannelTrouble
from pacs_monitor.model import DeliveryStatus, Notification


class Hearing:
    """Listens to the outbox. A channel is late once per incident, until it delivers something of it."""

    def __init__(
        self, situation: Callable[[], Situation], happened: Callable[[Happening], None], unrecorded: Unrecorded
    ) -> None:
        self._situation, self._happened, self._unrecorded = situation, happened, unrecorded
        self._said: set[tuple[str, str]] = set()
        """Incidents and channels whose lateness may not be decided yet."""

    def circuit_moved(self, channel: str, trouble: ChannelTrouble | None) -> None:
        """A channel takes nothing any more, or works again."""
        self._happened(ChannelWorks(channel) if trouble is None else ChannelFailing(channel, *trouble))

    def page_late(self, channel: str, incident: str) -> None:
        """A page was not delivered in time."""
        situation = self._situation()
        self._said = {one for one in self._said if one[0] in situation.subjects}
        if not self._is_late(situation, incident, channel):
            self._said.add((incident, channel))
            self._happened(PageLate(incident, channel))

    def ended(self, notification: Notification, status: DeliveryStatus) -> None:
        """How a notification ended."""
        self._unrecorded.ended(notification, status)
        incident, channel = notification.incident, notification.channel
        if incident is None:
            return
        if status is DeliveryStatus.REFUSED and notification.opens:
            self._happened(OpenedRefused(incident, channel))
        elif status is DeliveryStatus.DELIVERED and self._is_late(self._situation(), incident, channel):
            self._said.discard((incident, channel))
            self._happened(LateDelivered(incident, channel))

    def _is_late(self, situation: Situation, incident: str, channel: str) -> bool:
        subject = situation.subjects.get(incident)
        return (incident, channel) in self._said or (subject is not None and channel in subject.undelivered.late)


def settled(situation: Situation, pending: Collection[Notification]) -> Iterator[Happening]:
    """At the start: what a run before has delivered, and had no time to say so."""
    waiting = {(owed.incident, owed.channel) for owed in pending}
    for identity, subject in situation.subjects.items():
        for channel in subject.undelivered.late:
            if (identity, channel) not in waiting and not subject.notified[channel].refused:
                yield LateDelivered(identity, channel)
