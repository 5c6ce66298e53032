"""Fallback channels: who is notified while another channel does not deliver its pages of an incident.

Theory of operation. The outbox says when a page has waited for longer than `fallback.after`. From then on, and until
something about the incident is delivered there, the fallback counts as a channel of the incident's routes, on the terms
of the one that is late: what suppresses a page suppresses it, it has reminders, and a fallback that is late has its own
one in its place. A channel that has its `opened` already has it once, and whoever was notified gets the end: so neither
a fallback that is routed to anyway nor a channel that works again is told anything twice.
"""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting.events import LateDelivered, OpenedRefused, PageLate
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.undelivered import Undelivered
from pacs_monitor.model import IncidentKind

KIND = "undelivered"
"""Of the notes that keep it over a restart; the key is the incident."""


def told_of(turn: Turn, what: OpenedRefused | PageLate | LateDelivered) -> None:
    """How a channel fares with an incident."""
    subject = turn.subject(what.incident)
    if subject is None or what.channel not in subject.notified:
        return
    if isinstance(what, LateDelivered):
        late = tuple(one for one in subject.undelivered.late if one != what.channel)
    else:
        late = tuple(dict.fromkeys((*subject.undelivered.late, what.channel)))
    if isinstance(what, OpenedRefused):
        subject = turn.notify(subject, subject.notified[what.channel].changed(refused=True))
    if late != subject.undelivered.late and not subject.notified[what.channel].shadow:
        _keep(turn, subject, subject.undelivered._replace(late=late))
        turn.touch([what.incident])


def told(turn: Turn, subject: Subject, channel: str, target: Target) -> Subject:
    """A channel has its `opened`; remember if that was in the place of another."""
    if not target.instead_of or channel in subject.undelivered.instead:
        return subject
    instead = {**subject.undelivered.instead, channel: target.instead_of}
    return _keep(turn, subject, subject.undelivered._replace(instead=instead))


def added(rules: Rules, subject: Subject, targets: dict[str, Target]) -> dict[str, Target]:
    """The channels that it is routed to, and the fallbacks of those that are late."""
    found = dict(targets)
    for channel in subject.undelivered.late:
        if channel in targets or channel not in subject.undelivered.instead:
            target = targets.get(channel) or Target(rules.paging(subject.incident))
            _follow(rules, subject, channel, target, found)
    return found


def _follow(rules: Rules, subject: Subject, channel: str, target: Target, found: dict[str, Target]) -> None:
    """From a channel that is late to its fallback, and on as long as that is late, too."""
    incident, seen = subject.incident, {channel}
    while channel in subject.undelivered.late and (other := rules.fallbacks.get(channel)) is not None:
        if other in seen or (incident.kind is IncidentKind.DELIVERY and other == incident.cause):
            return
        known = found.get(other)
        if known is None:
            found[other] = replace(target, instead_of=channel)
        else:
            found[other] = both = replace(known, attended=list(known.attended), instead_of=channel)
            both.add(target.paging, target.remind, target.attended)
            both.problems = list({p.check: p for p in (*known.problems, *target.problems)}.values())
        seen.add(other)
        channel = other


def _keep(turn: Turn, subject: Subject, undelivered: Undelivered) -> Subject:
    turn.note(KIND, subject.incident.id, undelivered.as_data())
    return turn.remember(replace(subject, undelivered=undelivered))
