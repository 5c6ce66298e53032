"""What people say of an incident: acknowledged, noted, closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.alerting.words import Acknowledge, Close, Kind, Remark
from pacs_monitor.model import (
    SECOND,
    TROUBLE,
    Acknowledgement,
    DeliveryStatus,
    Ending,
    IncidentKind,
    Micros,
    PublicNote,
)
from pacs_monitor.model import Event as Said

WITHOUT_TICKET = 24 * 3600 * SECOND
"""How long an acknowledgement may last without the number of a ticket."""


def acknowledge(turn: Turn, word: Acknowledge) -> None:
    """The incident, and of a group or a summary those that it stands for."""
    subject = _subject(turn, word.incident)
    if subject is None:
        return
    until = turn.rules.acknowledged_until(subject.incident, turn.at) if word.until is None else word.until
    if until <= turn.at:
        turn.refuse(Kind.INVALID, "name a time that is still to come: this acknowledgement would be over already")
    elif until - turn.at > WITHOUT_TICKET and not word.ticket:
        turn.refuse(Kind.INVALID, "give the number of the ticket: an acknowledgement of more than 24 hours needs one")
    else:
        for one in (subject, *_of_group(turn, subject)):
            incident = one.incident
            said = Acknowledgement(word.by, word.why, turn.at, until, incident.severity, word.ticket)
            kept = turn.keep(replace(one, incident=incident.changed(acknowledgement=said)))
            _tell(turn, kept, Said.ACKNOWLEDGED)
            turn.wake(incident.id, until)


def remark(turn: Turn, word: Remark) -> None:
    """A note; a public one replaces the one before."""
    subject = _subject(turn, word.incident)
    if subject is not None and word.public:
        note = PublicNote(word.text, turn.at, word.next_update)
        turn.keep(replace(subject, incident=subject.incident.changed(public_note=note)))


def close(turn: Turn, word: Close) -> None:
    """Refused while a member is measured to be in trouble."""
    subject = _subject(turn, word.incident)
    if subject is None:
        return
    wrong = [problem.check for problem in subject.incident.active if problem.state in TROUBLE]
    if wrong or subject.incident.kind is not IncidentKind.NODE:
        what = ", ".join(map(str, wrong[:3])) or "what it is about"
        turn.refuse(Kind.CONFLICT, f"acknowledge it instead: {what} still fails, and closing would hide that")
        return
    problems = tuple(replace(p, left=turn.at) if p.is_active else p for p in subject.incident.problems)
    for problem in subject.incident.active:
        turn.drop(by_check=problem.check)
    end(turn, replace(subject, incident=subject.incident.changed(problems=problems)), Ending.CLOSED, turn.at)


def expire(turn: Turn, subject: Subject) -> tuple[Subject, bool]:
    """Take an acknowledgement back that is over, or that a higher severity outranks; whether it has expired."""
    said = subject.incident.acknowledgement
    if said is None:
        return subject, False
    is_over = said.until <= turn.at
    if not is_over and subject.incident.severity.badness >= said.severity.badness:
        turn.wake(subject.incident.id, said.until)
        return subject, False
    incident = subject.incident.changed(acknowledgement=None)
    turn.effects.incidents[incident.id] = incident
    return turn.remember(replace(subject, incident=incident)), is_over


def _subject(turn: Turn, incident: str) -> Subject | None:
    subject = turn.subject(incident)
    if subject is None:
        turn.refuse(Kind.MISSING, f"no open incident {incident}; list them with: pacs-monitor incidents")
    return subject


def _of_group(turn: Turn, subject: Subject) -> Iterable[Subject]:
    """The incidents that a group or a summary stands for."""
    if subject.incident.kind not in (IncidentKind.GROUP, IncidentKind.SUMMARY):
        return
    for name in subject.incident.linked:
        if (one := turn.subject(name)) is not None:
            yield one


def _tell(turn: Turn, subject: Subject, said: Said) -> None:
    """Every channel that knows of the incident."""
    at: Micros = turn.at
    for channel, sent in subject.notified.items():
        if not sent.refused and channel in turn.rules.channels:
            status = DeliveryStatus.SHADOW if sent.shadow else DeliveryStatus.PENDING
            turn.effects.owed.append(Owed(turn.identity(), subject.incident, channel, said, status, at, sent.page))
