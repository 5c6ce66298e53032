"""What a handover is built from, asked of the running daemon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pacs_monitor.alerting import Desk
from pacs_monitor.alerting.pages import scene_of
from pacs_monitor.config import Estate
from pacs_monitor.engine.engine import Engine
from pacs_monitor.handover.build import Facts, build, told_since
from pacs_monitor.handover.parts import Handover, Paused, Planned
from pacs_monitor.history import History, HistoryError, HistoryReader
from pacs_monitor.messages import page
from pacs_monitor.messages.page import Scene
from pacs_monitor.model import SECOND, Clock, DeliveryStatus, Incident, Micros, Notification
from pacs_monitor.windows import spelled

DAY = 86_400 * SECOND
MOST = 1000
"""Ended incidents that are read."""


class Source(Protocol):
    """The running daemon, as far as the handover asks it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def estate(self) -> Estate: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def history(self) -> History: ...
    @property
    def desk(self) -> Desk: ...


async def gather(daemon: Source, last_handover: Micros | None) -> Handover:
    """The handover as of now; where the history cannot be read, without what ended."""
    now = daemon.clock.now()
    since = told_since(now, last_handover)
    ended: tuple[Incident, ...] | None
    try:
        ended, lost = await daemon.history.read(lambda reader: _past(reader, since))
    except HistoryError:
        ended, lost = None, ()
    estate, incidents = daemon.estate, daemon.desk.open_incidents()
    scene = _scene(daemon, (*incidents, *(ended or ())), now)
    return build(
        Facts(
            monitor=estate.monitor.name,
            now=now,
            paging=estate.monitor.paging,
            incidents=incidents,
            summary=lambda incident: page.summary(incident, scene),
            next_step=lambda incident: page.advice(incident, estate.checks, scene.unproven),
            entries=tuple(daemon.engine.board.entries.values()),
            channels={name: one for name, one in daemon.desk.outbox.health().items() if name in estate.channels},
            last_handover=last_handover,
            ended=ended,
            lost=lost,
            maintenance=_planned(daemon.desk, now),
            pauses=tuple(
                Paused(spelled(one.match), one.by, one.until, one.why) for one, _ in daemon.desk.plans.pauses()
            ),
        )
    )


def _planned(desk: Desk, now: Micros) -> tuple[Planned, ...]:
    """The windows of maintenance of the next day."""
    coming = (one for one in desk.plans.windows() if one.start < now + DAY)
    return tuple(Planned(one.name, one.start, one.end, spelled(one.match), one.by) for one in coming)


def _past(reader: HistoryReader, since: Micros) -> tuple[tuple[Incident, ...], tuple[Notification, ...]]:
    ended = tuple(one for one in reader.incidents(start=since, limit=MOST) if one.ended is not None)
    unsent = (DeliveryStatus.GIVEN_UP, DeliveryStatus.REFUSED)
    return ended, tuple(one for status in unsent for one in reader.notifications(status=status, start=since))


def _scene(daemon: Source, incidents: Iterable[Incident], now: Micros) -> Scene:
    estate = daemon.estate
    nodes = {member.node for incident in incidents for member in incident.members}
    return scene_of(estate.monitor.name, daemon.engine.board, estate, estate.checks, now, nodes=nodes)
