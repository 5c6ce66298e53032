"""Nodes of a site that become unreachable together are one group.

Theory of operation. A node is unreachable when its reachability check is down by a failure to connect and no dead
parent explains it; while the link to the site is down, a parent within the site explains nothing. Two of one site make
the site suspect: all others are asked at once, and pages about unreachable nodes there wait for the answers,
SUSPECT_FOR at most. At least LEAST nodes, and more than half of those of which anything is known, are a group: it is
notified of instead of them. While it lasts, each node that comes back has the others asked at once; when half of them
are back and all have answered, it ends, and what is still dead pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from immutables import Map

from pacs_monitor.alerting import groups, operators
from pacs_monitor.alerting.causes import class_of
from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.holds import SUSPECT_FOR
from pacs_monitor.alerting.parents import dead_parents
from pacs_monitor.alerting.situation import Site, Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.vanished import VANISH_WITHIN, at_rest, end_vanished, vanish
from pacs_monitor.model import (
    BEHIND_PARENT,
    TROUBLE,
    VANISHED_FROM,
    CheckId,
    Ending,
    FailureClass,
    Incident,
    IncidentKind,
    Micros,
    State,
)

SUSPECT = 2
LEAST = 3


def transitioned(turn: Turn, check: CheckId, before: State) -> None:
    """A check changed its state: what does that make of its site?"""
    node, name = check.node, turn.rules.site(check.node)
    if turn.rules.reachability.get(node) != check:
        group = turn.owner((IncidentKind.GROUP, name))
        if group is not None and node in turn.now.sites[name].unreachable:
            turn.touch([group.incident.id])  # it may be worse by that
        return
    nodes = [one for one in (node, *turn.rules.children.get(node, ())) if _is_counted(turn, one)]
    was_lost = node in turn.now.sites.get(name, Site()).unreachable
    for one in nodes:
        _count(turn, one)
    if not was_lost and node in turn.now.sites.get(name, Site()).unreachable:
        _suspect(turn, name)
    if name:
        vanish(turn, name, check)
    for site in dict.fromkeys(map(turn.rules.site, nodes)):
        _judge(turn, site)
    if before is State.DOWN:
        _look_at_the_rest(turn, name)


def measured(turn: Turn, check: CheckId) -> None:
    """A check that was asked for a fresh result has one."""
    name = turn.rules.site(check.node)
    site = turn.now.sites.get(name)
    if site is None or check not in site.awaited:
        return
    site = replace(site, awaited=site.awaited.delete(check))
    turn.put(sites=(name, site))
    if not site.awaited:
        _suspect_until(turn, name, min(site.suspect_until, turn.at))
        groups.touch_all(turn, name)
        _judge(turn, name)


def looked_at(turn: Turn, subject: Subject) -> Subject | None:
    """A group whose time may have come, due when the first of its members would page; None when it has ended."""
    if subject.incident.kind is not IncidentKind.GROUP:
        return subject
    name = subject.incident.cause.removeprefix(VANISHED_FROM)
    _judge(turn, name)
    group = turn.subject(subject.incident.id)
    if group is None:
        return None
    vanished = group.incident.cause != name
    due = group.incident.since + VANISH_WITHIN if vanished else max(group.incident.noticed, groups.due(turn, name))
    return turn.remember(replace(group, due=due))


def group_of(turn: Turn, incident: Incident) -> Subject | None:
    """The open group that an incident of kind node is part of."""
    if class_of(incident.cause) is not FailureClass.UNREACHABLE or incident.state not in TROUBLE:
        return None
    node = incident.members[0].node
    name = turn.rules.site(node)
    site = turn.now.sites.get(name)
    if site is None or node not in site.unreachable:
        return None
    return turn.owner((IncidentKind.GROUP, name))


def maintained(turn: Turn, checks: Iterable[CheckId]) -> None:
    """Maintenance of these has begun or ended: meanwhile their nodes count on neither side."""
    nodes = [check.node for check in checks if turn.rules.reachability.get(check.node) == check]
    nodes = [node for node in nodes if _is_counted(turn, node)]
    for node in nodes:
        _count(turn, node)
    for site in dict.fromkeys(map(turn.rules.site, nodes)):
        _judge(turn, site)


def _is_still_lost(turn: Turn, name: str, site: Site) -> bool:
    """Whether a group goes on when the nodes of it count that are in maintenance by now: it was told."""
    covered = [turn.rules.reachability[node] for node in turn.rules.site_nodes.get(name, ())]
    standings = [turn.now.standings.get(check) for check in covered if check in turn.now.covered]
    lost = len(site.unreachable) + sum(one is not None and one.cannot_connect for one in standings)
    known = sum(one is None or one.state not in (State.ABSENT, State.UNKNOWN) for one in standings)
    watched = len(covered) - len(site.uncounted) + known
    return len(standings) > 0 and lost >= LEAST and 2 * lost > watched


def look_into(turn: Turn, name: str, checks: Sequence[CheckId]) -> None:
    """The link to a site failed or works again: have these answer, and see what the site is like."""
    _ask(turn, name, checks)
    for node in turn.rules.site_nodes.get(name, ()):
        _count(turn, node)
    _judge(turn, name)
    groups.touch_all(turn, name)


def recount(turn: Turn) -> None:
    """A reload may have moved nodes to other sites, or taken them away; who was asked still is."""
    for name, site in list(turn.now.sites.items()):
        _recounted(turn, name, site)
    for nodes in turn.rules.site_nodes.values():
        for node in nodes:
            _count(turn, node)
    for group in turn.of(IncidentKind.GROUP):
        turn.touch([group.incident.id])


def _recounted(turn: Turn, name: str, site: Site) -> None:
    """Only what was asked and what vanished is left of it, as far as it still belongs to it."""
    here = {check for check in (*site.awaited, *(check for _, check in site.vanished)) if check in turn.rules.checks}
    here = {check for check in here if turn.rules.site(check.node) == name}
    awaited: Map[CheckId, None] = Map(
        [(check, None) for check in site.awaited if check in here and check in turn.now.asked]
    )
    vanished = tuple(one for one in site.vanished if one[1] in here)
    for _, check in set(site.vanished) - set(vanished):
        turn.note("vanished", str(check), None)
    turn.put(sites=(name, Site(suspect_until=site.suspect_until, awaited=awaited, vanished=vanished, cut=site.cut)))
    if site.awaited and not awaited:
        _suspect_until(turn, name, min(site.suspect_until, turn.at))


def _suspect_until(turn: Turn, name: str, until: Micros) -> None:
    turn.put(sites=(name, replace(turn.now.sites[name], suspect_until=until)))
    turn.note("site", name, {"suspect_until": until})


def _is_counted(turn: Turn, node: str) -> bool:
    """Whether it is watched, and belongs to a site."""
    return bool(turn.rules.site(node)) and node in turn.rules.reachability


def _count(turn: Turn, node: str) -> None:
    """Where a node stands among the nodes of its site."""
    name, check = turn.rules.site(node), turn.rules.reachability[node]
    site = turn.now.sites.get(name, Site())
    standing = turn.now.standings.get(check)
    unreachable, uncounted = site.unreachable, site.uncounted
    is_out = standing is not None and standing.state in (State.ABSENT, State.UNKNOWN)
    is_lost = standing is not None and standing.cannot_connect
    if check in turn.now.covered:
        is_out, is_lost = True, False
    if is_lost and standing is not None and standing.reason in BEHIND_PARENT and _is_excused(turn, node, site):
        is_out, is_lost = True, False
    if is_lost and standing is not None:
        unreachable = unreachable.set(node, standing.since)
    elif node in unreachable:
        unreachable = unreachable.delete(node)
    if is_out:
        uncounted = uncounted.set(node, None)
    elif node in uncounted:
        uncounted = uncounted.delete(node)
    if (unreachable, uncounted) != (site.unreachable, site.uncounted):
        turn.put(sites=(name, replace(site, unreachable=unreachable, uncounted=uncounted)))


def _is_excused(turn: Turn, node: str, site: Site) -> bool:
    """Whether dead parents explain it that are not lost in the same way."""
    dead, name = dead_parents(turn, node), turn.rules.site(node)
    return bool(dead) and (site.cut is None or all(turn.rules.site(parent) != name for parent in dead))


def _judge(turn: Turn, name: str) -> None:
    """Suspect, group, or the end of one."""
    site = turn.now.sites.get(name, Site())
    group, vanished = turn.owner((IncidentKind.GROUP, name)), turn.owner((IncidentKind.GROUP, VANISHED_FROM + name))
    if vanished is not None:
        end_vanished(turn, vanished)
    watched = len(turn.rules.site_nodes.get(name, ())) - len(site.uncounted)
    lost = len(site.unreachable)
    together = lost >= LEAST and 2 * lost > watched
    if group is None:
        if together:
            groups.begin(turn, name)
    elif together or _is_still_lost(turn, name, site):
        groups.extend(turn, group, name)
    elif not site.awaited or turn.at >= site.suspect_until:
        operators.group_over(turn, group.incident)
        end(turn, at_rest(group), Ending.RESOLVED if watched else Ending.WITHDRAWN, turn.at)
        groups.touch_all(turn, name)
    else:
        turn.wake(group.incident.id, site.suspect_until)


def _suspect(turn: Turn, name: str) -> None:
    """One more node was lost. If it is not the only one, ask all that may be, too; pages there wait.

    Not again within SUSPECT_FOR of the last time.
    """
    site = turn.now.sites[name]
    if len(site.unreachable) < SUSPECT or len(turn.rules.site_nodes[name]) < LEAST:
        return
    if site.suspect_until and turn.at < site.suspect_until + SUSPECT_FOR:
        return
    checks = [turn.rules.reachability[node] for node in turn.rules.site_nodes[name] if node not in site.unreachable]
    _ask(turn, name, checks)


def _look_at_the_rest(turn: Turn, name: str) -> None:
    """One came back: have the others asked at once."""
    site = turn.now.sites.get(name)
    if site is not None and site.unreachable and turn.owner((IncidentKind.GROUP, name)) is not None:
        _ask(turn, name, [turn.rules.reachability[node] for node in site.unreachable])


def _ask(turn: Turn, name: str, checks: Sequence[CheckId]) -> None:
    site, until = turn.now.sites[name], turn.at + SUSPECT_FOR
    awaited = site.awaited
    for check in checks:
        turn.ask(check, until, site=name)
        awaited = awaited.set(check, None)
    turn.put(sites=(name, replace(site, awaited=awaited)))
    _suspect_until(turn, name, until if awaited else turn.at)
    groups.touch_all(turn, name)
