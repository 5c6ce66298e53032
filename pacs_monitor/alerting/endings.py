"""How an incident ends: its end goes wherever its `opened` went, whatever routes and paging say by then."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import digests, fallbacks, recalled
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.alerting.undelivered import NOTHING_LATE
from pacs_monitor.ends import end_id
from pacs_monitor.model import DeliveryStatus, Ending, Incident, IncidentKind, Micros, Notified, Suppressed, Why
from pacs_monitor.model import Event as Said

_SAID = {Ending.RESOLVED: Said.RESOLVED, Ending.WITHDRAWN: Said.WITHDRAWN, Ending.CLOSED: Said.CLOSED}


def end(turn: Turn, subject: Subject, ending: Ending, ended: Micros) -> None:
    """Take it out of the situation, and say so on every channel that has its opened."""
    incident = subject.incident.changed(ended=ended, ending=ending, code="")
    turn.disown(subject)
    turn.drop(subjects=incident.id)
    turn.touch(turn.now.summarised.get(incident.id, ()))
    turn.drop(summarised=incident.id)
    _forget(turn, subject)
    if ending is Ending.RESOLVED:
        recalled.remember(turn, incident)
    turn.effects.incidents[incident.id] = incident
    if incident.kind is IncidentKind.NODE:
        node = incident.members[0].node
        rest = turn.now.by_node.get(node, frozenset[str]()) - {incident.id}
        if rest:
            turn.put(by_node=(node, rest))
        else:
            turn.drop(by_node=node)
    for held in subject.suppressed.values():
        turn.effects.suppressed.append(replace(held, ended=turn.at))
    if ending is Ending.MERGED:
        return
    digests.ended(turn, subject, incident)
    if not subject.notified and not subject.suppressed:
        turn.effects.suppressed.append(Suppressed(incident.id, Said.OPENED, Why.PAGE_AFTER, turn.at))
    for channel, sent in subject.notified.items():
        if channel in turn.rules.channels:
            turn.effects.owed.append(_owed(turn, subject, incident, sent))
        else:
            said = _SAID[ending]
            turn.effects.suppressed.append(Suppressed(incident.id, said, Why.CHANNEL_REMOVED, turn.at, channel))


def _owed(turn: Turn, subject: Subject, incident: Incident, sent: Notified) -> Owed:
    """The end for one channel; `incident` is as it ended."""
    status = DeliveryStatus.PENDING
    if sent.shadow or sent.refused:
        status = DeliveryStatus.SHADOW if sent.shadow else DeliveryStatus.DROPPED
    said = _SAID[incident.ending or Ending.RESOLVED]
    identity, instead_of = end_id(sent.opened, sent.version), subject.undelivered.instead.get(sent.channel, "")
    return Owed(identity, incident, sent.channel, said, status, turn.at, sent.page, instead_of=instead_of)


def _forget(turn: Turn, subject: Subject) -> None:
    """What was noted of it."""
    kept = {
        "differs": subject.differs is not None,
        "escalation": subject.escalation is not None,
        "oncall": bool(subject.oncall),
        fallbacks.KIND: subject.undelivered != NOTHING_LATE,
    }
    for kind in filter(kept.__getitem__, kept):
        turn.note(kind, subject.incident.id, None)
