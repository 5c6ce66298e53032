"""Who is owed what about one subject, at one moment: opened, changed, reminded, escalated.

It is asked when all of a moment is known. What is small is gathered: improvements for GATHERING, members that join for
JOINING. A higher severity and a worse class of failure page anew at once.
"""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import (
    acknowledgements,
    codes,
    coverage,
    digests,
    escalation,
    fallbacks,
    parents,
    shifts,
    storms,
)
from pacs_monitor.alerting.holds import held_until
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress import Reply, hold, suppressed
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.alerting.view import MEMBERS, WORSE, news, told, view
from pacs_monitor.model import (
    SECOND,
    DeliveryStatus,
    IncidentKind,
    Micros,
    Paging,
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
    """Owe what is due now, and say when to look again; asking twice at one moment owes nothing twice.

    Of the things that happen at one moment, the order is chance: what follows is decided when all of them are known.
    """
    if not turn.is_timer:
        turn.wake_after_all(subject.incident.id)
        return
    targets = fallbacks.added(turn.rules, subject, turn.rules.targets(subject.incident, turn.now))
    subject = acknowledgements.settle(turn, subject)
    subject = shifts.worsened(turn, subject)
    subject = _open(turn, subject, targets)
    if not subject.notified:
        return
    subject = _change(turn, subject, targets)
    subject = _remind(turn, subject, targets)
    _settle(turn, escalation.escalate(turn, subject))


def _open(turn: Turn, subject: Subject, targets: dict[str, Target]) -> Subject:
    for said, channel in subject.suppressed:
        if channel and channel not in targets and said in (Said.OPENED, Said.REMINDED):
            subject = hold(turn, subject, said, channel, None)
    if not targets:
        return _no_channel(turn, subject)
    subject = _released(turn, subject, Why.NO_CHANNEL)
    held = held_until(turn, subject.incident)
    for channel, target in targets.items():
        sent = subject.notified.get(channel)
        if sent is not None and not (sent.shadow and target.paging is Paging.ON):
            subject = hold(turn, subject, Said.OPENED, channel, None)
            continue
        if sent is None and shifts.before(turn, subject, target):
            continue
        due = max(min((p.due for p in target.problems), default=subject.due), held)
        if due > turn.at:
            turn.wake(subject.incident.id, due)
            continue
        subject = _open_one(turn, subject, channel, target)
    return subject


def _open_one(turn: Turn, subject: Subject, channel: str, target: Target) -> Subject:
    """Its opened is due to a channel: unless something suppresses it, it is owed."""
    reply = suppressed(turn, subject, Said.OPENED, channel, target)
    subject = hold(turn, subject, Said.OPENED, channel, reply)
    if reply is None:
        return _opened(turn, subject, channel, target)
    digests.look_again(turn, subject, channel, reply)
    return subject


def _opened(turn: Turn, subject: Subject, channel: str, target: Target) -> Subject:
    shadow = target.paging is Paging.SHADOW
    status = DeliveryStatus.SHADOW if shadow else DeliveryStatus.PENDING
    subject = codes.given(turn, subject, channel)
    incident = subject.incident
    behind, overran = parents.behind(turn, incident), coverage.overrun(turn, incident)
    owed = Owed(turn.identity(), incident, channel, Said.OPENED, status, turn.at, behind=behind, overran=overran)
    turn.effects.owed.append(replace(owed, instead_of=target.instead_of))
    subject = fallbacks.told(turn, subject, channel, target)
    if not shadow:
        storms.opened(turn, subject, channel)
    if not shadow and all(sent.shadow for sent in subject.notified.values()):
        subject = escalation.begin(turn, subject)
    subject = shifts.told(turn, subject, channel, target)
    return turn.notify(subject, told(turn, subject, owed, first=True))


def _change(turn: Turn, subject: Subject, targets: dict[str, Target]) -> Subject:
    held = held_until(turn, subject.incident)
    if held <= turn.at:
        subject = _for_what_reason(turn, subject, targets)
    rest = coverage.rests(turn, subject.incident.active) if subject.incident.kind is IncidentKind.NODE else None
    if rest is not None:  # whatever differs by the end of the maintenance is said then
        turn.wake(subject.incident.id, rest[1])
        return subject
    differing = _unknown(turn, subject)
    if not differing:
        return subject
    if subject.differs is None:
        subject = _differing(turn, subject, turn.at)
    joined = all(new == MEMBERS for new in differing.values()) and subject.incident.kind is not IncidentKind.BLIND
    ripe = (subject.differs or turn.at) + (JOINING if joined else GATHERING)
    urgent = len(subject.incident.problems) == 1 and subject.incident.kind is IncidentKind.NODE
    if turn.at < ripe:
        turn.wake(subject.incident.id, ripe)
    for channel, new in differing.items():
        if new == WORSE and held > turn.at:  # it pages: as a first page it waits
            turn.wake(subject.incident.id, held)
        elif new == WORSE or urgent or turn.at >= ripe:
            pages = new == WORSE and subject.incident.kind is IncidentKind.NODE
            pages &= subject.incident.acknowledgement is None
            subject = _say(turn, subject, Said.CHANGED, channel, targets, pages=pages)
    return subject


def _for_what_reason(turn: Turn, subject: Subject, targets: dict[str, Target]) -> Subject:
    """Why changes that wait are not sent now: that may be another reason than before, or none."""
    for said, channel in subject.suppressed:
        if said is Said.CHANGED:
            reply = suppressed(turn, subject, said, channel, _target(turn, subject, channel, targets))
            subject = hold(turn, subject, said, channel, reply)
    return subject


def _unknown(turn: Turn, subject: Subject) -> dict[str, str]:
    """What is new for each channel that has its opening, where anything is."""
    seen = view(turn, subject.incident)
    heard = {c: sent for c, sent in subject.notified.items() if not sent.refused and c in turn.rules.channels}
    return {channel: new for channel, sent in heard.items() if (new := news(seen, sent))}


def _settle(turn: Turn, subject: Subject) -> None:
    """What was told by whatever was said just now waits no longer, and what differs next is gathered anew."""
    waiting = [channel for said, channel in subject.suppressed if said is Said.CHANGED]
    if subject.differs is None and not waiting:
        return
    unknown = _unknown(turn, subject)
    for channel in waiting:
        if channel not in unknown:
            subject = hold(turn, subject, Said.CHANGED, channel, None)
    if subject.differs is not None and not unknown:
        _differing(turn, subject, None)


def _remind(turn: Turn, subject: Subject, targets: dict[str, Target]) -> Subject:
    """Every so often, and once where an acknowledgement is over."""
    incident = subject.incident
    is_quiet = escalation.is_at_rest(incident)
    for said, channel in subject.suppressed:
        if said is Said.REMINDED and (is_quiet or subject.notified[channel].at > subject.suppressed[said, channel].at):
            subject = hold(turn, subject, said, channel, None)  # there is nothing to say, or the digest has
    if is_quiet:
        return subject
    coverage.look_when_over(turn, incident)
    at_once = subject.escalation is not None and subject.escalation.remind
    held, differing = held_until(turn, incident), _unknown(turn, subject)
    for channel, target in targets.items():
        sent = subject.notified.get(channel)
        if sent is None:
            subject = _relieve(turn, subject, channel, target, at_once=at_once)
        if sent is None or sent.refused:
            continue
        if differing.get(channel) == WORSE and held > turn.at:
            continue  # a page says so in a moment: a reminder that said it first would take its place
        waits = (Said.REMINDED, channel) in subject.suppressed
        pause = None if target.remind is None else round(target.remind * SECOND)
        due = pause is not None and sent.at + pause <= turn.at
        if at_once or due or waits or coverage.is_overdue(turn, incident, sent):
            subject = _say(turn, subject, Said.REMINDED, channel, targets)
        if pause is not None:
            turn.wake(incident.id, subject.notified[channel].at + pause)
    return escalation.reminded(turn, subject) if at_once else subject


def _relieve(turn: Turn, subject: Subject, channel: str, target: Target, *, at_once: bool) -> Subject:
    """A reminder is due to somebody whose shift began after the opening: for that channel it is the opening."""
    former = shifts.before(turn, subject, target)
    if not former:
        return subject
    due, waits = shifts.reminded_at(turn, target, former), (Said.OPENED, channel) in subject.suppressed
    if not (at_once or waits or (due is not None and due <= turn.at)):
        turn.wake(subject.incident.id, due or 0)
        return subject
    subject = _open_one(turn, subject, channel, target)
    if channel in subject.notified and target.remind is not None:
        turn.wake(subject.incident.id, turn.at + round(target.remind * SECOND))
    return subject


def _say(
    turn: Turn, subject: Subject, said: Said, channel: str, targets: dict[str, Target], *, pages: bool = False
) -> Subject:
    """Changed or reminded, to a channel that has its opened.

    A change that is suppressed is held, and sent when the reason is over; of a reminder only the time moves on.
    """
    sent, target, incident = subject.notified[channel], _target(turn, subject, channel, targets), subject.incident
    reply = suppressed(turn, subject, said, channel, target)
    if reply is not None and (reply.opening is not None or said is Said.CHANGED):
        digests.look_again(turn, subject, channel, reply)
        return hold(turn, subject, said, channel, reply)
    subject = hold(turn, subject, said, channel, None)
    if reply is not None:
        row = Suppressed(incident.id, said, reply.why, turn.at, channel, reply.detail, turn.at)
        turn.effects.suppressed.append(row)
        return turn.notify(subject, sent.changed(at=turn.at))  # what it says anew is not known by that
    status = DeliveryStatus.SHADOW if sent.shadow else DeliveryStatus.PENDING
    page, behind = sent.page + pages, parents.behind(turn, incident)
    overran = coverage.overrun(turn, incident) if coverage.is_overdue(turn, incident, sent) else None
    subject = codes.given(turn, subject, channel)
    incident = subject.incident
    instead_of = subject.undelivered.instead.get(channel, "")
    owed = Owed(
        turn.identity(), incident, channel, said, status, turn.at, page, pages, behind, overran, instead_of=instead_of
    )
    turn.effects.owed.append(owed)
    subject = turn.notify(subject, told(turn, subject, owed, first=False))
    return escalation.begin(turn, subject) if pages else subject


def _target(turn: Turn, subject: Subject, channel: str, targets: dict[str, Target]) -> Target:
    """How a channel that knows of it is routed to; also when no member is in trouble that is routed there."""
    if channel in targets:
        return targets[channel]
    routed = turn.rules.targets(subject.incident, turn.now, every=True).get(channel, Target())
    return replace(routed, paging=turn.rules.paging(subject.incident))


def _differing(turn: Turn, subject: Subject, since: Micros | None) -> Subject:
    turn.note("differs", subject.incident.id, None if since is None else {"since": since})
    return turn.remember(replace(subject, differs=since))


def _no_channel(turn: Turn, subject: Subject) -> Subject:
    if subject.first_due > turn.at:
        turn.wake(subject.incident.id, subject.first_due)
        return subject
    if subject.incident.kind is IncidentKind.NODE and subject.incident.state in (State.ABSENT, State.UP):
        return subject
    return hold(turn, subject, Said.OPENED, "", Reply(Why.NO_CHANNEL))


def _released(turn: Turn, subject: Subject, why: Why) -> Subject:
    held = subject.suppressed.get((Said.OPENED, ""))
    return subject if held is None or held.why != why else hold(turn, subject, Said.OPENED, "", None)
