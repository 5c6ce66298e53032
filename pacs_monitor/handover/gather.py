"""What a handover is built from, asked of the running daemon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol
from zoneinfo import ZoneInfo

from pacs_monitor.alerting import Desk
from pacs_monitor.alerting.events import restored
from pacs_monitor.alerting.pages import scene_of
from pacs_monitor.alerting.words import Remark
from pacs_monitor.approvals import DAY, SOON, ending
from pacs_monitor.config import Estate
from pacs_monitor.config.oncall import gaps_in_words
from pacs_monitor.engine.engine import Engine
from pacs_monitor.fields import Match
from pacs_monitor.handover.build import Facts, build, told_since
from pacs_monitor.handover.parts import Expiring, Handover, Noted, OnDuty, Paused, Planned
from pacs_monitor.history import History, HistoryError, HistoryReader
from pacs_monitor.language import _, _n
from pacs_monitor.messages import page
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import Clock, DeliveryStatus, Incident, Micros, Notification
from pacs_monitor.rota import OnCall
from pacs_monitor.windows import spelled

NOTES = 5
"""The latest notes of an incident that are told."""
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
    estate, incidents = daemon.estate, daemon.desk.open_incidents()
    ended: tuple[Incident, ...] | None
    try:
        (ended, lost), notes = await daemon.history.read(
            lambda reader: (_past(reader, since), _notes(reader, incidents))
        )
    except HistoryError:
        ended, lost, notes = None, (), {}
    scene = _scene(daemon, (*incidents, *(ended or ())), now)
    return build(
        Facts(
            monitor=estate.monitor.name,
            now=now,
            paging=estate.monitor.paging,
            incidents=incidents,
            summary=lambda incident: page.summary(incident, scene),
            next_step=lambda incident: page.advice(incident, scene),
            impact=lambda incident: _impact(incident, estate),
            entries=tuple(daemon.engine.board.entries.values()),
            channels={name: one for name, one in daemon.desk.outbox.health().items() if name in estate.channels},
            last_handover=last_handover,
            ended=ended,
            lost=lost,
            approvals=_approvals(estate, now),
            maintenance=_maintenance(daemon, now),
            on_call=tuple(_on_call(oncall, now) for oncall in daemon.desk.plans.oncalls().values()),
            pauses=_pauses(daemon),
            notes=notes,
        )
    )


def _impact(incident: Incident, estate: Estate) -> str:
    node = estate.nodes.get(incident.members[0].node) if incident.members else None
    return node.impact if node else ""


def _approvals(estate: Estate, now: Micros) -> tuple[Expiring, ...]:
    found = ending(estate.checks.values(), now, SOON, ZoneInfo(estate.monitor.timezone))
    return tuple(Expiring(one.ends, "approval", str(one.check), one.enabled_by) for one in found)


def _maintenance(daemon: Source, now: Micros) -> tuple[Planned, ...]:
    """Windows of the next day, and those that hold now."""
    return tuple(
        Planned(one.name, one.start, one.end, _(spelled(one.match)), one.by)
        for one in daemon.desk.plans.windows()
        if one.start <= now + DAY
    )


def _on_call(oncall: OnCall, now: Micros) -> OnDuty:
    shift = oncall.at(now)
    following, channels = oncall.after(shift), oncall.channels(shift)
    people = () if following is None else following.people
    return OnDuty(oncall.name, shift.people, channels, shift.covered, shift.end, people, gaps_in_words(oncall, now))


def _pauses(daemon: Source) -> tuple[Paused, ...]:
    return tuple(
        Paused(_stopped(pause.match, len(checks)), pause.by, pause.until, pause.why)
        for pause, checks in daemon.desk.plans.pauses()
    )


def _stopped(match: Match, count: int) -> str:
    return _n("{what} ({count} check)", "{what} ({count} checks)", count, what=_(spelled(match)))


def _notes(reader: HistoryReader, incidents: Iterable[Incident]) -> dict[str, tuple[Noted, ...]]:
    """What was noted for colleagues of these incidents, the latest ones."""
    going_on = {incident.id for incident in incidents}
    found: defaultdict[str, list[Noted]] = defaultdict(list)
    start = min((incident.noticed for incident in incidents), default=None)
    for row in () if start is None else reader.events(start, kinds=("note",)):
        said = restored(row).what
        if isinstance(said, Remark) and said.incident in going_on and not said.public:
            found[said.incident].append(Noted(row.at, said.by, said.text))
    return {incident: tuple(notes[-NOTES:]) for incident, notes in found.items()}


def _past(reader: HistoryReader, since: Micros) -> tuple[tuple[Incident, ...], tuple[Notification, ...]]:
    ended = tuple(one for one in reader.incidents(start=since, limit=MOST) if one.ended is not None)
    unsent = (DeliveryStatus.GIVEN_UP, DeliveryStatus.REFUSED)
    return ended, tuple(one for status in unsent for one in reader.notifications(status=status, start=since))


def _scene(daemon: Source, incidents: Iterable[Incident], now: Micros) -> Scene:
    estate = daemon.estate
    nodes = {member.node for incident in incidents for member in incident.members}
    return scene_of(estate.monitor.name, daemon.engine.board, estate, estate.checks, now, nodes=nodes)
