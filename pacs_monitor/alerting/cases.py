"""An open incident and what has been said about it: the memory that policy works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pacs_monitor.model import (
    SECOND,
    Check,
    DeliveryStatus,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Severity,
    State,
    Transition,
    Withheld,
)

TROUBLE = frozenset({State.DEGRADED, State.DOWN})

Key = tuple[IncidentKind, str]
"""Kind and cause: one incident is open per key."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel was notified of, of an incident."""

    at: Micros
    """When a notification about it was last sent."""
    shadow: bool = False
    """Its `opened` notification was recorded, not sent."""
    lost: bool = False
    """Its `opened` notification cannot be sent, so nothing may follow."""
    opened: str = ""
    """The id of its `opened` notification."""


@dataclass(frozen=True, slots=True)
class Case:
    """An open incident with what was sent and withheld.

    Acknowledgement and escalation belong here; grouping too, by more members.
    """

    incident: Incident
    due: Micros
    """When people are to be notified, at the end of `page_after`."""
    told: Mapping[str, Told] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()
    """Why its `opened` notification was suppressed, as already recorded."""
    joined: Micros | None = None
    """When the latest check joined it after people had been notified."""

    @property
    def key(self) -> Key:
        return self.incident.kind, self.incident.cause

    def tell(self, channel: str, told: Told) -> Case:
        return replace(self, told={**self.told, channel: told})

    def shifted(self, step: Micros) -> Case:
        """The same after the wall clock was set: what was due in a minute still is, and began as long ago as before."""
        incident = self.incident
        good = None if incident.last_good is None else incident.last_good + step
        incident = incident.changed(last_good=good, since=incident.since + step, noticed=incident.noticed + step)
        told = {channel: replace(t, at=t.at + step) for channel, t in self.told.items()}
        joined = None if self.joined is None else self.joined + step
        return replace(self, incident=incident, due=self.due + step, told=told, joined=joined)


def restored(
    incident: Incident, made: Iterable[Notification], withheld: Iterable[Withheld], check: Check | None, now: Micros
) -> Case:
    """The case of an incident that history had open. Nothing was sent later than now, whatever a clock ahead dated."""
    case = Case(incident, due(incident, 0.0 if check is None else check.page_after))
    everybody, heard = {str(member) for member in incident.members}, dict[str, Iterable[str]]()
    for past in made:
        if past.event is Event.OPENED:
            case = case.tell(
                past.channel, Told(min(past.created, now), past.status is DeliveryStatus.SHADOW, opened=past.id)
            )
        elif past.channel in case.told:
            case = case.tell(past.channel, replace(case.told[past.channel], at=min(past.created, now)))
        heard[past.channel] = past.data.get("members", everybody)
    for held in withheld:
        if held.channel is None:
            case = replace(case, excused=case.excused | {held.why})
        elif held.channel in case.told:
            told = case.told[held.channel]
            case = case.tell(held.channel, replace(told, at=max(told.at, min(held.at, now))))
    late = [told.at for channel, told in case.told.items() if everybody - set(heard[channel])]
    return replace(case, joined=max(late) + 1) if late else case


def opened(transition: Transition, check: Check, identity: str) -> Case:
    """The case that a check opens by getting into trouble."""
    incident = Incident(
        identity,
        IncidentKind.NODE,
        str(transition.check),
        severity(check, transition.after),
        transition.after,
        transition.reason,
        transition.phase,
        transition.detail,
        transition.last_before if transition.before is State.UP else None,
        transition.since,
        transition.noticed,
        (transition.check,),
    )
    return Case(incident, due(incident, check.page_after))


def with_ids(cases: Mapping[Key, Case], notifications: Iterable[Notification]) -> Mapping[Key, Case]:
    """The cases with the ids of what has just been opened."""
    openings = [owed for owed in notifications if owed.event is Event.OPENED]
    keys = {case.incident.id: key for key, case in cases.items()} if openings else {}
    known = dict(cases)
    for owed in openings:
        key = keys.get(owed.incident or "")
        if key is not None and owed.channel in known[key].told:
            told = replace(known[key].told[owed.channel], opened=owed.id)
            known[key] = known[key].tell(owed.channel, told)
    return known


def moved(incident: Incident, transition: Transition, check: Check) -> Incident:
    """The incident after its check moved on; severity holds while nothing is known."""
    return incident.changed(
        state=transition.after,
        severity=severity(check, transition.after) if transition.after in TROUBLE else incident.severity,
        reason=transition.reason,
        phase=transition.phase,
        detail=transition.detail,
    )


def severity(check: Check, state: State) -> Severity:
    """The check's own, but degraded is at most a warning."""
    if state is State.DEGRADED and check.severity is Severity.CRITICAL:
        return Severity.WARNING
    return check.severity


def due(incident: Incident, page_after: float) -> Micros:
    """`page_after` counts from the first failure; nobody is notified before the failure is confirmed.

    Evidence that lies ahead was dated by a record that the clock is behind of: it does not put the page off.
    """
    if incident.kind is not IncidentKind.NODE:
        return incident.noticed
    return max(incident.noticed, min(incident.since, incident.noticed) + round(page_after * SECOND))
