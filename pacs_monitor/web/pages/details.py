"""What the pages of a node and of a check are drawn from: the API's own data, and what the record has besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from pacs_monitor.config.explain import Row, explain
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.history import ChangeSeen, HistoryError, HistoryReader
from pacs_monitor.messages import page
from pacs_monitor.model import CheckId, Incident, Micros, Node, Result, Transition
from pacs_monitor.web import records
from pacs_monitor.web.pages.snapshot import CheckRow, check_row
from pacs_monitor.web.pages.strip import Strip, Strips
from pacs_monitor.web.view import DaemonView

T = TypeVar("T")
RECENT = 300
"""Incidents, and changes, that are looked through for those of one node."""
SHOWN = 12
TRANSITIONS = 30


class Told(NamedTuple):
    """An incident in one line."""

    incident: Incident
    summary: str


class CheckSeen(NamedTuple):
    """One check of a node."""

    row: CheckRow
    entry: BoardEntry
    next_due: float | None
    """Seconds."""
    strip: Strip | None


class NodeSeen(NamedTuple):
    """All of one node."""

    node: Node
    site: str
    checks: Sequence[CheckSeen]
    parents: Sequence[Sequence[str]]
    children: Sequence[str]
    incidents: Sequence[Told]
    changes: Sequence[ChangeSeen]
    settings: Sequence[Row]
    unreadable: str
    """Why the record cannot be read now."""


class Single(NamedTuple):
    """All of one check."""

    node: Node
    seen: CheckSeen
    recent: Sequence[Result]
    failures: Sequence[Result]
    transitions: Sequence[Transition]
    incidents: Sequence[Told]
    unreadable: str


class _Record(NamedTuple):
    incidents: Sequence[Incident] = ()
    changes: Sequence[ChangeSeen] = ()
    strips: Mapping[CheckId, Strip] = MappingProxyType({})
    transitions: Sequence[Transition] = ()
    unreadable: str = ""


class _Asked(NamedTuple):
    """Strips of which checks, as of when."""

    checks: Sequence[CheckId]
    now: Micros
    zone: str


async def node_seen(daemon: DaemonView, strips: Strips, name: str, settings: bool) -> NodeSeen | None:
    """None where there is no such node."""
    estate = daemon.estate
    node = estate.nodes.get(name)
    if node is None:
        return None
    checks = estate.checks_of.get(name, ())
    asked = _Asked(checks, daemon.clock.now(), estate.monitor.timezone)
    record = await _read(daemon, lambda reader: _of_node(reader, strips, name, asked))
    return NodeSeen(
        node,
        estate.sites[node.site].title or node.site if node.site in estate.sites else node.site,
        [_check(daemon, check, record) for check in checks if check in daemon.engine.board.entries],
        node.depends_on,
        sorted(other.name for other in estate.nodes.values() if any(name in entry for entry in other.depends_on)),
        _told(daemon, record.incidents),
        record.changes,
        explain(estate, name) if settings else (),
        record.unreadable,
    )


async def check_seen(daemon: DaemonView, strips: Strips, check: CheckId) -> Single | None:
    """None where there is no such check."""
    entry = daemon.engine.board.entries.get(check)
    if entry is None or check.node not in daemon.estate.nodes:
        return None
    asked = _Asked((check,), daemon.clock.now(), daemon.estate.monitor.timezone)
    record = await _read(daemon, lambda reader: _of_check(reader, strips, check, asked))
    return Single(
        daemon.estate.nodes[check.node],
        _check(daemon, check, record),
        list(entry.recent)[::-1],
        list(entry.failures)[::-1],
        record.transitions,
        _told(daemon, record.incidents),
        record.unreadable,
    )


async def _read(daemon: DaemonView, read: Callable[[HistoryReader], _Record]) -> _Record:
    try:
        return await daemon.history.read(read)
    except HistoryError as error:
        return _Record(unreadable=str(error))


def _of_node(reader: HistoryReader, strips: Strips, name: str, asked: _Asked) -> _Record:
    found = [one for one in reader.incidents(limit=RECENT) if any(member.node == name for member in one.members)]
    changes = [seen for seen in reader.changes(limit=RECENT) if seen.check.node == name]
    return _Record(found[:SHOWN], changes[:SHOWN], strips.of(reader, *asked))


def _of_check(reader: HistoryReader, strips: Strips, check: CheckId, asked: _Asked) -> _Record:
    found = [one for one in reader.incidents(limit=RECENT) if check in one.members]
    moved = reader.transitions(check=check).get(check, [])[::-1][:TRANSITIONS]
    return _Record(found[:SHOWN], (), strips.of(reader, *asked), moved)


def _check(daemon: DaemonView, check: CheckId, record: _Record) -> CheckSeen:
    entry = daemon.engine.board.entries[check]
    return CheckSeen(check_row(daemon, entry), entry, daemon.engine.next_due(check), record.strips.get(check))


def _told(daemon: DaemonView, incidents: Sequence[Incident]) -> Sequence[Told]:
    scene = records.scene(daemon, *incidents)
    return [Told(one, page.summary(one, scene)) for one in incidents]
