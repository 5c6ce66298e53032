"""Intermittent nodes of one site that become absent within minutes: a group of its own, and a warning."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.situation import Site, Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import SECOND, VANISHED_FROM, CheckId, Ending, Incident, IncidentKind, Micros, Severity, State

VANISH_WITHIN = 120 * SECOND
VANISHED = 5


def vanish(turn: Turn, name: str, check: CheckId) -> None:
    """Many intermittent nodes that become absent within minutes were not all switched off by hand."""
    site = turn.now.sites.get(name, Site())
    if not is_absent(turn, check):
        return
    recent = tuple(one for one in site.vanished if one[0] > turn.at - VANISH_WITHIN and one[1] != check)
    for _, gone in set(site.vanished) - set(recent):
        turn.note("vanished", str(gone), None)
    recent = tuple(sorted((*recent, (turn.at, check))))
    turn.note("vanished", str(check), {"site": name, "at": turn.at})
    turn.put(sites=(name, replace(site, vanished=recent)))
    group = turn.owner((IncidentKind.GROUP, VANISHED_FROM + name))
    members = tuple(sorted(one for _, one in recent))
    if group is not None:
        every = tuple(dict.fromkeys((*group.incident.members, *members)))
        if every != group.incident.members:
            turn.keep(replace(group, incident=group.incident.changed(members=every)))
    elif len(recent) >= VANISHED:
        _open(turn, name, members, since=min(moment for moment, _ in recent))


def forget(turn: Turn, group: Incident) -> None:
    """Somebody has closed it: whoever vanished with it opens no other."""
    name = group.cause.removeprefix(VANISHED_FROM)
    site = turn.now.sites.get(name, Site())
    for _, check in site.vanished:
        turn.note("vanished", str(check), None)
    turn.put(sites=(name, replace(site, vanished=())))


def keep_vanished(turn: Turn, name: str, site: Site) -> None:
    """Remember over a restart who vanished when."""
    for moment, check in site.vanished:
        turn.note("vanished", str(check), {"site": name, "at": moment})


def end_vanished(turn: Turn, group: Subject) -> None:
    """Over when half of them are back, or known to be something else."""
    gone = [check for check in group.incident.members if is_absent(turn, check)]
    if 2 * len(gone) <= len(group.incident.members):
        end(turn, at_rest(group), Ending.RESOLVED, turn.at)


def at_rest(group: Subject) -> Subject:
    """The group as it ends."""
    return replace(group, incident=group.incident.changed(state=State.UP))


def is_absent(turn: Turn, check: CheckId) -> bool:
    standing = turn.now.standings.get(check)
    return standing is not None and standing.state is State.ABSENT


def _open(turn: Turn, name: str, members: tuple[CheckId, ...], since: Micros) -> None:
    cause, identity = VANISHED_FROM + name, turn.identity()
    severity, state = Severity.WARNING, State.ABSENT
    incident = Incident(
        identity, IncidentKind.GROUP, cause, severity, state, None, None, "", None, since, turn.at, members
    )
    turn.own((IncidentKind.GROUP, cause), identity)
    turn.keep(Subject(incident, since + VANISH_WITHIN))
