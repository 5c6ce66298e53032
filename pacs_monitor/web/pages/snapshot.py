"""What the board and the wall are drawn from: taken from the running daemon in slices of the event loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pacs_monitor import states
from pacs_monitor.alerting.paged import Paged
from pacs_monitor.config import Estate
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.messages import page
from pacs_monitor.messages.sentences import named
from pacs_monitor.messages.told import told
from pacs_monitor.model import TROUBLE, CheckId, Incident, Micros, Result, Status
from pacs_monitor.web import records, services, status
from pacs_monitor.web.pages.freshness import Freshness
from pacs_monitor.web.pages.signs import DEGRADED, DOWN, PAUSED, UNKNOWN, UNMEASURED, UNWATCHED, Sign, sign_of
from pacs_monitor.web.slices import Slices
from pacs_monitor.web.standing import Standing
from pacs_monitor.web.view import DaemonView
from pacs_monitor.windows import Pause, Window

MOST_INCIDENTS = 200
"""Open incidents that are told one by one, the worst ones; the rest is a number."""
FAILING, UNTOLD = (DOWN, DEGRADED), (UNKNOWN, UNMEASURED, PAUSED)


class CheckRow(NamedTuple):
    """One check, as a row of its node has it."""

    name: str
    sign: Sign
    since: Micros
    latency: float | None
    """Seconds of the last run, if it was good."""
    leaning: str
    note: str
    """Why it is as it is, where that is to be said: paused by whom, never worked, off for how long."""


class NodeRow(NamedTuple):
    """One node: as bad as its worst check."""

    name: str
    title: str
    site: str
    role: str
    sign: Sign
    checks: tuple[CheckRow, ...]
    maintenance: Window | None
    """The window that all its checks are in."""
    labels: str
    """For the filter."""
    recent: tuple[Result, ...]
    """The latest of its worst check."""


class IncidentRow(NamedTuple):
    """One open incident, with what was said and sent of it."""

    incident: Incident
    summary: str
    paged: dict[str, Any]
    """As `/api/v1/status` has it."""
    sign: Sign
    site: str
    title: str
    """What users know it by: never a person."""
    impact: str
    """What it means to them, as the configuration says."""


class ServiceRow(NamedTuple):
    """One service, as its card has it."""

    about: dict[str, Any]
    """As `/api/v1/services` has it."""
    sign: Sign
    because: str
    """Its checks that fail; "" while it works."""

    @property
    def impact(self) -> str:
        """What it means to users, while it does not work as it should."""
        return str(self.about["impact"]) if self.sign in FAILING else ""


class Snapshot(NamedTuple):
    """All of it, of one moment."""

    monitor: str
    paging: str
    fresh: Freshness
    nodes: tuple[NodeRow, ...]
    incidents: tuple[IncidentRow, ...]
    """The worst first; at most MOST_INCIDENTS."""
    more_incidents: int
    pauses: tuple[tuple[Pause, int], ...]
    channels: tuple[dict[str, Any], ...]
    heartbeat: dict[str, Any] | None
    services: tuple[ServiceRow, ...]
    sites: dict[str, str]
    """Titles of sites by name, in the order of the configuration."""


async def snapshot(daemon: DaemonView, fresh: Freshness) -> Snapshot:
    """Of now; it asks no database."""
    estate, slices = daemon.estate, Slices()
    rows = []
    for name in sorted(estate.nodes):
        await slices.pause()
        rows.append(_node(daemon, estate, name))
    incidents, more = await _incidents(daemon)
    return Snapshot(
        estate.monitor.name,
        estate.monitor.paging,
        fresh,
        tuple(rows),
        incidents,
        more,
        tuple((pause, len(checks)) for pause, checks in daemon.desk.plans.pauses()),
        tuple(status.channels(daemon)),
        status.heartbeat(daemon),
        tuple(service_rows(daemon)),
        {name: site.title or name for name, site in estate.sites.items()},
    )


def service_rows(daemon: DaemonView) -> Iterator[ServiceRow]:
    """In the order of the configuration."""
    signs, board = defaultdict[str, dict[CheckId, Sign]](dict), daemon.engine.board.entries
    for name, check in services.rest_on(daemon):
        if check in board:
            signs[name][check] = _sign(board[check])
    for one in services.listed(daemon):
        yield service_row(one, signs[one["service"]])


def service_row(about: dict[str, Any], signs: Mapping[CheckId, Sign]) -> ServiceRow:
    """Not checked is told from not measured yet and from paused, as of a check."""
    sign = sign_of(about["state"])
    if sign is UNKNOWN:
        sign = min((one for one in signs.values() if one in UNTOLD), key=lambda one: one.badness, default=sign)
    because = [check for check, one in signs.items() if one in FAILING] if sign in FAILING else []
    return ServiceRow(about, sign, named(map(str, because)))


def _node(daemon: DaemonView, estate: Estate, name: str) -> NodeRow:
    node, board = estate.nodes[name], daemon.engine.board.entries
    entries = [board[check] for check in estate.checks_of.get(name, ()) if check in board]
    checks = tuple(check_row(daemon, entry) for entry in entries)
    windows = [daemon.desk.plans.maintenance_of(entry.check.id) for entry in entries]
    in_order = tuple(sorted(checks, key=lambda row: (row.sign.badness, row.name)))
    return NodeRow(
        name,
        node.title or name,
        node.site,
        node.role,
        worst_of(checks),
        in_order,
        windows[0] if windows and all(windows) else None,
        " ".join(f"{key}={value}" for key, value in node.labels.items()),
        tuple(board[CheckId(name, in_order[0].name)].recent) if in_order else (),
    )


def worst_of(checks: Iterable[CheckRow]) -> Sign:
    """A node is as bad as its worst check."""
    return min((row.sign for row in checks), key=lambda sign: sign.badness, default=UNWATCHED)


def check_row(daemon: DaemonView, entry: BoardEntry) -> CheckRow:
    """Of one check."""
    standing, last = entry.standing, entry.last
    good = last is not None and last.outcome.status in (Status.OK, Status.WARN)
    return CheckRow(
        entry.check.id.check,
        _sign(entry),
        standing.state_since,
        last.duration if last is not None and good else None,
        str(states.leaning(standing) or ""),
        _note(daemon, entry),
    )


def _sign(entry: BoardEntry) -> Sign:
    return sign_of(entry.standing.state, stopped=entry.stopped is not None, measured=entry.last is not None)


def _note(daemon: DaemonView, entry: BoardEntry) -> str:
    if entry.restriction is not None:
        return told(entry.restriction.text)
    absence = states.absence(entry.standing, daemon.clock.now(), entry.check.thresholds)
    if absence:
        return told(absence)
    fails = entry.standing.state in TROUBLE
    return told("has never worked as it is configured") if fails and not entry.proven else ""


async def _incidents(daemon: DaemonView) -> tuple[tuple[IncidentRow, ...], int]:
    every = sorted(daemon.desk.paged(), key=lambda one: _rank(one.incident))
    shown, standing, slices, rows = every[:MOST_INCIDENTS], Standing(daemon), Slices(), []
    scene = records.scene(daemon, *(one.incident for one in shown))
    for one in shown:
        await slices.pause()
        rows.append(_incident(one, page.summary(one.incident, scene), standing, daemon.estate))
    return tuple(rows), len(every) - len(shown)


def _rank(incident: Incident) -> tuple[int, int, int]:
    """The worst first, of those the newest."""
    return incident.state.badness, incident.severity.badness, -incident.since


def _incident(one: Paged, summary: str, standing: Standing, estate: Estate) -> IncidentRow:
    incident = one.incident
    node = estate.nodes.get(incident.members[0].node) if incident.members else None
    title = (node.title or node.name) if node else incident.cause
    about = status.incident(one) | standing.of(incident)
    return IncidentRow(
        incident, summary, about, sign_of(incident.state), node.site if node else "", title, node.impact if node else ""
    )


def matches(row: NodeRow, words: Sequence[str]) -> bool:
    """Whether a node has all these words: of its name, title, role, site, labels, checks, or its state."""
    text = " ".join(
        (
            row.name,
            row.title,
            row.role,
            row.site,
            row.labels,
            row.sign.word,
            row.sign.name,
            *(one.name for one in row.checks),
        )
    ).casefold()
    return all(word in text for word in words)
