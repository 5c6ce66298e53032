"""The addresses of the pages."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from pacs_monitor.language import _
from pacs_monitor.model import CheckId
from pacs_monitor.web import plans
from pacs_monitor.web.links import FRONT
from pacs_monitor.web.pages import forms
from pacs_monitor.web.pages.assets import add_assets
from pacs_monitor.web.pages.board import LONGEST_QUERY, Beside, Query, board
from pacs_monitor.web.pages.detail_pages import check_page, missing, node_page
from pacs_monitor.web.pages.details import check_seen, node_seen
from pacs_monitor.web.pages.duty import on_duty
from pacs_monitor.web.pages.feeds import add_feeds
from pacs_monitor.web.pages.incident import incident_part
from pacs_monitor.web.pages.lately import Recent
from pacs_monitor.web.pages.maintenance import Asked, Planned, maintenance_page
from pacs_monitor.web.pages.monitor import monitor_page
from pacs_monitor.web.pages.plots.figures import Figures
from pacs_monitor.web.pages.plots.kept import Plots
from pacs_monitor.web.pages.render import Fragment
from pacs_monitor.web.pages.serving import Make, Pages, about, wants_page
from pacs_monitor.web.pages.signs import SIGNS
from pacs_monitor.web.pages.snapshot import snapshot
from pacs_monitor.web.pages.strip import Strips
from pacs_monitor.web.pages.wall import LAYOUT, wall
from pacs_monitor.web.view import DaemonView
from pacs_monitor.windows import Window

NODES = 500
"""Names of nodes that the form for maintenance proposes."""


def add_pages(app: FastAPI, daemon: DaemonView) -> None:
    """All of them."""
    pages, plots = Pages(daemon), Plots()
    add_assets(app)
    _add_board(app, daemon, pages)
    _add_wall(app, daemon, pages)
    _add_details(app, daemon, pages, plots)
    _add_incident(app, daemon, pages, plots)
    _add_maintenance(app, daemon, pages)
    _add_monitor(app, daemon, pages)
    add_feeds(app, daemon)


def _add_board(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    figures, recent = Figures(daemon), Recent(daemon)

    @app.get("/", summary="The board; as JSON what else there is.", include_in_schema=False)
    async def front(request: Request, q: str = "", state: str = "") -> Response:
        if not wants_page(request):
            return JSONResponse(FRONT)
        query = Query(q[:LONGEST_QUERY], state if state in SIGNS else "")

        async def make() -> Fragment:
            seen = await snapshot(daemon, pages.fresh.now())
            beside = Beside(figures.look(), on_duty(daemon), await recent.look())
            return await asyncio.to_thread(board, seen, query, beside, about(daemon, request))

        return await pages.send(request, make)


def _add_wall(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    @app.get("/wall", summary="For a screen that all see.", include_in_schema=False)
    async def big(request: Request, site: str = "") -> Response:
        async def make() -> Fragment:
            seen = await snapshot(daemon, pages.fresh.now())
            return await asyncio.to_thread(wall, seen, site[:LONGEST_QUERY], about(daemon, request))

        return await pages.send(request, make, layout=LAYOUT)


def _add_details(app: FastAPI, daemon: DaemonView, pages: Pages, plots: Plots) -> None:
    strips = Strips()

    def of_node(request: Request, node: str) -> Make:
        async def make() -> Fragment:
            page = about(daemon, request)
            seen = await node_seen(daemon, strips, node, settings=page.viewer.writes)
            if seen is None:
                return missing(page, _("There is no node {name}", name=node))
            return node_page(seen, await plots.of_node(daemon, node, request.query_params.get("over", "")), page)

        return make

    def of_check(request: Request, node: str, check: str) -> Make:
        async def make() -> Fragment:
            page, named = about(daemon, request), CheckId(node, check)
            seen = await check_seen(daemon, strips, named)
            if seen is None:
                return missing(page, _("There is no check {name}", name=named))
            return check_page(seen, await plots.of_check(daemon, named, request.query_params.get("over", "")), page)

        return make

    @app.get("/nodes/{node}", include_in_schema=False)
    async def node(request: Request, node: str) -> Response:
        if not wants_page(request):
            return RedirectResponse(f"../api/v1{request.url.path}")
        return await pages.send(request, of_node(request, node))

    @app.post("/nodes/{node}", include_in_schema=False)
    async def on_node(request: Request, node: str) -> Response:
        return await forms.done(request, pages, of_node(request, node), forms.of_checks(daemon, request, node))

    @app.get("/checks/{node}/{check}", include_in_schema=False)
    async def check(request: Request, node: str, check: str) -> Response:
        if not wants_page(request):
            return RedirectResponse(f"../../api/v1{request.url.path}")
        return await pages.send(request, of_check(request, node, check))

    @app.post("/checks/{node}/{check}", include_in_schema=False)
    async def on_check(request: Request, node: str, check: str) -> Response:
        verbs = forms.of_checks(daemon, request, node, check)
        return await forms.done(request, pages, of_check(request, node, check), verbs)


def _add_incident(app: FastAPI, daemon: DaemonView, pages: Pages, plots: Plots) -> None:
    @app.get("/incidents/{incident}", summary="The incident; as JSON what the API returns.", include_in_schema=False)
    async def incident(request: Request, incident: str) -> Response:
        if not wants_page(request):
            return RedirectResponse(f"../api/v1{request.url.path}")
        return await pages.send(request, lambda: incident_part(daemon, plots, incident, about(daemon, request)))

    @app.post("/incidents/{incident}", include_in_schema=False)
    async def on_incident(request: Request, incident: str) -> Response:
        verbs = forms.of_incident(daemon, request, incident)
        return await forms.done(
            request, pages, lambda: incident_part(daemon, plots, incident, about(daemon, request)), verbs
        )


def _add_maintenance(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    def part(request: Request, asked: Asked, preview: Window | None = None) -> Make:
        async def make() -> Fragment:
            muted = None if preview is None else (preview, plans.covered(daemon, preview.match))
            return maintenance_page(_planned(daemon), asked, muted, about(daemon, request))

        return make

    @app.get("/maintenance", include_in_schema=False)
    async def maintenance(request: Request, node: str = "") -> Response:
        return await pages.send(request, part(request, Asked(node=node[:LONGEST_QUERY])))

    @app.post("/maintenance", include_in_schema=False)
    async def on_maintenance(request: Request) -> Response:
        fields = forms.fields_of(request)
        known = {key: fields[key] for key in Asked._fields if key in fields}
        asked = (
            Asked(**known | {"lasts": fields.get("for", "")}) if fields.get("do") in ("plan", "preview") else Asked()
        )
        if fields.get("do") != "preview":
            return await forms.done(request, pages, part(request, asked), forms.of_maintenance(daemon, request))
        try:
            window = plans.window_of(daemon, request, forms.words_of(plans.Planned, fields))
        except HTTPException as error:
            return await forms.refused(request, pages, part(request, asked), error)
        return await pages.send(request, part(request, asked, window), kept=False)


def _add_monitor(app: FastAPI, daemon: DaemonView, pages: Pages) -> None:
    @app.get("/monitor", summary="Whether the monitor itself is well.", include_in_schema=False)
    async def monitor(request: Request) -> Response:
        async def make() -> Fragment:
            return monitor_page(daemon, about(daemon, request))

        return await pages.send(request, make)


def _planned(daemon: DaemonView) -> Planned:
    estate, said = daemon.estate, daemon.desk.plans
    return Planned(said.windows(), said.pauses(), sorted(estate.nodes)[:NODES], list(estate.sites))
