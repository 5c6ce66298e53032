"""Who is owed what about one subject, at one moment: opened, changed, reminded.

What is small is gathered: improvements for GATHERING, members that join for JOINING. A higher severity and a worse
class of failure page anew at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pacs_monitor.alerting import coverage, operators, parents
from pacs_monitor.alerting.causes import class_of, worst_severity
from pacs_monitor.alerting.holds import held_until
from pacs_monitor.alerting.rules import Target
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress import Reply, suppressed
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.alerting.withheld import look_again, with_reply
from pacs_monitor.model import (
    SECOND,
    TROUBLE,
    CheckId,
    DeliveryStatus,
    FailureClass,
    Incident,
    IncidentKind,
    Micros,
    Notified,
    Paging,
    Severity,
    State,
    Suppressed,
    Why,
)
from pacs_monitor.model import Event as Said

GATHERING = 60 * SECOND
"""How long small differences wait for more, so that one notification names them all."""
JOINING = 300 * SECOND
"""How long more checks or nodes with the same cause wait: most are over before anybody needs to know."""


def evaluate(turn: Turn, subject: Subject) -> None:
    """Owe what is due now, and say when to look again; asking twice at one moment owes nothing twice."""
    targets = turn.rules.targets(subject.incident)
    subject, expired = operators.expire(turn, subject)
    subject = _open(turn, subject, targets)
    if not subject.notified:
        return
    subject = _change(turn, subject, targets)
    _remind(turn, subject, targets, at_once=expired)


@dataclass(frozen=True, slots=True)
class _View:
    """What there is to say of a subject."""

    state: State
    severity: Severity
    worst: FailureClass
    members: tuple[CheckId, ...]
    flapping: bool = False


def _open(turn: Turn, subject: Subject, targets: dict[str, Target]) -> Subject:
    for said, channel in subject.suppressed:
        if channel and channel not in targets:
            subject = with_reply(turn, subject, (said, channel), None)
    if not targets:
        return _no_channel(turn, subject)
    subject = _released(turn, subject, Why.NO_CHANNEL)
    held = held_until(turn, subject.incident)
    for channel, target in targets.items():
        sent = subject.notified.get(channel)
        if sent is not None and not (sent.shadow and target.paging is Paging.ON):
            subject = with_reply(turn, subject, (Said.OPENED, channel), None)
            continue
        due = max(min((p.due for p in target.problems), default=subject.due), held)
        if due > turn.at:
            turn.wake(subject.incident.id, due)
            continue
        reply = suppressed(turn, subject, Said.OPENED, channel, target)
        subject = with_reply(turn, subject, (Said.OPENED, channel), reply)
        if reply is None:
            subject = _opened(turn, subject, channel, target)
        else:
            look_again(turn, subject, channel, reply)
    return subject


def _opened(turn: Turn, subject: Subject, channel: str, target: Target) -> Subject:
    shadow = target.paging is Paging.SHADOW
    status = DeliveryStatus.SHADOW if shadow else DeliveryStatus.PENDING
    incident = subject.incident
    behind, overran = parents.behind(turn, incident), coverage.overrun(turn, incident)
    owed = Owed(turn.identity(), incident, channel, Said.OPENED, status, turn.at, behind=behind, overran=overran)
    turn.effects.owed.append(owed)
    view = _view(turn, subject.incident)
    before = subject.notified.get(channel)
    sent = Notified(
        subject.incident.id,
        channel,
        turn.at,
        owed.id,
        view.state,
        incident.severity,
        view.worst,
        _named(incident),
        shadow=shadow,
        flapping=view.flapping,
        version=1 if before is None else before.version + 1,
    )
    return turn.notify(subject, sent)


def _change(turn: Turn, subject: Subject, targets: dict[str, Target]) -> Subject:
    rest = coverage.rests(turn, subject.incident.active) if subject.incident.kind is IncidentKind.NODE else None
    if rest is not None:  # whatever differs by the end of the maintenance is said then
        turn.wake(subject.incident.id, rest[1])
        return subject
    view = _view(turn, subject.incident)
    news = {
        c: _news(view, sent) for c, sent in subject.notified.items() if not sent.refused and c in turn.rules.channels
    }
    differing = {channel: new for channel, new in news.items() if new}
    for said, channel in subject.suppressed:
        if said is Said.CHANGED and channel not in differing:
            subject = with_reply(turn, subject, (said, channel), None)
    if not differing:
        return subject if subject.differs is None else _differing(turn, subject, None)
    if subject.differs is None:
        subject = _differing(turn, subject, turn.at)
    joined = all(new == _MEMBERS for new in differing.values()) and subject.incident.kind is not IncidentKind.BLIND
    ripe = (subject.differs or turn.at) + (JOINING if joined else GATHERING)
    urgent = len(subject.incident.problems) == 1 and subject.incident.kind is IncidentKind.NODE
    if turn.at < ripe:
        turn.wake(subject.incident.id, ripe)
    held = max(held_until(turn, subject.incident), 0 if turn.is_timer else turn.at + 1)
    for channel, new in differing.items():
        if new == _WORSE and held > turn.at:  # it pages: as a first page it waits, and until all of its moment is known
            turn.wake(subject.incident.id, held)
        elif new == _WORSE or urgent or turn.at >= ripe:
            pages = new == _WORSE and subject.incident.kind is IncidentKind.NODE
            pages &= subject.incident.acknowledgement is None
            subject = _say(turn, subject, Said.CHANGED, channel, targets, pages=pages)
    return subject


_WORSE, _OTHER, _MEMBERS = "worse", "other", "members"


def _news(view: _View, sent: Notified) -> str:
    """What a channel does not know yet."""
    moved = view.state is not sent.state and not (view.flapping and sent.flapping)  # it comes and goes, as was said
    if moved and view.state not in TROUBLE:
        return _OTHER
    if view.severity.badness < sent.severity.badness or view.worst.rank > sent.worst.rank:
        return _WORSE
    if moved or view.flapping is not sent.flapping:
        return _OTHER
    return "" if set(view.members) <= set(sent.members) else _MEMBERS


def _remind(turn: Turn, subject: Subject, targets: dict[str, Target], *, at_once: bool) -> None:
    """Every so often; at once where an acknowledgement is over."""
    incident = subject.incident
    is_quiet = incident.kind is IncidentKind.NODE and incident.state not in TROUBLE
    for said, channel in subject.suppressed:
        if said is Said.REMINDED and (is_quiet or subject.notified[channel].at > subject.suppressed[said, channel].at):
            subject = with_reply(turn, subject, (said, channel), None)  # there is nothing to say, or the digest has
    if is_quiet:
        return
    for channel, target in targets.items():
        sent = subject.notified.get(channel)
        if sent is None or sent.refused:
            continue
        waits = (Said.REMINDED, channel) in subject.suppressed
        if at_once or waits or coverage.is_overdue(turn, incident, sent):
            subject = _say(turn, subject, Said.REMINDED, channel, targets)
            sent = subject.notified[channel]
        if target.remind is None:
            continue
        pause = round(target.remind * SECOND)
        if sent.at + pause > turn.at:
            turn.wake(incident.id, sent.at + pause)
            continue
        subject = _say(turn, subject, Said.REMINDED, channel, targets)
        turn.wake(incident.id, turn.at + pause)


def _say(
    turn: Turn, subject: Subject, said: Said, channel: str, targets: dict[str, Target], *, pages: bool = False
) -> Subject:
    """Changed or reminded, to a channel that has its opened; what only waits for an opening is not said yet."""
    sent, view = subject.notified[channel], _view(turn, subject.incident)
    target = _target(turn, subject, channel, targets)
    reply = suppressed(turn, subject, said, channel, target)
    if reply is not None and reply.opening is not None:
        look_again(turn, subject, channel, reply)
        return with_reply(turn, subject, (said, channel), reply)
    subject = with_reply(turn, subject, (said, channel), None)
    page = sent.page + (1 if pages and reply is None else 0)
    if reply is None:
        shadow = sent.shadow or target.paging is Paging.SHADOW
        status = DeliveryStatus.SHADOW if shadow else DeliveryStatus.PENDING
        incident = subject.incident
        behind = parents.behind(turn, incident)
        overran = coverage.overrun(turn, incident) if coverage.is_overdue(turn, incident, sent) else None
        owed = Owed(turn.identity(), incident, channel, said, status, turn.at, page, pages, behind, overran)
        turn.effects.owed.append(owed)
    else:
        row = Suppressed(subject.incident.id, said, reply.why, turn.at, channel, reply.detail, turn.at)
        turn.effects.suppressed.append(row)
    worst = max(view.worst, sent.worst, key=lambda kind: kind.rank)
    severity = worst_severity((view.severity, sent.severity), sent.severity)
    members = tuple(dict.fromkeys((*sent.members, *_named(subject.incident))))
    known = {"state": view.state, "severity": severity, "worst": worst, "members": members, "flapping": view.flapping}
    return turn.notify(subject, sent.changed(at=turn.at, page=page, **known))


def _target(turn: Turn, subject: Subject, channel: str, targets: dict[str, Target]) -> Target:
    """How a channel that knows of it is routed to; also when no member is in trouble that is routed there."""
    if channel in targets:
        return targets[channel]
    routed = turn.rules.targets(subject.incident, every=True).get(channel, Target())
    return replace(routed, paging=turn.rules.paging(subject.incident))


def _view(turn: Turn, incident: Incident) -> _View:
    """What there is to say now: of members whose time has come."""
    if incident.kind is not IncidentKind.NODE:
        return _View(incident.state, incident.severity, FailureClass.OTHER, incident.members)
    active = incident.active
    due = [problem for problem in active if problem.due <= turn.at] or active
    later = [problem.due for problem in active if problem.due > turn.at]
    if later:
        turn.wake(incident.id, min(later))
    in_trouble = (problem.severity for problem in due if problem.state in TROUBLE)
    return _View(
        min((problem.state for problem in due), key=lambda state: state.badness, default=incident.state),
        worst_severity(in_trouble, incident.severity),
        class_of(incident.cause),
        tuple(problem.check for problem in due),
        incident.is_flapping,
    )


def _named(incident: Incident) -> tuple[CheckId, ...]:
    """The members that a notification names: those whose time has not come, too."""
    if incident.kind is not IncidentKind.NODE:
        return incident.members
    return tuple(problem.check for problem in incident.active)


def _differing(turn: Turn, subject: Subject, since: Micros | None) -> Subject:
    turn.note("differs", subject.incident.id, None if since is None else {"since": since})
    return turn.remember(replace(subject, differs=since))


def _no_channel(turn: Turn, subject: Subject) -> Subject:
    if subject.first_due > turn.at:
        turn.wake(subject.incident.id, subject.first_due)
        return subject
    if subject.incident.kind is IncidentKind.NODE and subject.incident.state in (State.ABSENT, State.UP):
        return subject
    return with_reply(turn, subject, (Said.OPENED, ""), Reply(Why.NO_CHANNEL))


def _released(turn: Turn, subject: Subject, why: Why) -> Subject:
    held = subject.suppressed.get((Said.OPENED, ""))
    return subject if held is None or held.why != why else with_reply(turn, subject, (Said.OPENED, ""), None)
