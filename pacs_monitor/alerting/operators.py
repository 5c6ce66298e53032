"""What people say of an incident: acknowledged, noted, closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pacs_monitor.alerting import acknowledgements, escalation, vanished
from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.rules import WITHOUT_TICKET
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.alerting.words import Acknowledge, Close, Kind, Remark
from pacs_monitor.model import (
    CALENDAR,
    ONCALL,
    RECORD,
    TROUBLE,
    VANISHED_FROM,
    Acknowledgement,
    DeliveryStatus,
    Ending,
    Incident,
    IncidentKind,
    PublicNote,
)
from pacs_monitor.model import Event as Said


def acknowledge(turn: Turn, word: Acknowledge) -> None:
    """The incident, and of a group or a summary those that it stands for, as long as it lasts."""
    subject = _subject(turn, word.incident)
    if subject is None:
        return
    until = turn.rules.acknowledged_until(subject.incident, turn.now) if word.until is None else word.until
    before = subject.incident.acknowledgement
    why, ticket = (word.why, word.ticket) if before is None else (word.why or before.why, word.ticket or before.ticket)
    if word.only_first and before is not None:
        turn.refuse(Kind.CONFLICT, f"nothing to do: {before.by} has acknowledged it already")
    elif until <= turn.at:
        turn.refuse(Kind.INVALID, "name a time that is still to come: this acknowledgement would be over already")
    elif until - turn.at > WITHOUT_TICKET and not ticket:
        turn.refuse(Kind.INVALID, "give the number of the ticket: an acknowledgement of more than 24 hours needs one")
    else:
        severity = acknowledgements.severity_of(subject)
        said = Acknowledgement(word.by, why, turn.at, until, severity, ticket)
        _tell(turn, turn.keep(replace(subject, incident=subject.incident.changed(acknowledgement=said))), said)
        for one in _of_group(turn, subject.incident):
            _tell(turn, one, said)


def joined(turn: Turn, subject: Subject, group: Incident) -> None:
    """An incident is part of a group now: whoever knows of it hears that somebody deals with the group."""
    if group.acknowledgement is not None:
        _tell(turn, subject, group.acknowledgement)


def group_over(turn: Turn, group: Incident) -> None:
    """A group ends that was acknowledged: people who know of an incident that outlasts it are reminded of that."""
    if group.acknowledgement is None:
        return
    for one in _of_group(turn, group):
        if one.notified and one.incident.acknowledgement is None:
            escalation.begin(turn, one, remind=True)


def remark(turn: Turn, word: Remark) -> None:
    """A note; a public one replaces the one before."""
    subject = _subject(turn, word.incident)
    if subject is not None and word.public:
        note = PublicNote(word.text, turn.at, word.next_update)
        turn.keep(replace(subject, incident=subject.incident.changed(public_note=note)))


def close(turn: Turn, word: Close) -> None:
    """Only while nothing is measured to fail; what ends by itself is not closed by hand."""
    subject = _subject(turn, word.incident)
    if subject is None:
        return
    incident = subject.incident
    if (why := _open_because(incident)) is not None:
        turn.refuse(Kind.CONFLICT, why)
        return
    for problem in incident.active:
        turn.drop(by_check=problem.check)
    if incident.kind is IncidentKind.BLIND:
        for check in incident.members:
            turn.put(closed=(check, incident.cause))
            turn.note("closed", str(check), {"reason": incident.cause})
    elif incident.kind is IncidentKind.GROUP:
        vanished.forget(turn, incident)
    problems = tuple(replace(p, left=turn.at) if p.is_active else p for p in incident.problems)
    end(turn, replace(subject, incident=incident.changed(problems=problems)), Ending.CLOSED, turn.at)


def _open_because(incident: Incident) -> str | None:
    """Why it cannot be closed."""
    match incident.kind:
        case IncidentKind.NODE:
            wrong = [str(problem.check) for problem in incident.active if problem.state in TROUBLE]
            also = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            fails = f"{', '.join(wrong[:3])}{also} still {'fails' if len(wrong) == 1 else 'fail'}"
            return f"acknowledge it instead: {fails}, and closing would hide that" if wrong else None
        case IncidentKind.GROUP if not incident.cause.startswith(VANISHED_FROM):
            return "acknowledge it instead: its nodes cannot be reached; it ends when half of them can"
        case IncidentKind.DELIVERY:
            channel = incident.cause
            return f"repair channel {channel}, then run notify-test {channel}: it ends with the next delivery"
        case IncidentKind.FAULT:
            return _fault(incident.cause)
        case IncidentKind.SUMMARY:
            return "acknowledge it instead: it ends with the incidents that it stands for"
        case IncidentKind.BLIND | IncidentKind.GROUP:
            return None


def _fault(cause: str) -> str:
    if cause.startswith(ONCALL):
        return "acknowledge it instead, and add an override to the rota: it ends when somebody is on call"
    if cause == RECORD:
        return "acknowledge it instead, and look after the database: it ends when that is in order again"
    it = "calendar is read" if cause.startswith(CALENDAR) else "task works"
    return f"acknowledge it instead, and read the log: it ends when the {it} again"


def _subject(turn: Turn, incident: str) -> Subject | None:
    subject = turn.subject(incident)
    if subject is None:
        turn.refuse(Kind.MISSING, f"no open incident {incident}; list them with: pacs-monitor incidents")
    return subject


def _of_group(turn: Turn, group: Incident) -> Iterable[Subject]:
    """The open incidents that a group or a summary stands for."""
    if group.kind in (IncidentKind.GROUP, IncidentKind.SUMMARY):
        for name in group.linked:
            if (one := turn.subject(name)) is not None:
                yield one


def _tell(turn: Turn, subject: Subject, said: Acknowledgement) -> None:
    """Every channel that knows of the incident."""
    incident = replace(subject.incident, acknowledgement=said)
    for channel, sent in subject.notified.items():
        if not sent.refused and channel in turn.rules.channels:
            status = DeliveryStatus.SHADOW if sent.shadow else DeliveryStatus.PENDING
            owed = Owed(turn.identity(), incident, channel, Said.ACKNOWLEDGED, status, turn.at, sent.page)
            turn.effects.owed.append(owed)
