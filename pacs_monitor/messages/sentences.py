"""What is wrong, since when and who deals with it, in one sentence: the summary of a notification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from pacs_monitor.format.human import duration, moment
from pacs_monitor.messages import own
from pacs_monitor.messages.next_steps import explained_by_detail
from pacs_monitor.messages.reasons import phrase, port_of
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import SECOND, Check, CheckId, Event, Incident, IncidentKind, Micros, State

GIST = 200
"""How many characters of a detail a summary includes."""


def sentence(
    incident: Incident,
    event: Event,
    check: Check | None,
    scene: Scene,
    *,
    overran: tuple[str, Micros] | None,
    still_ok: list[str],
    also_failing: list[str],
) -> str:
    """The summary; `check` speaks for the incident."""
    return (
        _summary(incident, event, check, scene)
        + _overran(overran, scene)
        + _said(incident, event, scene)
        + _flapping(incident)
        + _beside(incident, event, still_ok, also_failing)
    )


def title_of(incident: Incident, scene: Scene) -> str:
    """What people call it."""
    if not incident.members:
        return scene.name
    first = incident.members[0]
    check = scene.checks.get(first)
    return (check and check.node.title) or first.node


def _summary(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    since = _clock(incident.since, scene)
    match incident.kind:
        case IncidentKind.BLIND:
            return _blind(incident, event, scene)
        case IncidentKind.DELIVERY:
            return own.delivery(incident, event, since)
        case IncidentKind.FAULT:
            return own.fault(incident, event, since)
        case _:
            return _node(incident, event, check, scene)


def _flapping(incident: Incident) -> str:
    """Which of its checks come and go."""
    names = [problem.check.check for problem in incident.problems if problem.is_flapping]
    if not names or incident.ended is not None:
        return ""
    verb = "is" if len(names) == 1 else "are"
    return f"; {named(names)} {verb} flapping (five failures within an hour): it ends after 30 min without a change"


def _said(incident: Incident, event: Event, scene: Scene) -> str:
    """Who has acknowledged it, or that nobody has."""
    if event is Event.ESCALATED:
        return "; escalated, because nobody has acknowledged it"
    said = incident.acknowledgement
    if event not in (Event.ACKNOWLEDGED, Event.RESOLVED) or said is None:
        return ""
    why, ticket = f": {said.why}" if said.why else "", f" (ticket {said.ticket})" if said.ticket else ""
    if event is Event.RESOLVED:
        return f"; handled by {said.by}{ticket}"
    return f"; acknowledged by {said.by} until {_clock(said.until, scene)}{why}{ticket}"


def _overran(overran: tuple[str, Micros] | None, scene: Scene) -> str:
    """It is a page because its maintenance is over."""
    return "" if overran is None else f"; its maintenance '{overran[0]}' ended at {_clock(overran[1], scene)}"


def _node(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    title, since = title_of(incident, scene), _clock(incident.since, scene)
    if event is Event.WITHDRAWN:
        one = len(incident.members) == 1
        names = f"{named(map(str, incident.members))} {'is' if one else 'are'} no longer monitored"
        return f"{title}: {names}; {'its' if one else 'their'} incident, open since {since}, is withdrawn"
    if event is Event.CLOSED:
        return f"{title}: its incident, open since {since}, was closed by hand, while nothing was measured to fail"
    if incident.ended is not None:
        lasted, names = duration(max(0, incident.ended - incident.since) // SECOND), _checks(incident)
        one = check is not None and len(incident.members) == 1
        again = check.probe.recovered(check.settings) if one and check else "have recovered"
        return f"{title}: {names} {again} at {_clock(incident.ended, scene)}, after {lasted}"
    return _open(incident, event, check, scene)


def _open(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    title, since = title_of(incident, scene), _clock(incident.since, scene)
    if incident.state is State.ABSENT:
        return (
            f"{title} is now switched off or out of reach; its incident, open since {since}, stays open until it "
            "recovers"
        )
    if incident.state is State.UP:
        return f"{title} is up at the moment; its incident, open since {since}, stays open"
    if incident.state is State.UNKNOWN:
        what = _in_detail(incident, scene) or phrase(incident.reason, check)
        return f"{title} has been failing since {since} and cannot be checked now: {what}"
    return _trouble(incident, event, check, scene)


def _trouble(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    """Down goes without saying, unless it was degraded until now."""
    title, since = title_of(incident, scene), f"since {_clock(incident.since, scene)}"
    still = " still" if event in (Event.REMINDED, Event.ESCALATED) else ""
    how = "degraded" if incident.state is State.DEGRADED else ""
    if event is Event.CHANGED:
        how = f"now {incident.state}"
    text, failing = _in_detail(incident, scene), _failing(incident)
    if not text:
        of = "" if check is None or port_of(check) else f" ({check.id.check})"
        said = title + of + still, phrase(incident.reason, check), how and f"({how})", since
        return " ".join(filter(None, said)) + failing
    return f"{title}{_name(check, text)}{still}: {text} ({', '.join(filter(None, (how, since)))}){failing}"


def _failing(incident: Incident) -> str:
    """The members that are in trouble, if they are more than one."""
    names = [problem.check.check for problem in incident.in_trouble]
    return f"; {len(names)} checks fail: {named(names)}" if len(names) > 1 else ""


def _checks(incident: Incident) -> str:
    """The names of its checks, where the node is clear."""
    return named(check.check for check in incident.members)


def _name(check: Check | None, text: str) -> str:
    """The check's name, where it says more than its kind, and what is said does not begin with it."""
    if check is None or check.id.check == check.probe.kind or text.startswith(f"{check.id.check}: "):
        return ""
    return f", {check.id.check}"


def _blind(incident: Incident, event: Event, scene: Scene) -> str:
    names, since = named(map(str, incident.members)), _clock(incident.since, scene)
    what = (len(incident.members) == 1 and _in_detail(incident, scene)) or phrase(incident.reason)
    if event is Event.WITHDRAWN:
        return f"{names}: no longer monitored; the incident, open since {since}, is withdrawn"
    if event is Event.CLOSED:
        return f"{names}: the incident, open since {since}, was closed by hand; the monitor still has no valid result"
    if event is Event.RESOLVED:
        return f"{names}: measured again, or not measured for another reason (not measured since {since}: {what})"
    if event is Event.CHANGED:
        latest = named(map(str, reversed(incident.members)))
        return (
            f"The monitor has no valid result from {len(incident.members)} checks now, {latest}: {what} (the first "
            f"since {since})"
        )
    return f"The monitor has had no valid result from {names} since {since}: {what}"


def _in_detail(incident: Incident, scene: Scene) -> str:
    """What is wrong, by the detail, where the reason's own words are too general; shortened to fit one sentence."""
    detail = incident.detail
    if not explained_by_detail(incident.reason, kind_of(incident, scene.checks), incident.phase):
        return ""
    return detail if len(detail) <= GIST else detail[: GIST - 1] + "…"


def _beside(incident: Incident, event: Event, still_ok: list[str], also_failing: list[str]) -> str:
    """What still works helps to distinguish a dead archive from a full one; what still fails, that it is not over."""
    if incident.kind is not IncidentKind.NODE:
        return ""
    match event:
        case Event.OPENED | Event.REMINDED | Event.ESCALATED if still_ok:
            return f"; {named(map(_check, still_ok))} still {'answers' if len(still_ok) == 1 else 'answer'}"
        case Event.RESOLVED if also_failing:
            return f"; {named(map(_check, also_failing))} still {'fails' if len(also_failing) == 1 else 'fail'}"
    return ""


def _check(identity: str) -> str:
    """The check's own name, where the node is clear."""
    return identity.partition("/")[2]


def named(names: Iterable[str]) -> str:
    """Three, and how many more."""
    every = list(names)
    more = len(every) - 3
    return ", ".join(every[:3]) + (f" and {more} more" if more > 0 else "")


def _clock(at: Micros, scene: Scene) -> str:
    return moment(at, ZoneInfo(scene.monitor.timezone), scene.now)


def kind_of(incident: Incident, checks: Mapping[CheckId, Check]) -> str | None:
    """The one probe kind of its members."""
    kinds = {checks[member].probe.kind for member in incident.members if member in checks}
    return kinds.pop() if len(kinds) == 1 else None
