"""What there is to say of a subject at one moment, and what a channel does not know of it yet."""

from __future__ import annotations

from dataclasses import dataclass

from pacs_monitor.alerting.causes import class_of, worst_severity
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.model import (
    TROUBLE,
    CheckId,
    DeliveryStatus,
    FailureClass,
    Incident,
    IncidentKind,
    Notified,
    Severity,
    State,
)

WORSE, OTHER, MEMBERS = "worse", "other", "members"
"""Kinds of news: it pages anew; the state is another one; more checks or nodes."""


@dataclass(frozen=True, slots=True)
class View:
    """What there is to say of a subject."""

    state: State
    severity: Severity
    worst: FailureClass
    members: tuple[CheckId, ...]
    flapping: bool = False


def view(turn: Turn, incident: Incident) -> View:
    """What there is to say now: of members whose time has come."""
    if incident.kind is not IncidentKind.NODE:
        return View(incident.state, incident.severity, FailureClass.OTHER, incident.members)
    active = incident.active
    due = [problem for problem in active if problem.due <= turn.at] or active
    later = [problem.due for problem in active if problem.due > turn.at]
    if later:
        turn.wake(incident.id, min(later))
    in_trouble = (problem.severity for problem in due if problem.state in TROUBLE)
    return View(
        min((problem.state for problem in due), key=lambda state: state.badness, default=incident.state),
        worst_severity(in_trouble, incident.severity),
        class_of(incident.cause),
        tuple(problem.check for problem in due),
        incident.is_flapping,
    )


def news(seen: View, sent: Notified) -> str:
    """What a channel does not know yet; empty if it knows all."""
    moved = seen.state is not sent.state and not (seen.flapping and sent.flapping)  # it comes and goes, as was said
    if moved and seen.state not in TROUBLE:
        return OTHER
    if seen.severity.badness < sent.severity.badness or seen.worst.rank > sent.worst.rank:
        return WORSE
    if moved or seen.flapping is not sent.flapping:
        return OTHER
    return "" if set(seen.members) <= set(sent.members) else MEMBERS


def named(incident: Incident) -> tuple[CheckId, ...]:
    """The members that a notification names: those whose time has not come, too."""
    if incident.kind is not IncidentKind.NODE:
        return incident.members
    return tuple(problem.check for problem in incident.active)


def told(turn: Turn, subject: Subject, owed: Owed, *, first: bool) -> Notified:
    """What the channel knows once it has what it is owed; `first` if that opens the incident there."""
    incident, seen, before = subject.incident, view(turn, subject.incident), subject.notified.get(owed.channel)
    if first or before is None:
        return Notified(
            incident.id,
            owed.channel,
            turn.at,
            owed.id,
            seen.state,
            incident.severity,
            seen.worst,
            named(incident),
            shadow=owed.status is DeliveryStatus.SHADOW,
            flapping=seen.flapping,
            version=1 if before is None else before.version + 1,
        )
    return before.changed(
        at=turn.at,
        state=seen.state,
        severity=worst_severity((seen.severity, before.severity), before.severity),
        worst=max(seen.worst, before.worst, key=lambda kind: kind.rank),
        members=tuple(dict.fromkeys((*before.members, *named(incident)))),
        page=owed.page,
        flapping=seen.flapping,
    )
