"""What is open on a channel: for receivers that forget what they do not hear of again, and those that keep answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pacs_monitor.alerting.desk import Desk
from pacs_monitor.alerting.pages import Pages
from pacs_monitor.alerting.turn import Effects, Owed
from pacs_monitor.alerting.words import Acknowledge
from pacs_monitor.config.estate import Estate
from pacs_monitor.delivery import Poller, Refresher
from pacs_monitor.engine.engine import Engine
from pacs_monitor.model import Clock, DeliveryStatus, Event, Notification, Taken, dedup_key
from pacs_monitor.supervision import Supervisor


class Instance(Protocol):
    async def permitted(self) -> None: ...


class Leader(Protocol):
    """The daemon, as far as this goes."""

    estate: Estate
    clock: Clock
    desk: Desk
    engine: Engine
    supervisor: Supervisor

    @property
    def instance(self) -> Instance: ...


def refresher(leader: Leader) -> Refresher:
    """Tells each channel that wants it of the open incidents whose page it has delivered."""
    pages = Pages(leader.estate.monitor.name, leader.engine.board, leader.supervisor, leader.desk.latest)

    def standing(channel: str) -> Sequence[Notification]:
        """Reminders, on no record."""
        now, estate = leader.clock.now(), leader.estate
        told = [
            one.incident
            for one in leader.desk.paged()
            if any(page.channel == channel and page.status is DeliveryStatus.DELIVERED for page in one.notified)
        ]
        owed = [Owed(one.id, one, channel, Event.REMINDED, DeliveryStatus.PENDING, now) for one in told]
        return pages.written(Effects(owed=owed), estate, estate.checks, now)

    return Refresher(leader.clock, lambda: leader.estate.channels, standing, leader.instance.permitted)


def poller(leader: Leader) -> Poller:
    """Asks receivers who has acknowledged what is open there, and says it here."""

    def taken(channel: str) -> Sequence[Taken]:
        name = leader.estate.monitor.name
        return [
            Taken(one.incident.id, dedup_key(name, one.incident.id), page.number)
            for one in leader.desk.paged()
            for page in one.notified
            if page.channel == channel and page.status is DeliveryStatus.DELIVERED
            if one.incident.acknowledgement is None
        ]

    async def heard(one: Taken, by: str) -> None:
        """What is not accepted (it has ended meanwhile) needs no answer."""
        await leader.desk.say(Acknowledge(one.incident, by))

    return Poller(leader.clock, lambda: leader.estate.channels, taken, heard, leader.instance.permitted)
