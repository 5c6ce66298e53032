"""The `data` of a notification (schema 1), which channels render, and its one-sentence summary.

None of it comes from patient data; `detail` is the probe's own sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor import states
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import duration, moment
from pacs_monitor.messages import group, own
from pacs_monitor.messages import summary as summary_of
from pacs_monitor.messages.next_steps import explained_by_detail, next_step
from pacs_monitor.messages.reasons import phrase, port_of
from pacs_monitor.messages.words import acknowledged
from pacs_monitor.model import (
    SECOND,
    TROUBLE,
    Check,
    CheckId,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Node,
    Outcome,
    Reason,
    Standing,
    State,
    iso,
)

SCHEMA = 1
NEVER_WORKED = "; this check has never worked with its present settings: is it configured correctly?"
CHECK_SETTINGS = "Compare host, port and AE titles in the monitor's configuration with the system's own settings. "
"""Comes before the step that goes with the reason."""
GIST = 200
"""How many characters of a detail a summary includes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a message is written from, beside the incident."""

    name: str
    """The monitor's, as the history was opened with: part of every dedup_key, so a reload does not change it."""
    monitor: MonitorSettings
    checks: Mapping[CheckId, Check]
    """Including those removed from the configuration."""
    standings: Mapping[str, Mapping[CheckId, Standing]]
    """Node → where each of its checks stands."""
    now: Micros
    latest: Mapping[CheckId, Outcome] = field(default_factory=dict)
    """The latest result of each check."""
    unproven: Set[CheckId] = frozenset()
    """Checks that have never worked with their present configuration."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people call a site, where it has a title."""


def data(
    incident: Incident,
    event: Event,
    scene: Scene,
    behind: Sequence[str] = (),
    overran: tuple[str, Micros] | None = None,
) -> dict[str, Any]:
    """Everything that a channel may render; `behind` are the checks that a dead parent explains.

    `overran` is the maintenance, and when it has ended, that it still fails after.
    """
    if incident.kind is IncidentKind.GROUP:
        return group.data(incident, event, scene.name, scene.monitor, scene.now, titles=scene.titles)
    if incident.kind is IncidentKind.SUMMARY:
        return summary_of.data(incident, scene.name, scene.monitor, scene.now)
    check_id = _speaking(incident)
    check = None if check_id is None else scene.checks.get(check_id)
    still_ok, also_failing = _siblings(incident, scene)
    unproven = has_never_worked(incident, scene.unproven)
    incident, reason = replace(incident, detail=_detail(incident, event, scene)), incident.reason
    return {
        "schema": SCHEMA,
        "monitor": scene.name,
        "kind": incident.kind.value,
        "incident": incident.id,
        "dedup_key": f"{scene.name}/{incident.id}",
        "node": check_id and check_id.node,
        "title": _title(incident, scene),
        "check": check_id and check_id.check,
        "probe": check.probe.kind if check else None,
        **_trouble_is(incident),
        "summary": _summary(incident, event, check, scene)
        + _overran(overran, scene)
        + _said(incident, event, scene)
        + _flapping(incident)
        + _beside(incident, event, still_ok, [*also_failing, *behind])
        + (NEVER_WORKED if unproven else ""),
        "detail": incident.detail,
        "unproven": unproven,
        "next_step": advice(incident, scene.checks, scene.unproven),
        "last_good": None if incident.last_good is None else iso(incident.last_good),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "resolved": iso(incident.ended) if incident.ended and incident.ending is Ending.RESOLVED else None,
        "members": [str(member) for member in incident.members],
        "problems": _problems(incident),
        "page": 1,
        "worse": False,
        "flags": flags(incident),
        "linked": list(incident.linked),
        "public_note": incident.public_note.text if incident.public_note else "",
        "acknowledged": acknowledged(incident.acknowledgement),
        "maintenance_ended": None if overran is None else {"name": overran[0], "at": iso(overran[1])},
        "also_failing": [*also_failing, *behind],
        "still_ok": still_ok,
        "runbook": runbook(scene.monitor, reason or incident.kind),
        "url": f"{scene.monitor.url}/incidents/{incident.id}",
        "unrecorded": False,
        **_of_the_node(None if check is None else check.node),
    }


def _trouble_is(incident: Incident) -> dict[str, Any]:
    """How bad it is, and why."""
    return {
        "severity": incident.severity.value,
        "state": incident.state.value,
        "reason": incident.reason and incident.reason.value,
        "blame": incident.reason and incident.reason.blame.value,
        "phase": incident.phase and incident.phase.value,
    }


def flags(incident: Incident) -> list[str]:
    """What else is to be known of an incident; `flapping`: it stays open over its recoveries."""
    return ["flapping"] if incident.is_flapping and incident.ended is None else []


def _of_the_node(node: Node | None) -> dict[str, Any]:
    """What the configuration says of a node; it may have left it."""
    return {
        "site": node.site if node else "",
        "role": node.role if node else "",
        "impact": node.impact if node else "",
        "support": dict(node.support) if node else {},
        "labels": dict(node.labels) if node else {},
    }


def _problems(incident: Incident) -> list[dict[str, Any]]:
    """Its members that are still in it."""
    return [
        {
            "check": str(problem.check),
            "state": problem.state.value,
            "severity": problem.severity.value,
            "reason": problem.reason and problem.reason.value,
            "since": iso(problem.since),
            "flapping": problem.is_flapping,
        }
        for problem in incident.active
    ]


def _speaking(incident: Incident) -> CheckId | None:
    """The worst member; the first, once all have left."""
    if incident.worst is not None:
        return incident.worst.check
    return incident.members[0] if incident.members else None


def summary(incident: Incident, scene: Scene) -> str:
    """One sentence about an incident as it is now, or how it ended."""
    if incident.ending is Ending.MERGED:
        return f"{_title(incident, scene)}: part of another incident of the same cause; nobody was notified of this one"
    ends = {Ending.RESOLVED: Event.RESOLVED, Ending.WITHDRAWN: Event.WITHDRAWN, Ending.CLOSED: Event.CLOSED}
    said: str = data(incident, Event.OPENED if incident.ending is None else ends[incident.ending], scene)["summary"]
    return said


def runbook(monitor: MonitorSettings, topic: Reason | IncidentKind) -> str:
    """The runbook entry of a reason, or of a kind of incident that has none."""
    return f"{monitor.url}/docs/operations#{topic.value}"


def advice(incident: Incident, checks: Mapping[CheckId, Check], unproven: Set[CheckId] = frozenset()) -> str:
    """What to check first; nothing once it is over."""
    if incident.ended:
        return ""
    first = CHECK_SETTINGS if has_never_worked(incident, unproven) else ""
    return first + next_step(incident.reason, _kind(incident, checks), incident.phase)


def has_never_worked(incident: Incident, unproven: Set[CheckId]) -> bool:
    """A node's trouble that nobody has ever seen otherwise, so that the monitor's configuration may be the cause."""
    return incident.kind is IncidentKind.NODE and not incident.ended and not unproven.isdisjoint(incident.members)


def _kind(incident: Incident, checks: Mapping[CheckId, Check]) -> str | None:
    """The one probe kind of its members."""
    kinds = {checks[member].probe.kind for member in incident.members if member in checks}
    return kinds.pop() if len(kinds) == 1 else None


def _detail(incident: Incident, event: Event, scene: Scene) -> str:
    """As it was noticed; a reminder has today's figures, if the trouble is the same."""
    check = _speaking(incident)
    latest = None if check is None else scene.latest.get(check)
    if event is Event.REMINDED and latest is not None and latest.reason is incident.reason:
        return latest.detail
    return incident.detail


def _siblings(incident: Incident, scene: Scene) -> tuple[list[str], list[str]]:
    """Checks of the same nodes that answer, and that are in trouble too."""
    others = {
        check: standing
        for node in {member.node for member in incident.members}
        for check, standing in scene.standings.get(node, {}).items()
        if check not in incident.members
    }
    still_ok = sorted(str(check) for check, standing in others.items() if _answers(standing, incident.since))
    return still_ok, sorted(str(check) for check, standing in others.items() if standing.state in TROUBLE)


def _answers(standing: Standing, since: Micros) -> bool:
    """Up, about to be nothing else, and asked after the trouble began: an older answer proves nothing."""
    asked = standing.last is not None and standing.last >= since
    return asked and standing.state is State.UP and states.leaning(standing) is None


def _title(incident: Incident, scene: Scene) -> str:
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
    """Who has acknowledged it."""
    said = incident.acknowledgement
    if event is not Event.ACKNOWLEDGED or said is None:
        return ""
    why, ticket = f": {said.why}" if said.why else "", f" (ticket {said.ticket})" if said.ticket else ""
    return f"; acknowledged by {said.by} until {_clock(said.until, scene)}{why}{ticket}"


def _overran(overran: tuple[str, Micros] | None, scene: Scene) -> str:
    """It is a page because its maintenance is over."""
    return "" if overran is None else f"; its maintenance '{overran[0]}' ended at {_clock(overran[1], scene)}"


def _node(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    title, since = _title(incident, scene), _clock(incident.since, scene)
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
    title, since = _title(incident, scene), _clock(incident.since, scene)
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
    title, since = _title(incident, scene), f"since {_clock(incident.since, scene)}"
    still = " still" if event is Event.REMINDED else ""
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
    if not explained_by_detail(incident.reason, _kind(incident, scene.checks), incident.phase):
        return ""
    return detail if len(detail) <= GIST else detail[: GIST - 1] + "…"


def _beside(incident: Incident, event: Event, still_ok: list[str], also_failing: list[str]) -> str:
    """What still works helps to distinguish a dead archive from a full one; what still fails, that it is not over."""
    if incident.kind is not IncidentKind.NODE:
        return ""
    match event:
        case Event.OPENED | Event.REMINDED if still_ok:
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
