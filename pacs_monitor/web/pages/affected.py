"""Whom an open incident affects: services, its systems, what hangs on them, and whom to call for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from pacs_monitor.config import Estate
from pacs_monitor.model import IncidentKind, Node
from pacs_monitor.web import services
from pacs_monitor.web.pages.contacts import Contact, contacts
from pacs_monitor.web.pages.signs import Sign
from pacs_monitor.web.pages.snapshot import ServiceRow, check_row, service_rows, worst_of
from pacs_monitor.web.view import DaemonView

SHOWN = 40
"""Systems that are told one by one."""
CALLED_FIRST = 3
"""Contacts on the first screen; of the other systems they stand beside each."""


class System(NamedTuple):
    """One system as it is now."""

    node: Node
    title: str
    sign: Sign
    contacts: Sequence[Contact]


class Affected(NamedTuple):
    """What the page of an incident says besides the incident itself; nothing of it once that is over."""

    services: Sequence[ServiceRow] = ()
    """Those that do not work now and rest on it."""
    call: Sequence[Contact] = ()
    """First of what all of its systems hang on."""
    more_to_call: int = 0
    systems: Sequence[System] = ()
    """Of a group: what users feel first."""
    more_systems: int = 0
    root: Sequence[System] = ()
    """Of a group: what all of its systems hang on."""
    behind: Sequence[System] = ()
    """What hangs on its systems and is not well either."""


def affected(daemon: DaemonView, found: Mapping[str, Any]) -> Affected:
    """Of an incident as the API has it."""
    if found["ended"] or found["kind"] not in (IncidentKind.NODE, IncidentKind.GROUP):
        return Affected()
    estate, is_group = daemon.estate, found["kind"] == IncidentKind.GROUP
    names = list(dict.fromkeys(member.partition("/")[0] for member in found["members"]))
    nodes = [estate.nodes[name] for name in names if name in estate.nodes]
    root = [estate.nodes[name] for name in common_parents(estate, names)] if is_group else []
    systems = sorted((_system(daemon, node) for node in nodes), key=_felt) if is_group else []
    call = contacts([*root, *(one.node for one in systems)] if is_group else nodes)
    hit = set(names) if is_group else set(found["members"])
    behind = [_system(daemon, estate.nodes[name]) for name in hanging_on(estate, names)]
    return Affected(
        _services(daemon, hit),
        call[:CALLED_FIRST],
        max(0, len(call) - CALLED_FIRST),
        systems[:SHOWN],
        max(0, len(systems) - SHOWN),
        [_system(daemon, node) for node in root],
        [one for one in behind if not one.sign.is_well][:SHOWN],
    )


def common_parents(estate: Estate, names: Sequence[str]) -> Sequence[str]:
    """What each of these is reached through, directly or not, the nearest first."""
    each = [_above(estate, name) for name in names]
    return [name for name in each[0] if all(name in above for above in each[1:])] if each else []


def hanging_on(estate: Estate, names: Iterable[str]) -> Sequence[str]:
    """What is reached through any of these, directly or not, without themselves."""
    given = set(names)
    return sorted(name for name in estate.nodes if name not in given and not given.isdisjoint(_above(estate, name)))


def _above(estate: Estate, name: str) -> Sequence[str]:
    found: dict[str, None] = {}
    waiting = [name]
    for one in waiting:
        parents = estate.nodes[one].depends_on if one in estate.nodes else ()
        for parent in (parent for entry in parents for parent in entry):
            if parent not in found and parent != name and parent in estate.nodes:
                found[parent] = None
                waiting.append(parent)
    return list(found)


def _services(daemon: DaemonView, hit: Set[str]) -> Sequence[ServiceRow]:
    """In the order of the configuration; `hit` has nodes or checks."""
    touched = {name for name, check in services.rest_on(daemon) if str(check) in hit or check.node in hit}
    if not touched:
        return ()
    return [one for one in service_rows(daemon) if one.about["service"] in touched and not one.sign.is_well]


def _system(daemon: DaemonView, node: Node) -> System:
    board = daemon.engine.board.entries
    rows = [check_row(daemon, board[check]) for check in daemon.estate.checks_of.get(node.name, ()) if check in board]
    return System(node, node.title or node.name, worst_of(rows), contacts([node]))


def _felt(one: System) -> tuple[bool, bool, int, str]:
    """What users feel or can work around comes first."""
    return not one.node.impact, not one.node.downtime_procedure, one.sign.badness, one.title
