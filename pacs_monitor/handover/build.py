"""From what the monitor knows to the handover. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pacs_monitor.delivery.health import ChannelHealth
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.handover.parts import (
    EndedIncident,
    Expiring,
    Handover,
    NotChecked,
    Noted,
    OnDuty,
    OpenIncident,
    Paused,
    Planned,
    Undelivered,
    Unproven,
)
from pacs_monitor.messages.reasons import phrase
from pacs_monitor.model import (
    SECOND,
    Ending,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Paging,
    Reason,
    State,
    Status,
)

SHIFT: Micros = 12 * 3600 * SECOND
"""What ends within that time ends soon; what ended within it is told where no handover was sent before."""
LONGEST_SPAN: Micros = 7 * 86_400 * SECOND
"""A last handover that is longer ago counts as none."""
PROVEN_FOR: Micros = 8 * 86_400 * SECOND
"""A channel that has delivered something within that time counts as proven: a weekly test and a day."""
WAITS_LONG: Micros = 60 * SECOND
"""What waits for its delivery for longer than that is told."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at the time of a handover."""

    monitor: str
    now: Micros
    paging: Paging
    incidents: tuple[Incident, ...] = ()
    """Those that are open."""
    summary: Callable[[Incident], str] = lambda incident: incident.cause
    next_step: Callable[[Incident], str] = lambda _incident: ""
    impact: Callable[[Incident], str] = lambda _incident: ""
    entries: Collection[BoardEntry] = ()
    channels: Mapping[str, ChannelHealth] = field(default_factory=dict)
    last_handover: Micros | None = None
    ended: tuple[Incident, ...] | None = ()
    lost: tuple[Notification, ...] = ()
    """Given up, or impossible to send, since the last handover."""
    approvals: tuple[Expiring, ...] = ()
    maintenance: tuple[Planned, ...] = ()
    on_call: tuple[OnDuty, ...] = ()
    pauses: tuple[Paused, ...] = ()
    notes: Mapping[str, tuple[Noted, ...]] = field(default_factory=dict)
    """What was noted for colleagues, by the id of the incident, the oldest first."""


def told_since(now: Micros, last_handover: Micros | None) -> Micros:
    """From when on a handover tells what ended."""
    if last_handover is None or not now - LONGEST_SPAN <= last_handover < now:
        return now - SHIFT
    return last_handover


def build(facts: Facts) -> Handover:
    """The handover as of these facts."""
    every = sorted((_open(one, facts) for one in facts.incidents), key=lambda one: (one.since, one.id))
    handled = tuple(one for one in every if one.acknowledged is not None)
    return Handover(
        monitor=facts.monitor,
        time=facts.now,
        since=told_since(facts.now, facts.last_handover),
        paging=facts.paging,
        open=tuple(one for one in every if one.acknowledged is None),
        acknowledged=handled,
        undelivered=tuple(_undelivered(facts)),
        expiring=tuple(sorted((*_expiring(handled, facts.now), *facts.approvals), key=lambda one: one.at)),
        maintenance=tuple(sorted(facts.maintenance, key=lambda window: window.start)),
        pauses=facts.pauses,
        not_checked=tuple(_not_checked(facts)),
        never_worked=tuple(sorted(str(entry.check.id) for entry in facts.entries if _has_never_worked(entry))),
        unproven=tuple(_unproven(facts)),
        on_call=facts.on_call,
        ended=None if facts.ended is None else _ended(facts.ended, facts),
    )


def _open(incident: Incident, facts: Facts) -> OpenIncident:
    return OpenIncident(
        incident.id,
        incident.kind,
        incident.severity,
        incident.state,
        facts.summary(incident),
        facts.next_step(incident),
        incident.since,
        incident.acknowledgement,
        incident.public_note,
        facts.impact(incident),
        facts.notes.get(incident.id, ()),
    )


def _ended(incidents: Iterable[Incident], facts: Facts) -> tuple[EndedIncident, ...]:
    """In the order in which they ended; what another incident absorbed was told with that one."""
    since = told_since(facts.now, facts.last_handover)
    told = [
        EndedIncident(one.id, one.severity, facts.summary(one), one.since, one.ended, one.acknowledgement)
        for one in incidents
        if one.ended is not None and one.ended >= since and one.ending is not Ending.MERGED
    ]
    return tuple(sorted(told, key=lambda one: (one.ended, one.id)))


def _expiring(handled: Iterable[OpenIncident], now: Micros) -> Iterable[Expiring]:
    for one in handled:
        said = one.acknowledged
        if said is not None and said.until <= now + SHIFT:
            yield Expiring(said.until, "acknowledgement", one.summary, said.by, one.id)


def _not_checked(facts: Facts) -> Iterable[NotChecked]:
    """By reason; what waits for a report that is not late yet is as it should be."""
    blind = {one.cause: one.id for one in facts.incidents if one.kind is IncidentKind.BLIND}
    of_reason: defaultdict[Reason, list[BoardEntry]] = defaultdict(list)
    for entry in facts.entries:
        standing = entry.standing
        if standing.state is State.UNKNOWN and standing.reason is not Reason.AWAITED:
            of_reason[standing.reason or Reason.NOT_MEASURED].append(entry)
    for reason, entries in sorted(of_reason.items(), key=lambda item: min(e.standing.state_since for e in item[1])):
        names = tuple(sorted(str(entry.check.id) for entry in entries))
        since = min(entry.standing.state_since for entry in entries)
        yield NotChecked(phrase(reason), names, since, blind.get(reason.value, ""))


def _has_never_worked(entry: BoardEntry) -> bool:
    return not entry.proven and entry.last is not None and entry.last.outcome.status is Status.FAIL


def _undelivered(facts: Facts) -> Iterable[Undelivered]:
    lost: defaultdict[str, list[str]] = defaultdict(list)
    for notification in facts.lost:
        lost[notification.channel].append(str(notification.data.get("summary", notification.id)))
    for name in sorted({*facts.channels, *lost}):
        health = facts.channels.get(name, ChannelHealth(None, 0, None, ()))
        waits = health.oldest is not None and health.oldest <= facts.now - WAITS_LONG
        if health.trouble is None and not waits and not health.stuck and name not in lost:
            continue
        yield Undelivered(
            name,
            health.pending,
            health.oldest,
            health.trouble and health.trouble.since,
            health.trouble.reason if health.trouble else "",
            tuple(str(one.notification.data.get("summary", one.notification.id)) for one in health.stuck),
            tuple(lost[name]),
        )


def _unproven(facts: Facts) -> Iterable[Unproven]:
    for name, health in sorted(facts.channels.items()):
        if health.last_success is None or health.last_success < facts.now - PROVEN_FOR:
            yield Unproven(name, health.last_success)
