"""The `data` of a notification (schema 1), which channels render, and its one-sentence summary.

None of it comes from patient data; `detail` is the probe's own sentence.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor import states
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.language import N_, _
from pacs_monitor.messages import changes, group
from pacs_monitor.messages import summary as summary_of
from pacs_monitor.messages.affected import affected
from pacs_monitor.messages.findings import finding
from pacs_monitor.messages.next_steps import next_step
from pacs_monitor.messages.reasons import phrase
from pacs_monitor.messages.scene import Scene
from pacs_monitor.messages.sentences import kind_of, sentence, title_of
from pacs_monitor.messages.words import acknowledged
from pacs_monitor.model import (
    TROUBLE,
    Blame,
    CheckId,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Node,
    Reason,
    Standing,
    State,
    dedup_key,
    iso,
)

SCHEMA = 1
NEVER_WORKED = N_("; this check has never worked with its present settings: is it configured correctly?")
CHECK_SETTINGS = N_("Compare host, port and AE titles in the monitor's configuration with the system's own settings.")
"""Comes before the step that goes with the reason."""


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
    also_failing = [*also_failing, *behind]
    said = sentence(incident, event, check, scene, overran=overran, still_ok=still_ok, also_failing=also_failing)
    return {
        "schema": SCHEMA,
        "monitor": scene.name,
        "kind": incident.kind.value,
        "incident": incident.id,
        "dedup_key": dedup_key(scene.name, incident.id),
        "node": check_id and check_id.node,
        "title": title_of(incident, scene),
        "check": check_id and check_id.check,
        "probe": check.probe.kind if check else None,
        **_trouble_is(incident),
        "summary": said + (_(NEVER_WORKED) if unproven else ""),
        "detail": finding(incident.detail) or incident.detail,
        "points_to": points_to(incident, scene),
        "unproven": unproven,
        "next_step": advice(incident, scene),
        **_times(incident),
        "members": [str(member) for member in incident.members],
        "problems": _problems(incident),
        "page": 1,
        "worse": False,
        "flags": flags(incident),
        "linked": list(incident.linked),
        "public_note": incident.public_note.text if incident.public_note else "",
        "acknowledged": acknowledged(incident.acknowledgement),
        "maintenance_ended": None if overran is None else {"name": overran[0], "at": iso(overran[1])},
        "also_failing": also_failing,
        "still_ok": still_ok,
        "services": affected(incident, scene, behind),
        "last_changes": _last_changes(incident, scene),
        "runbook": runbook(scene.monitor, reason or incident.kind),
        "url": scene.monitor.link(f"/incidents/{incident.id}"),
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
        "why": why(incident),
    }


def _times(incident: Incident) -> dict[str, str | None]:
    return {
        "last_good": None if incident.last_good is None else iso(incident.last_good),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "resolved": iso(incident.ended) if incident.ended and incident.ending is Ending.RESOLVED else None,
        "ended": None if incident.ended is None else iso(incident.ended),
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
        "downtime_procedure": node.downtime_procedure if node else "",
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
        title = title_of(incident, scene)
        return _("{title}: part of another incident of the same cause; nobody was notified of this one", title=title)
    ends = {Ending.RESOLVED: Event.RESOLVED, Ending.WITHDRAWN: Event.WITHDRAWN, Ending.CLOSED: Event.CLOSED}
    said: str = data(incident, Event.OPENED if incident.ending is None else ends[incident.ending], scene)["summary"]
    return said


def runbook(monitor: MonitorSettings, topic: Reason | IncidentKind) -> str:
    """The runbook entry of a reason, or of a kind of incident that has none."""
    return monitor.link(f"/docs/operations#{topic.value}")


def advice(incident: Incident, scene: Scene) -> str:
    """What to check first; nothing once it is over."""
    if incident.ended:
        return ""
    if incident.kind is IncidentKind.GROUP:
        return group.next_step(incident, scene.titles)
    if incident.kind is IncidentKind.SUMMARY:
        return _(summary_of.NEXT_STEP)
    first = _(CHECK_SETTINGS) if has_never_worked(incident, scene.unproven) else ""
    return " ".join(filter(None, (first, next_step(incident.reason, kind_of(incident, scene.checks), incident.phase))))


def has_never_worked(incident: Incident, unproven: Set[CheckId]) -> bool:
    """A node's trouble that nobody has ever seen otherwise, so that the monitor's configuration may be the cause.

    One check of it that has worked shows that it is the system: then its service is looked at first.
    """
    return incident.kind is IncidentKind.NODE and not incident.ended and unproven >= set(incident.members)


def _detail(incident: Incident, event: Event, scene: Scene) -> str:
    """As it was noticed; a reminder and an escalation have today's figures, if the trouble is the same."""
    check = _speaking(incident)
    latest = None if check is None else scene.latest.get(check)
    if event in (Event.REMINDED, Event.ESCALATED) and latest is not None and latest.reason is incident.reason:
        return latest.detail
    return incident.detail


def why(incident: Incident) -> str:
    """The reason in words that name no address and no title."""
    return phrase(incident.reason) if incident.reason and not incident.ended else ""


def points_to(incident: Incident, scene: Scene) -> str:
    """Where the reason says that the cause is; what it cannot say, it does not."""
    if incident.reason is None or incident.ended or incident.kind is not IncidentKind.NODE:
        return ""
    title = title_of(incident, scene)
    match incident.reason.blame:
        case Blame.NODE:
            return _("{title} itself", title=title)
        case Blame.NETWORK if _siblings(incident, scene)[0]:  # it is not off: another check of it works
            return _("the network between the monitor and {title}", title=title)
        case Blame.NETWORK:
            return _("the network between the monitor and {title}, or {title} is off", title=title)
        case _:
            return _("the monitor, or its registration at {title}", title=title)


def _last_changes(incident: Incident, scene: Scene) -> list[dict[str, Any]]:
    """At its nodes; nothing once it is over."""
    nodes = dict.fromkeys(member.node for member in incident.members)
    if incident.ended or incident.kind is not IncidentKind.NODE:
        return []
    found = (one for node in nodes for one in scene.changes.get(node, ()))
    return changes.data(found, ZoneInfo(scene.monitor.timezone), scene.now)


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
