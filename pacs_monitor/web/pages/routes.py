"""The addresses of the pages."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from pacs_monitor.history import HistoryError
from pacs_monitor.messages import paged
from pacs_monitor.model import CheckId, State, iso, parse_iso
from pacs_monitor.web import records, status
from pacs_monitor.web.links import FRONT
from pacs_monitor.web.pages.assets import add_assets
from pacs_monitor.web.pages.board import LONGEST_QUERY, Query, board
from pacs_monitor.web.pages.detail_pages import Page, check_page, incident_page, node_page
from pacs_monitor.web.pages.details import check_seen, node_seen
from pacs_monitor.web.pages.render import Fragment, Place, fragment
from pacs_monitor.web.pages.serving import Pages, root_of, viewer_of, wants_page
from pacs_monitor.web.pages.signs import SIGNS
from pacs_monitor.web.pages.snapshot import snapshot
from pacs_monitor.web.pages.strip import Strips
from pacs_monitor.web.pages.times import Times
from pacs_monitor.web.view import DaemonView


def add_pages(app: FastAPI, daemon: DaemonView) -> None:
    """All of them."""
    pages = Pages(daemon)
    add_assets(app)
    _add_board(app, daemon, pages)
    _add_details(app, daemon, pages)
    _add_incident(app, daemon, pages)


def _about(daemon: DaemonView, request: Request) -> Page:
    monitor = daemon.estate.monitor
    times = Times(daemon.clock.now(), monitor.timezone)
    return Page(monitor.name, viewer_of(request), root_of(request), times)


def _add_board(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    @app.get("/", summary="The board; as JSON what else there is.", include_in_schema=False)
    async def front(request: Request, q: str = "", state: str = "") -> Response:
        if not wants_page(request):
            return JSONResponse(FRONT)
        query = Query(q[:LONGEST_QUERY], state if state in SIGNS else "")

        async def make() -> Fragment:
            seen = await snapshot(daemon)
            return await asyncio.to_thread(board, seen, query, viewer_of(request))

        return await pages.send(request, make)


def _add_details(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    strips = Strips()

    @app.get("/nodes/{node}", include_in_schema=False)
    async def node(request: Request, node: str) -> Response:
        if not wants_page(request):
            return RedirectResponse(f"../api/v1{request.url.path}")

        async def make() -> Fragment:
            about = _about(daemon, request)
            seen = await node_seen(daemon, strips, node, settings=about.viewer.writes)
            if seen is None:
                return missing(about, f"There is no node {node}", "A reload may have removed it.")
            return node_page(seen, about)

        return await pages.send(request, make)

    @app.get("/checks/{node}/{check}", include_in_schema=False)
    async def check(request: Request, node: str, check: str) -> Response:
        if not wants_page(request):
            return RedirectResponse(f"../../api/v1{request.url.path}")

        async def make() -> Fragment:
            about, seen = _about(daemon, request), await check_seen(daemon, strips, CheckId(node, check))
            if seen is None:
                return missing(about, f"There is no check {node}/{check}", "A reload may have removed it.")
            return check_page(seen, about)

        return await pages.send(request, make)


def _add_incident(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    @app.get("/incidents/{incident}", summary="The incident; as JSON what the API returns.", include_in_schema=False)
    async def incident(request: Request, incident: str) -> Response:
        if not wants_page(request):
            return RedirectResponse(f"/api/v1/incidents/{incident}")
        return await pages.send(request, lambda: incident_part(daemon, request, incident))


async def incident_part(daemon: DaemonView, request: Request, identity: str) -> Fragment:
    """The page of one incident."""
    about = _about(daemon, request)
    try:
        found = await records.incident(daemon, identity)
    except HistoryError as error:
        return missing(about, "The record cannot be read now", str(error), 503)
    if found is None:
        return missing(about, f"There is no incident {identity}", "See the board for those that are open.")
    nodes = sorted({member.partition("/")[0] for member in found["members"]})
    node = nodes[0] if len(nodes) == 1 and nodes[0] in daemon.estate.nodes else ""
    return incident_page(found, _still_ok(daemon, found, nodes), _paged(daemon, identity, about.times), node, about)


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
    ][:20]


def _paged(daemon: DaemonView, identity: str, times: Times) -> str:
    for one in daemon.desk.paged():
        if one.incident.id == identity:
            return paged.told(status.incident(one), lambda text: times.clock(parse_iso(text)), iso(times.now))
    return ""


def missing(about: Page, what: str, todo: str, code: int = 404) -> Fragment:
    """A page that says what is not there, and what to do."""
    place = Place("error.html", "Not found" if code == 404 else "Not now", about.root, about.viewer, about.monitor)
    return fragment(place, about.times, status=code, what=what, todo=todo)
