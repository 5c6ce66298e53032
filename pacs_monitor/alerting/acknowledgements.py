"""How long an acknowledgement holds: until its end, until it gets worse, and over a brief recovery."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import escalation, recalled
from pacs_monitor.alerting.causes import worst_severity
from pacs_monitor.alerting.holds import held_until
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.view import view
from pacs_monitor.model import Notified, Severity


def settle(turn: Turn, subject: Subject) -> Subject:
    """Take an acknowledgement back that is over, or outranked; take the one up that the same cause had before."""
    incident, said = subject.incident, subject.incident.acknowledgement
    if said is None:
        return _taken_up(turn, subject)
    if said.until <= turn.at:
        subject = _without(turn, subject)
        return escalation.begin(turn, subject, remind=True) if subject.notified else subject
    turn.wake(incident.id, said.until)
    if view(turn, incident).severity.badness >= said.severity.badness:
        return subject
    held = held_until(turn, incident)
    if held > turn.at:  # a page waits for fresh results, and so does this
        turn.wake(incident.id, held)
        return subject
    subject = _without(turn, subject)
    return escalation.begin(turn, subject) if subject.notified else subject


def severity_of(subject: Subject) -> Severity:
    """The severity that an acknowledgement is about: the highest that people were notified of, if they were."""
    known = [sent.severity for sent in subject.notified.values() if not sent.refused]
    return worst_severity(known, subject.incident.severity)


def _taken_up(turn: Turn, subject: Subject) -> Subject:
    known, incident = turn.now.recalled.get(subject.key), subject.incident
    if known is None or subject.notified or known.acknowledgement.until <= turn.at:
        return subject
    if not 0 <= incident.noticed - known.ended <= recalled.RECOVERED:
        return subject
    recalled.forget(turn, subject.key)
    incident = incident.changed(acknowledgement=known.acknowledgement)
    turn.effects.incidents[incident.id] = incident
    return settle(turn, turn.remember(replace(subject, incident=incident)))


def _without(turn: Turn, subject: Subject) -> Subject:
    """Its code goes along: it was used."""
    incident = subject.incident.changed(acknowledgement=None, code="")
    turn.effects.incidents[incident.id] = incident
    return turn.remember(replace(subject, incident=incident))


def say_where_kept(turn: Turn) -> None:
    """What is owed of an open incident says where else it may be acknowledged, unheard."""
    if not turn.rules.keeping:
        return
    for place, owed in enumerate(turn.effects.owed):
        subject = turn.subject(owed.incident.id)
        if subject is not None and owed.channel not in turn.rules.keeping:
            kept = {turn.rules.keeping[c] for c, sent in subject.notified.items() if _keeps(turn, c, sent)}
            turn.effects.owed[place] = replace(owed, kept_in=", ".join(sorted(kept)))


def _keeps(turn: Turn, channel: str, sent: Notified) -> bool:
    return channel in turn.rules.keeping and not (sent.shadow or sent.refused)
