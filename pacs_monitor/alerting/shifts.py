"""The shifts of an incident: who of a rota was told of it, and when the next one hears of it. Pure.

Theory of operation. A page goes to whoever is on call when it is owed; what follows goes wherever that went. The change
of a shift pages nobody: what is open then is in the handover. The next reminder is due to who is on call by then, for
whom it is the opening, and so is what gets worse. For that, each incident knows whom it has told by which rota.

EDGE is the wake for the next change of any shift. Then, at a start, a reload and after a step of the clock it is looked
whether somebody is on call where a rota covers the time: if nobody is, the monitor has an incident of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pacs_monitor.alerting import own
from pacs_monitor.alerting.rosters import Recipient
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.view import WORSE, news, view
from pacs_monitor.model import ONCALL, SECOND, Ending, IncidentKind, Micros, Notified, Paging

EDGE = "oncall"
"""The wake that looks at all rotas."""
NOTE = "oncall"


def told(turn: Turn, subject: Subject, channel: str, target: Target) -> Subject:
    """Remember by which rotas a channel was told."""
    if not target.oncall or target.instead_of:
        return subject
    known = {name: (*subject.oncall.get(name, ()), channel) for name in sorted(target.oncall)}
    return _remembered(turn, subject, {**subject.oncall, **known})


def before(turn: Turn, subject: Subject, target: Target) -> tuple[Notified, ...]:
    """What was said to those who were on call before; empty where this channel is to be told as soon as it is due."""
    if target.named or target.instead_of or not target.oncall:
        return ()
    found: list[Notified] = []
    for name in sorted(target.oncall):
        now = turn.rules.rosters.channels(Recipient(name, is_oncall=True), turn.now)
        former = [c for c in subject.oncall.get(name, ()) if c not in now and c in subject.notified]
        sent = [subject.notified[channel] for channel in former]
        sent = [one for one in sent if not one.refused and not (one.shadow and target.paging is Paging.ON)]
        if not sent:
            return ()
        found += sent
    return tuple(found)


def reminded_at(turn: Turn, target: Target, former: tuple[Notified, ...]) -> Micros | None:
    """When a reminder is due to who is on call now; None if there are none."""
    if target.remind is None:
        return None
    begins = [turn.rules.rosters.shift(name, turn.now).start for name in target.oncall]
    moments = [max(sent.at for sent in former), *(start for start in begins if start is not None)]
    return min(moments) + round(target.remind * SECOND)


def worsened(turn: Turn, subject: Subject) -> Subject:
    """What pages anew is for those who are on call now, whomever it was told before."""
    if not subject.oncall or subject.incident.kind is not IncidentKind.NODE or subject.incident.acknowledgement:
        return subject
    seen, known = view(turn, subject.incident), subject.notified
    if not any(c in known and news(seen, known[c]) == WORSE for some in subject.oncall.values() for c in some):
        return subject
    now = {name: turn.rules.rosters.channels(Recipient(name, is_oncall=True), turn.now) for name in turn.rules.oncalls}
    kept = {name: tuple(c for c in some if c in now.get(name, ())) for name, some in subject.oncall.items()}
    return subject if kept == subject.oncall else _remembered(turn, subject, kept)


def recount(turn: Turn) -> None:
    """Whether somebody is on call now, by every rota, and when to look again."""
    ends: list[Micros] = []
    for name in sorted(turn.rules.oncalls):
        shift = turn.rules.rosters.shift(name, turn.now)
        if shift.is_gap:
            own.fault(turn, ONCALL + name, turn.at if shift.start is None else shift.start)
        else:
            own.fault_over(turn, ONCALL + name, Ending.RESOLVED)
        ends += [] if shift.end is None else [shift.end]
    for subject in turn.of(IncidentKind.FAULT):
        cause = subject.incident.cause
        if cause.startswith(ONCALL) and cause.removeprefix(ONCALL) not in turn.rules.oncalls:
            own.fault_over(turn, cause, Ending.WITHDRAWN)
    if ends:
        turn.wake(EDGE, min(ends))


def changed(turn: Turn) -> None:
    """A shift has ended: all that is open is looked at."""
    recount(turn)
    turn.touch(list(turn.now.subjects))


def restored(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """As it was noted."""
    return {name: tuple(channels) for name, channels in data.items()}


def _remembered(turn: Turn, subject: Subject, known: Mapping[str, tuple[str, ...]]) -> Subject:
    turn.note(NOTE, subject.incident.id, {name: list(channels) for name, channels in known.items()})
    return turn.remember(replace(subject, oncall=known))
