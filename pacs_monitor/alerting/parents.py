"""Network parents: what a dead one explains, and what is looked at when it dies or comes back.

A parent explains only failures that a dead path causes: a refusal or a reset proves that the path works. Its children
keep incidents of their own, suppressed, so that what outlasts the parent pages then. A site that cannot be reached from
ours explains the same failures to the report, and suppresses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pacs_monitor.alerting.situation import Behind
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import (
    BEHIND_PARENT,
    SECOND,
    TROUBLE,
    Check,
    CheckId,
    Incident,
    IncidentKind,
    Micros,
    Problem,
    Transition,
    Unreachable,
)


def is_dead(turn: Turn, node: str) -> bool:
    """Whether its reachability check is down by a failure to connect."""
    check = turn.rules.reachability.get(node)
    standing = None if check is None else turn.now.standings.get(check)
    return standing is not None and standing.cannot_connect


def dead_parents(turn: Turn, node: str) -> tuple[str, ...]:
    """The parents that cut a node off: of an entry with `any`, all of them."""
    for entry in turn.rules.parents(node):
        if entry and all(is_dead(turn, parent) for parent in entry):
            return entry
    return ()


def explained_by(turn: Turn, incident: Incident) -> tuple[str, ...]:
    """The dead parents that explain all that is wrong with an incident of kind node, if they do."""
    wrong = incident.in_trouble
    if not wrong or not all(p.reason in BEHIND_PARENT for p in wrong):
        return ()
    return dead_parents(turn, wrong[0].check.node)


def child_failed(turn: Turn, problem: Problem) -> None:
    """A check failed in a way that a parent may explain: is one dead, or about to be?"""
    if problem.reason not in BEHIND_PARENT or problem.state not in TROUBLE:
        _came_back(turn, problem.check)
        return
    node = problem.check.node
    dead = dead_parents(turn, node)
    _behind(turn, problem.check, dead)
    if dead:
        return
    for parent in turn.rules.parent_nodes(node):
        check = turn.rules.reachability.get(parent)
        if check is not None and not is_dead(turn, parent):
            turn.ask(check, turn.at + confirmed_within(turn.rules.checks[check]))


def parent_moved(turn: Turn, transition: Transition) -> None:
    """The reachability check of a node changed its state: its children are looked at."""
    node = transition.check.node
    if turn.rules.reachability.get(node) != transition.check:
        return
    for child in turn.rules.children.get(node, ()):
        incidents = turn.now.by_node.get(child, frozenset())
        turn.touch(sorted(incidents))
        dead = dead_parents(turn, child)
        for check in _failing(turn, incidents):
            _behind(turn, check, dead)
            if not dead and not is_dead(turn, node):
                turn.ask(check, turn.at + fresh_within(turn.rules.checks[check]))


def site_moved(turn: Turn, name: str) -> None:
    """A site cannot be reached from ours, or can again: what fails there is looked at."""
    for node in turn.rules.site_nodes.get(name, ()):
        for check in _failing(turn, turn.now.by_node.get(node, frozenset())):
            if turn.now.sites[name].cut is None:
                turn.ask(check, turn.at + fresh_within(turn.rules.checks[check]))
            else:
                _behind(turn, check, dead_parents(turn, node))


def measured(turn: Turn, check: CheckId) -> None:
    """A result came: if the parent and the site are back, the time behind them is over."""
    if check in turn.now.behind and not dead_parents(turn, check.node) and _site_cut(turn, check) is None:
        _came_back(turn, check)


def reloaded(turn: Turn) -> None:
    """Checks that left are behind nothing any more, nor are those whose parent or site is not theirs any more."""
    for check, behind in list(turn.now.behind.items()):
        named = {*turn.rules.parent_nodes(check.node), _of_site(turn, check)}
        if check not in turn.rules.checks or named.isdisjoint(behind.parent.split(", ")):
            _came_back(turn, check)


def confirmed_within(check: Check) -> Micros:
    """How long a page may wait until this check is sure."""
    thresholds = check.thresholds
    return round((thresholds.failures * check.retry_interval + check.timeout) * SECOND)


def fresh_within(check: Check) -> Micros:
    """How long a page may wait for one fresh result of this check."""
    return round((min(check.interval, 30.0) + check.timeout) * SECOND)


def behind(turn: Turn, incident: Incident) -> tuple[str, ...]:
    """The checks that an incident of a parent explains, for its page."""
    if incident.kind is not IncidentKind.NODE or not is_dead(turn, incident.members[0].node):
        return ()
    children = turn.rules.children.get(incident.members[0].node, ())
    return tuple(
        str(check) for child in children for check in _failing(turn, turn.now.by_node.get(child, frozenset[str]()))
    )


def _failing(turn: Turn, incidents: Iterable[str]) -> Iterator[CheckId]:
    for identity in sorted(incidents):
        subject = turn.now.subjects[identity]
        for problem in subject.incident.in_trouble:
            if problem.reason in BEHIND_PARENT:
                yield problem.check


def _behind(turn: Turn, check: CheckId, dead: tuple[str, ...]) -> None:
    """From the last good result of the dead parent on, nobody could know; nor while the site is cut off."""
    cut = _site_cut(turn, check)
    if check in turn.now.behind or (not dead and cut is None):
        return
    standings = [turn.now.standings[turn.rules.reachability[parent]] for parent in dead]
    since = [one.since if one.last_before is None else one.last_before for one in standings]
    behind = Behind(", ".join(dead), max(since)) if dead else Behind(_of_site(turn, check), cut or turn.at)
    turn.put(behind=(check, behind))
    turn.note("behind", str(check), behind._asdict())
    turn.effects.unreachable.append(Unreachable(check, *behind, None))


def _came_back(turn: Turn, check: CheckId) -> None:
    behind = turn.now.behind.get(check)
    if behind is None:
        return
    turn.drop(behind=check)
    turn.note("behind", str(check), None)
    turn.effects.unreachable.append(Unreachable(check, *behind, turn.at))


def transitioned(turn: Turn, transition: Transition) -> None:
    """A check changed its state: what is behind what?"""
    problem = _problem(turn, transition.check)
    if problem is None:
        _came_back(turn, transition.check)
    else:
        child_failed(turn, replace(problem, reason=transition.reason, state=transition.after))
    parent_moved(turn, transition)


def _problem(turn: Turn, check: CheckId) -> Problem | None:
    identity = turn.now.by_check.get(check)
    subject = None if identity is None else turn.subject(identity)
    if subject is None:
        return None
    return next((problem for problem in subject.incident.active if problem.check == check), None)


def _site_cut(turn: Turn, check: CheckId) -> Micros | None:
    """Since when its site cannot be reached from ours."""
    site = turn.now.sites.get(turn.rules.site(check.node))
    return None if site is None else site.cut


def _of_site(turn: Turn, check: CheckId) -> str:
    """What it is behind while its site is cut off."""
    return f"site {turn.rules.site(check.node)}"
