"""What the page of an incident is drawn from."""

from __future__ import annotations

from typing import Any

from pacs_monitor.history import HistoryError
from pacs_monitor.language import _
from pacs_monitor.messages import paged
from pacs_monitor.messages.told import told
from pacs_monitor.model import CheckId, State, iso, parse_iso
from pacs_monitor.web import records, status
from pacs_monitor.web.declared import declared_outage
from pacs_monitor.web.pages.affected import affected
from pacs_monitor.web.pages.detail_pages import Around, declared_page, incident_page, missing
from pacs_monitor.web.pages.plots.kept import Plots
from pacs_monitor.web.pages.render import Fragment, Page
from pacs_monitor.web.pages.times import Times
from pacs_monitor.web.view import DaemonView

STILL_OK = 20
"""Checks that are named."""


async def incident_part(daemon: DaemonView, plots: Plots, identity: str, about: Page) -> Fragment:
    """The page of one incident."""
    try:
        found = await records.incident(daemon, identity)
        declared = None if found else await declared_outage(daemon, identity)
    except HistoryError as error:
        return missing(about, _("The record cannot be read now"), told(str(error)), 503)
    if declared is not None:
        return declared_page(declared, about)
    if found is None:
        return missing(about, _("There is no incident {id}", id=identity), _("The board has those that are open."))
    nodes = sorted({member.partition("/")[0] for member in found["members"]})
    node = nodes[0] if len(nodes) == 1 and nodes[0] in daemon.estate.nodes else ""
    ended = parse_iso(found["ended"]) if found["ended"] else None
    drawn = await plots.of_incident(daemon, [*map(CheckId.parse, found["members"])], parse_iso(found["since"]), ended)
    beside = Around(
        _still_ok(daemon, found, nodes), _paged(daemon, identity, about.times), node, affected(daemon, found), drawn
    )
    return incident_page(found, beside, about)


def _still_ok(daemon: DaemonView, found: dict[str, Any], nodes: list[str]) -> list[str]:
    """Checks of the same nodes that are up and were asked since it began."""
    if found["ended"]:
        return []
    began, board = parse_iso(found["since"]), daemon.engine.board.entries
    names = [check for node in nodes for check in daemon.estate.checks_of.get(node, ()) if check in board]
    return [
        str(check)
        for check in names
        if board[check].standing.state is State.UP and (board[check].standing.last or 0) >= began
    ][:STILL_OK]


def _paged(daemon: DaemonView, identity: str, times: Times) -> str:
    for one in daemon.desk.paged():
        if one.incident.id == identity:
            return paged.told(status.incident(one), lambda text: times.clock(parse_iso(text)), iso(times.now))
    return ""
