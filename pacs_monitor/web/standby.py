"""What a daemon serves while another one of its name leads: that it is there, what it is, and who leads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from pacs_monitor import __version__
from pacs_monitor.config import MonitorSettings
from pacs_monitor.leadership import Role
from pacs_monitor.model import Clock, iso
from pacs_monitor.web import metrics, own_metrics
from pacs_monitor.web.auth import Gate
from pacs_monitor.web.head import HeadAsGet
from pacs_monitor.web.server import WebServer


class StandingBy(Protocol):
    """A daemon that does not lead."""

    @property
    def role(self) -> Role: ...
    @property
    def leader(self) -> str:
        """Who leads, for people."""
        ...


class _Collector(Collector):
    def __init__(self, role: Role) -> None:
        self._role = role

    def collect(self) -> Iterator[Metric]:
        yield from own_metrics.about(self._role)


def standby_server(standing_by: StandingBy, monitor: MonitorSettings, clock: Clock) -> WebServer:
    """Binds the address of the API, as the leader's does."""
    app = FastAPI(title="pacs_monitor", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Gate, monitor=lambda: monitor)

    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> PlainTextResponse:
        return PlainTextResponse(f"{_why(standing_by)}\n", 503)

    @app.get("/metrics")
    @app.get("/metrics/monitor")
    async def exposition(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        body, content_type = await asyncio.to_thread(metrics.expose, _Collector(standing_by.role), accept)
        return Response(body, media_type=content_type)

    @app.get("/api/v1/status")
    async def status() -> dict[str, Any]:
        counts = {"up": 0, "degraded": 0, "down": 0, "absent": 0, "unknown": 0}
        about = {"monitor": monitor.name, "time": iso(clock.now()), "role": standing_by.role}
        return about | {"leader": standing_by.leader, "paging": monitor.paging, "counts": counts, "nodes": []}

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def elsewhere(path: str) -> None:
        raise HTTPException(503, f"/{path} is served by the leader; {_why(standing_by)}")

    return WebServer(app, monitor)


def _why(standing_by: StandingBy) -> str:
    return f"standby: {standing_by.leader} leads"
