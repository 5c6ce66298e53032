"""Who is owed what, and why not: pure, no clock, no I/O.

Theory of operation. `decide` looks at each open case with everything that happened to it, in the order in which it was
noticed, and then at the present moment. What was due before something was noticed is owed before it: so the answer does
not depend on how often one asks, and a restart between two questions changes nothing. Only reminders are made for the
moment: five that were slept through are one.

- An incident of kind node is one check in trouble. `unknown` and `absent` neither open nor end it; while absent (a
  modality that was switched off) its page waits, while unknown it does not, because it was down and nobody saw it well.
- Once opened on a channel, an incident is changed, reminded and ended there. The end goes wherever the opened went,
  whatever routes and paging say by then; changes and reminders are as quiet as paging says now.
- An incident of kind blind is one reason for which checks have been unknown for `unknown_after`. `paused` is none: a
  person did that; nor is `awaited`, which ends by itself. Checks join it, which is sent as changed, and it ends when
  none of them is unknown for that reason any more.
- An incident of kind delivery is one channel that takes nothing; it goes through the others, until it works again.
- An incident of kind fault is one task of the monitor that fails again and again; it goes through all channels.

Dependencies, grouping, maintenance, acknowledgement and escalation add reasons to `Audience.why` and steps to `_speak`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace

from pacs_monitor.alerting.cases import TROUBLE, Case, Key, Told, moved, opened
from pacs_monitor.alerting.rules import PAGING_OFF, Rules
from pacs_monitor.delivery import ChannelTrouble
from pacs_monitor.model import (
    SECOND,
    CheckId,
    DeliveryStatus,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Paging,
    Reason,
    Severity,
    State,
    Transition,
    Withheld,
)

PAGE_AFTER = "page_after"
CHANNEL_REMOVED = "channel removed"
GATHERING = 60 * SECOND
"""How long to wait for more unmeasured checks with the same cause, so that one notification names them all."""
_NOT_BLIND = (Reason.PAUSED, Reason.AWAITED)
_ENDINGS = {Ending.RESOLVED: Event.RESOLVED, Ending.WITHDRAWN: Event.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Dark:
    """Since when, and why, a check is unknown; `detail` is its last result's."""

    since: Micros
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """One notification that is owed now, with the incident as it was then."""

    incident: Incident
    channel: str
    event: Event
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the last question."""

    transitions: tuple[Transition, ...] = ()
    dark: Mapping[CheckId, Dark] = field(default_factory=dict)
    """All checks that are unknown now."""
    untried: Set[CheckId] = frozenset()
    """Unknown checks that have not run since the start: their state is the one before it."""
    failing: Mapping[str, ChannelTrouble] = field(default_factory=dict)
    """Channels that deliver nothing."""
    faults: Set[str] = frozenset()
    """Tasks of the monitor that fail repeatedly."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be recorded and sent, the cases that stay open, and when to ask again."""

    cases: Mapping[Key, Case]
    incidents: tuple[Incident, ...]
    dues: tuple[Due, ...]
    withheld: tuple[Withheld, ...]
    wake_at: Micros | None


def decide(cases: Mapping[Key, Case], news: News, rules: Rules, now: Micros, identity: Callable[[], str]) -> Decision:
    """Who is owed what by `now`; `identity` gives new incidents their ids."""
    talk = _Round(dict(cases), rules, now, identity)
    for transition in news.transitions:
        talk.hear(transition)
    talk.withdraw_unwatched()
    talk.look_into_the_dark(news.dark, news.untried)
    talk.look_at_channels(news.failing)
    talk.look_at_tasks(news.faults)
    for case in list(talk.cases.values()):
        talk.remind(talk.tell_joined(talk.page(case, now)))
    return Decision(
        talk.cases,
        tuple(talk.incidents.values()),
        tuple(talk.dues),
        tuple(talk.withheld),
        min((wake for wake in talk.wakes if wake > now), default=None),
    )


class _Round:
    """One question being answered."""

    def __init__(self, cases: dict[Key, Case], rules: Rules, now: Micros, identity: Callable[[], str]) -> None:
        self.cases = cases
        self.incidents: dict[str, Incident] = {}
        self.dues: list[Due] = []
        self.withheld: list[Withheld] = []
        self.wakes: list[Micros] = []
        self._rules, self._now, self._identity = rules, now, identity

    def hear(self, transition: Transition) -> None:
        """A check changed its state."""
        check = self._rules.checks.get(transition.check)
        if check is None:
            return
        case = self.cases.get((IncidentKind.NODE, str(transition.check)))
        if case is None:
            if transition.after in TROUBLE:
                self._keep(opened(transition, check, self._identity()))
            return
        case = self.page(case, transition.noticed)
        if transition.after is State.UP:
            self._end(replace(case, incident=case.incident.changed(state=State.UP)), Ending.RESOLVED, transition.since)
            return
        before, incident = case.incident, moved(case.incident, transition, check)
        case = self._keep(replace(case, incident=incident))
        if (before.state, before.severity) != (incident.state, incident.severity):
            self._speak(case, Event.CHANGED, case.told, transition.noticed)

    def withdraw_unwatched(self) -> None:
        """Checks that left the estate take their incidents with them."""
        for case in list(self.cases.values()):
            if case.incident.kind is IncidentKind.NODE and case.incident.members[0] not in self._rules.checks:
                self._end(case, Ending.WITHDRAWN, self._now)

    def look_into_the_dark(self, dark: Mapping[CheckId, Dark], untried: Set[CheckId]) -> None:
        """Open, extend and end the incidents of checks that have been unknown for long."""
        for check, spell in dark.items():
            if check not in self._rules.checks or spell.reason in _NOT_BLIND:
                continue
            ripe = spell.since + round(self._rules.checks[check].unknown_after * SECOND)
            if ripe > self._now:
                self.wakes.append(ripe)
            else:
                self._join(check, spell)
        for case in self._of(IncidentKind.BLIND):
            watched = [member for member in case.incident.members if member in self._rules.checks]
            if not any(m in untried or (m in dark and dark[m].reason == case.incident.cause) for m in watched):
                self._end(case, Ending.RESOLVED if watched else Ending.WITHDRAWN, self._now)

    def look_at_channels(self, failing: Mapping[str, ChannelTrouble]) -> None:
        """Open and end the incidents of channels that take nothing."""
        for channel in sorted(failing.keys() & self._rules.channels):
            if (IncidentKind.DELIVERY, channel) not in self.cases:
                case = self._own(IncidentKind.DELIVERY, channel, State.DOWN)
                since = min(failing[channel].since, self._now)
                self._keep(replace(case, incident=case.incident.changed(since=since, detail=failing[channel].reason)))
        for case in self._of(IncidentKind.DELIVERY):
            if case.incident.cause not in self._rules.channels:
                self._end(case, Ending.WITHDRAWN, self._now)
            elif case.incident.cause not in failing:
                self._end(case, Ending.RESOLVED, self._now)

    def look_at_tasks(self, faults: Set[str]) -> None:
        """Open and end the incidents of the monitor's own tasks."""
        for task in sorted(faults):
            if (IncidentKind.FAULT, task) not in self.cases:
                self._keep(self._own(IncidentKind.FAULT, task, State.DEGRADED))
        for case in self._of(IncidentKind.FAULT):
            if case.incident.cause not in faults:
                self._end(case, Ending.RESOLVED, self._now)

    def page(self, case: Case, at: Micros) -> Case:
        """Send `opened` to the channels that are due by `at`."""
        if case.due > at:
            self.wakes.append(case.due)
            return case
        if case.incident.state is State.ABSENT:
            return case
        audience = self._rules.audience(case.incident)
        if audience.why:
            return self._excuse(case, audience.why, at)
        for channel, reach in audience.reach.items():
            told = case.told.get(channel)
            if told is None or (told.shadow and reach.paging is Paging.ON):
                shadow = reach.paging is Paging.SHADOW
                self._owe(case, channel, Event.OPENED, shadow=shadow)
                case = self._keep(case.tell(channel, Told(at, shadow)))
        return case

    def tell_joined(self, case: Case) -> Case:
        """Notify of newly joined unmeasured checks, on the channels last notified before they joined."""
        if case.joined is None:
            return case
        if case.joined + GATHERING > self._now:
            self.wakes.append(case.joined + GATHERING)
            return case
        joined = case.joined
        late = [channel for channel, told in case.told.items() if told.at < joined]
        self._speak(case, Event.CHANGED, late, self._now)
        return self.cases[case.key]

    def remind(self, case: Case) -> None:
        """Send reminders where the routes have them, while the incident is open."""
        incident = case.incident
        if not case.told or (incident.kind is IncidentKind.NODE and incident.state not in TROUBLE):
            return
        late = []
        for channel, reach in self._rules.audience(incident).reach.items():
            told = case.told.get(channel)
            if reach.remind is None or told is None or told.lost:
                continue
            again = told.at + round(reach.remind * SECOND)
            if again <= self._now:
                late.append(channel)
                again = self._now + round(reach.remind * SECOND)
            self.wakes.append(again)
        self._speak(case, Event.REMINDED, late, self._now)

    def _speak(self, case: Case, event: Event, channels: Mapping[str, Told] | list[str], at: Micros) -> None:
        """Changed or reminded, to channels that have their opened."""
        paging = self._rules.audience(case.incident).paging
        for channel in channels:
            told = case.told[channel]
            if told.lost or channel not in self._rules.channels:
                continue
            if paging is Paging.OFF:
                self.withheld.append(Withheld(case.incident.id, event, PAGING_OFF, at, channel))
            else:
                self._owe(case, channel, event, shadow=told.shadow or paging is Paging.SHADOW)
            case = self._keep(case.tell(channel, replace(told, at=at)))

    def _end(self, case: Case, ending: Ending, ended: Micros) -> None:
        """Close the case and say so wherever its opened went."""
        incident = case.incident.changed(ended=ended, ending=ending)
        del self.cases[case.key]
        self.incidents[incident.id] = incident
        if not case.told and not case.excused:
            self.withheld.append(Withheld(incident.id, Event.OPENED, PAGE_AFTER, self._now))
        for channel, told in case.told.items():
            event = _ENDINGS[ending]
            if channel not in self._rules.channels:
                self.withheld.append(Withheld(incident.id, event, CHANNEL_REMOVED, self._now, channel))
            else:
                self._owe(replace(case, incident=incident), channel, event, shadow=told.shadow)

    def _owe(self, case: Case, channel: str, event: Event, *, shadow: bool) -> None:
        told = case.told.get(channel)
        status = DeliveryStatus.PENDING
        if shadow:
            status = DeliveryStatus.SHADOW
        elif told is not None and told.lost:
            status = DeliveryStatus.DROPPED
        self.dues.append(Due(case.incident, channel, event, status))

    def _excuse(self, case: Case, why: str, at: Micros) -> Case:
        """Record once why nobody is notified."""
        if why in case.excused or case.told:
            return case
        self.withheld.append(Withheld(case.incident.id, Event.OPENED, why, at))
        return self._keep(replace(case, excused=case.excused | {why}))

    def _join(self, check: CheckId, spell: Dark) -> None:
        case = self.cases.get((IncidentKind.BLIND, spell.reason.value))
        if case is None:
            case = self._own(IncidentKind.BLIND, spell.reason.value, State.UNKNOWN, spell)
        members = case.incident.members
        if check not in members:
            joined = self._now if case.told else None
            self._keep(replace(case, incident=case.incident.changed(members=(*members, check)), joined=joined))

    def _own(self, kind: IncidentKind, cause: str, state: State, spell: Dark | None = None) -> Case:
        """An incident of the monitor itself, notified at once."""
        since, reason, detail = (spell.since, spell.reason, spell.detail) if spell else (self._now, None, "")
        incident = Incident(
            self._identity(), kind, cause, Severity.WARNING, state, reason, None, detail, None, since, self._now
        )
        return Case(incident, self._now)

    def _of(self, kind: IncidentKind) -> list[Case]:
        return [case for case in self.cases.values() if case.incident.kind is kind]

    def _keep(self, case: Case) -> Case:
        self.cases[case.key] = case
        self.incidents[case.incident.id] = case.incident
        return case
