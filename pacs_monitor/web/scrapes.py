"""What Prometheus fetches: the metrics, whole or in shards by site, checks as targets, and each in blackbox's names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from pacs_monitor import api as answers
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.web import blackbox
from pacs_monitor.web.lookup import entries_of, entry_of
from pacs_monitor.web.metrics import MONITOR, WHOLE, Exposition, Shard
from pacs_monitor.web.routing import TEXT, content, refuses
from pacs_monitor.web.view import DaemonView

EXPOSITION = content({"text/plain": TEXT, "application/openmetrics-text": TEXT})
LEVEL = 1
"""Of gzip: a sixth of the size in a sixth of the time of the highest level, which leaves a seventh of it."""


class CompressedMetrics:
    """gzip for scrapers that accept it, of the metrics alone: a page with a token of its form is never compressed.

    What is compressed with a secret beside what others can choose tells the secret by its length (BREACH).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_metrics = scope["type"] == "http" and scope["path"].startswith("/metrics")
        await (self._compressed if is_metrics else self._app)(scope, receive, send)


def add_scrapes(api: APIRouter, daemon: DaemonView) -> None:
    """What Prometheus fetches from this app."""
    exposition = Exposition(daemon)

    def scraped(request: Request, shard: Shard) -> Response:
        parts, content_type = exposition.render(request.headers.get("accept", ""), shard)
        return StreamingResponse(parts, media_type=content_type)

    @api.get("/metrics", response_class=Response, responses=EXPOSITION, summary="Prometheus exposition.")
    async def metrics(request: Request) -> Response:
        return scraped(request, WHOLE)

    @api.get(
        "/metrics/monitor",
        response_class=Response,
        responses=EXPOSITION,
        summary="What no site's exposition has: the monitor itself, and nodes without a site.",
    )
    async def of_the_monitor(request: Request) -> Response:
        return scraped(request, MONITOR)

    @api.get(
        "/metrics/site/{site:path}",
        response_class=Response,
        responses=EXPOSITION,
        summary="Prometheus exposition of the checks of one site.",
    )
    async def of_a_site(request: Request, site: str) -> Response:
        sites = {entry.check.node.site for entry in daemon.engine.board.entries.values()} - {""}
        if site not in sites:
            raise HTTPException(404, f"no site {site!r} with checks; sites with checks: {', '.join(sorted(sites))}")
        return scraped(request, Shard(site))

    @api.get(
        "/probe",
        response_class=PlainTextResponse,
        responses=refuses(404),
        summary="Run a configured check and return blackbox_exporter's metric names.",
    )
    async def probe(node: str, check: str | None = None) -> Response:
        ids = [entry_of(daemon, node, check).check.id] if check else [e.check.id for e in entries_of(daemon, node)]
        try:
            body = await blackbox.probe(daemon, ids)
        except LookupError:
            raise HTTPException(404, f"a reload has removed the requested checks of {node!r}") from None
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get(
        "/api/v1/targets",
        response_model=list[answers.Target],
        summary="The checks as targets of /probe, for Prometheus's http_sd_configs.",
    )
    async def targets(
        request: Request, site: str | None = None, probe: Annotated[str | None, Query(description="a kind")] = None
    ) -> list[dict[str, Any]]:
        return [
            _target(entry, request.url.netloc)
            for entry in daemon.engine.board.entries.values()
            if site in (None, entry.check.node.site) and probe in (None, entry.check.probe.kind)
        ]


def _target(entry: BoardEntry, address: str) -> dict[str, Any]:
    """One target group of HTTP service discovery: the address is ours, by which Prometheus has asked."""
    check = entry.check
    return {
        "targets": [address],
        "labels": {
            "__metrics_path__": "/probe",
            "__param_node": check.id.node,
            "__param_check": check.id.check,
            "instance": str(check.id),
            "node": check.id.node,
            "check": check.id.check,
            "probe": check.probe.kind,
            "site": check.node.site,
            "role": check.node.role,
        },
    }
