"""Whom else an incident is escalated to while nobody has acknowledged it, and when.

The steps are those of the routes of its worst member. They count from the first notification that was sent, and from
zero again when it pages anew and when an acknowledgement is over. A channel that hears of the incident first by an
escalation gets its end, too. What a channel has taken that escalates by itself, we do not escalate.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from pacs_monitor.alerting import codes, digests, parents, shifts
from pacs_monitor.alerting.holds import held_until
from pacs_monitor.alerting.rosters import Recipient
from pacs_monitor.alerting.situation import Escalation, Subject
from pacs_monitor.alerting.suppress import hold, suppressed
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Owed, Turn
from pacs_monitor.alerting.view import told
from pacs_monitor.model import TROUBLE, DeliveryStatus, Incident, IncidentKind, Micros, Paging
from pacs_monitor.model import Event as Said


def begin(turn: Turn, subject: Subject, *, remind: bool = False) -> Subject:
    """Count from zero; `remind` if one reminder is owed as soon as something of it fails."""
    if not remind and subject.escalation is None and not turn.rules.escalates:
        return subject
    return _remembered(turn, subject, Escalation(turn.at, remind=remind))


def reminded(turn: Turn, subject: Subject) -> Subject:
    """The reminder that was owed is sent."""
    begun = subject.escalation
    return subject if begun is None else _remembered(turn, subject, begun._replace(remind=False))


def is_at_rest(incident: Incident) -> bool:
    """Whether nothing is known to fail: nobody is reminded, and nothing is escalated."""
    return incident.kind is IncidentKind.NODE and incident.state not in TROUBLE


def escalate(turn: Turn, subject: Subject) -> Subject:
    """Owe the steps that are due now, to whoever has not acknowledged; the subject was notified of."""
    if is_at_rest(subject.incident):
        return _waiting_no_longer(turn, subject, {})
    steps = turn.rules.escalation(subject.incident, turn.at)
    after = {} if _is_escalated_by_another(turn, subject) else steps.after
    leads = _leads(turn, subject.incident, after)
    subject = _waiting_no_longer(turn, subject, leads)
    if after and subject.escalation is None:  # a reload has brought the steps
        subject = begin(turn, subject)
    for channel, recipient in leads.items():
        target = Target(steps.paging, attended=steps.attended[recipient])
        target.through(recipient)
        subject = _step(turn, subject, channel, after[recipient], target)
    return subject


def _waiting_no_longer(turn: Turn, subject: Subject, leads: Container[str]) -> Subject:
    """Channels to which no step leads now: nothing is suppressed there."""
    for said, channel in subject.suppressed:
        if said is Said.ESCALATED and channel not in leads:
            subject = hold(turn, subject, said, channel, None)
    return subject


def _leads(turn: Turn, incident: Incident, after: Iterable[Recipient]) -> dict[str, Recipient]:
    """The channels of the steps now; one to which several lead is escalated to by the first."""
    broken = incident.cause if incident.kind is IncidentKind.DELIVERY else None
    found: dict[str, Recipient] = {}
    for recipient in after:
        for channel in turn.rules.rosters.channels(recipient, turn.now):
            if channel != broken:
                found.setdefault(channel, recipient)
    return found


def _done(turn: Turn, begun: Escalation, channel: str, target: Target) -> int:
    """How many steps a channel need not be told of: nor of those that were told to who was on call before."""
    done = [begun.told.get(channel, 0)]
    for name in target.oncall:
        recipient = Recipient(name, is_oncall=True)
        now = turn.rules.rosters.channels(recipient, turn.now)
        prefix = f"{recipient} "
        former = {key.removeprefix(prefix): count for key, count in begun.told.items() if key.startswith(prefix)}
        done += [count for one, count in former.items() if one == channel or one not in now]
    return max(done)


def _step(turn: Turn, subject: Subject, channel: str, pauses: Sequence[Micros], target: Target) -> Subject:
    """What is due to one channel; several steps that fell due in a gap are one."""
    begun, sent = subject.escalation or Escalation(turn.at), subject.notified.get(channel)
    done = _done(turn, begun, channel, target)
    if done >= len(pauses) or (sent is not None and sent.refused):
        return hold(turn, subject, Said.ESCALATED, channel, None)
    due, held = begun.since + pauses[done], held_until(turn, subject.incident)
    if due > turn.at:
        turn.wake(subject.incident.id, due)
        return hold(turn, subject, Said.ESCALATED, channel, None)
    if held > turn.at:  # until then, what is on record of it stands
        turn.wake(subject.incident.id, held)
        return subject
    reply = suppressed(turn, subject, Said.ESCALATED, channel, target)
    subject = hold(turn, subject, Said.ESCALATED, channel, reply)
    if reply is not None:
        digests.look_again(turn, subject, channel, reply)
        return subject
    done = sum(1 for pause in pauses if begun.since + pause <= turn.at)
    if done < len(pauses):
        turn.wake(subject.incident.id, begun.since + pauses[done])
    keys = [f"{Recipient(name, is_oncall=True)} {channel}" for name in target.oncall] or [channel]
    subject = _remembered(turn, subject, begun._replace(told={**begun.told, **dict.fromkeys(keys, done)}))
    return _escalated(turn, subject, channel, target)


def _escalated(turn: Turn, subject: Subject, channel: str, target: Target) -> Subject:
    """To a channel that knows of it already it pages anew; to any other it is its opened."""
    subject = codes.given(turn, subject, channel)
    sent, incident = subject.notified.get(channel), subject.incident
    first = sent is None or (sent.shadow and target.paging is Paging.ON)
    shadow = target.paging is Paging.SHADOW or (sent is not None and not first and sent.shadow)
    status = DeliveryStatus.SHADOW if shadow else DeliveryStatus.PENDING
    page, behind = 1 if first or sent is None else sent.page + 1, parents.behind(turn, incident)
    owed = Owed(turn.identity(), incident, channel, Said.ESCALATED, status, turn.at, page, behind=behind, first=first)
    turn.effects.owed.append(owed)
    subject = shifts.told(turn, subject, channel, target) if first else subject
    return turn.notify(subject, told(turn, subject, owed, first=first))


def _is_escalated_by_another(turn: Turn, subject: Subject) -> bool:
    """Whether a channel has it that escalates by itself; not while that channel delivers nothing."""
    lost = {*turn.now.failing, *subject.undelivered.late}
    return any(
        channel in turn.rules.escalating and channel not in lost and not (sent.shadow or sent.refused)
        for channel, sent in subject.notified.items()
    )


def _remembered(turn: Turn, subject: Subject, begun: Escalation) -> Subject:
    turn.note("escalation", subject.incident.id, begun.as_data())
    return turn.remember(replace(subject, escalation=begun))
