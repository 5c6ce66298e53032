"""The incident of kind group that stands for the unreachable nodes of a site."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import operators
from pacs_monitor.alerting.causes import class_of, worst_severity
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import VANISHED_FROM, FailureClass, Incident, IncidentKind, Micros, Severity, State


def begin(turn: Turn, name: str) -> None:
    """The nodes of a site that are unreachable now are one group."""
    site = turn.now.sites[name]
    members = tuple(turn.rules.reachability[node] for node in sorted(site.unreachable))
    began = min((incident.since for incident in _untold(turn, name)), default=min(site.unreachable.values()))
    since = began if site.cut is None else site.cut
    severity, detail, identity = _severity(turn, name), _detail(turn, name), turn.identity()
    incident = Incident(
        identity, IncidentKind.GROUP, name, severity, State.DOWN, None, None, detail, None, since, turn.at, members
    )
    incident = _with_its_incidents(turn, incident, name)
    turn.own((IncidentKind.GROUP, name), identity)
    turn.keep(Subject(incident, turn.at))
    touch_all(turn, name)


def extend(turn: Turn, group: Subject, name: str) -> None:
    """Nodes that joined it, and what else is known of it now."""
    site, incident = turn.now.sites[name], group.incident
    joined = [turn.rules.reachability[node] for node in sorted(site.unreachable)]
    members = tuple(dict.fromkeys((*incident.members, *joined)))
    severity = worst_severity((incident.severity, _severity(turn, name)), incident.severity)
    as_it_is = replace(incident, members=members, severity=severity, detail=_detail(turn, name))
    extended = _with_its_incidents(turn, as_it_is, name)
    if extended != incident:
        turn.keep(replace(group, incident=extended.changed()))


def _with_its_incidents(turn: Turn, group: Incident, name: str) -> Incident:
    """The group, linked to the incidents that it stands for; each of them knows its group."""
    incidents = _incidents(turn, name)
    for incident in incidents:
        if incident.group != group.id:
            subject = turn.keep(replace(turn.now.subjects[incident.id], incident=incident.changed(group=group.id)))
            operators.joined(turn, subject, group)
    return replace(group, linked=tuple(dict.fromkeys((*group.linked, *(incident.id for incident in incidents)))))


def _detail(turn: Turn, name: str) -> str:
    """Where the fault is, if the link to the site is down."""
    if turn.now.sites[name].cut is None:
        return ""
    return f"{turn.rules.title(name)} cannot be reached from {turn.rules.title(turn.rules.own_site)}"


def _severity(turn: Turn, name: str) -> Severity:
    """The worst of the incidents that it stands for."""
    return worst_severity((incident.severity for incident in _incidents(turn, name)), Severity.WARNING)


def due(turn: Turn, name: str) -> Micros:
    """When the first of its members would page."""
    dues = [p.due for incident in _untold(turn, name) for p in incident.active]
    return min(dues, default=turn.at)


def _untold(turn: Turn, name: str) -> list[Incident]:
    """Those of which nobody was notified: what was dead before is not lost with the others."""
    return [incident for incident in _incidents(turn, name) if not turn.now.subjects[incident.id].notified]


def _incidents(turn: Turn, name: str) -> list[Incident]:
    """Those of its unreachable nodes."""
    incidents = [
        turn.now.subjects[identity].incident
        for node in turn.now.sites[name].unreachable
        for identity in turn.now.by_node.get(node, frozenset())
    ]
    return [incident for incident in incidents if class_of(incident.cause) is FailureClass.UNREACHABLE]


def touch_all(turn: Turn, name: str) -> None:
    """Look at the groups of a site and at the incidents of all its nodes: whatever may not be reachable there waits."""
    for node in turn.rules.site_nodes.get(name, ()):
        if node in turn.now.by_node:
            turn.touch(sorted(turn.now.by_node[node]))
    for cause in (name, VANISHED_FROM + name):
        if (group := turn.owner((IncidentKind.GROUP, cause))) is not None:
            turn.touch([group.incident.id])
