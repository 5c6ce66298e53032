"""How long a page waits for fresh results that may make it needless: of a parent, a site, the node itself."""

from __future__ import annotations

from collections.abc import Iterator

from pacs_monitor.alerting.causes import class_of
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import BEHIND_PARENT, SECOND, CheckId, FailureClass, Incident, IncidentKind, Micros

SUSPECT_FOR = 60 * SECOND
"""How long pages about a site wait for the answers of its nodes."""


def held_until(turn: Turn, incident: Incident) -> Micros:
    """Until when a page waits, unless what it waits for comes before; 0 if it waits for nothing."""
    if incident.kind is IncidentKind.GROUP:
        return _suspected_until(turn, incident.cause)
    if incident.kind is not IncidentKind.NODE:
        return 0
    waits = [turn.now.asked[check].until for check in _awaited(turn, incident) if check in turn.now.asked]
    if class_of(incident.cause) is FailureClass.UNREACHABLE:
        waits.append(_suspected_until(turn, turn.rules.site(incident.members[0].node)))
    return max(waits, default=0)


def _suspected_until(turn: Turn, name: str) -> Micros:
    """While there is a group, nodes that come back one after the other hold up nothing any longer."""
    site, group = turn.now.sites.get(name), turn.owner((IncidentKind.GROUP, name))
    until = 0 if site is None else site.suspect_until
    return until if group is None else min(until, group.incident.noticed + SUSPECT_FOR)


def _awaited(turn: Turn, incident: Incident) -> Iterator[CheckId]:
    """The checks of which a fresh result may make this page needless."""
    wrong = incident.in_trouble
    yield from (problem.check for problem in wrong)
    if wrong and all(problem.reason in BEHIND_PARENT for problem in wrong):
        for parent in turn.rules.parent_nodes(wrong[0].check.node):
            if (check := turn.rules.reachability.get(parent)) is not None:
                yield check
