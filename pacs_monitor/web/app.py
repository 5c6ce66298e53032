"""The one FastAPI app: JSON API, /metrics, /probe, health. Every error is JSON with a `detail` that explains."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from pacs_monitor import __version__
from pacs_monitor.config import ConfigError
from pacs_monitor.model import AcceptsReports, Report
from pacs_monitor.web import records, services, status
from pacs_monitor.web.audit import Audit
from pacs_monitor.web.auth import Gate
from pacs_monitor.web.body import JsonBody
from pacs_monitor.web.channels import add_channels
from pacs_monitor.web.constancy import add_constancy
from pacs_monitor.web.declared import add_declared, declared_outage
from pacs_monitor.web.evidence import add_evidence
from pacs_monitor.web.handover import add_handover
from pacs_monitor.web.head import HeadAsGet
from pacs_monitor.web.leading import Leading
from pacs_monitor.web.links import add_links
from pacs_monitor.web.lookup import entries_of, entry_of
from pacs_monitor.web.oncall import add_oncall
from pacs_monitor.web.pages.errors import ErrorPages
from pacs_monitor.web.pages.reports import add_report_pages
from pacs_monitor.web.pages.routes import add_pages
from pacs_monitor.web.pages.sign_in import add_sign_in
from pacs_monitor.web.plans import add_plans
from pacs_monitor.web.rate_limit import SingleFlight, TokenBucket
from pacs_monitor.web.refusals import later, recorded, sentences
from pacs_monitor.web.replies import add_replies
from pacs_monitor.web.report import Drafts, add_report
from pacs_monitor.web.reports import Desk, add_reports
from pacs_monitor.web.said import add_words
from pacs_monitor.web.scrapes import CompressedMetrics, add_scrapes
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import NOTHING, Words, speaker

T = TypeVar("T")
REPORTS_A_SECOND, REPORTS_AT_ONCE = 1.0, 10
"""Of each `push` check."""
PREVIEWS_REST = 4.0
"""Times the duration of a preview until the next one: it is pure Python, which the probes' loop waits for."""


def create_app(daemon: DaemonView) -> FastAPI:
    """The app over a running daemon."""
    app = FastAPI(
        title="pacs_monitor",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
    )
    explain_errors(app)
    app.add_middleware(CompressedMetrics)
    app.add_middleware(HeadAsGet)
    app.add_middleware(JsonBody)
    app.add_middleware(Leading, refuses=daemon.refuses_words)
    app.add_middleware(Gate, monitor=lambda: daemon.estate.monitor, sessions=daemon.sessions)
    app.add_middleware(ErrorPages, daemon=daemon)
    app.add_middleware(Audit, trail=daemon.audit)
    _add_health(app, daemon)
    add_scrapes(app, daemon)
    _add_board(app, daemon)
    _add_reload(app, daemon)
    _add_push(app, daemon)
    _add_records(app, daemon)
    add_channels(app, daemon)
    add_words(app, daemon)
    add_evidence(app, daemon)
    add_declared(app, daemon)
    add_replies(app, daemon)
    add_handover(app, daemon)
    add_oncall(app, daemon)
    add_plans(app, daemon)
    drafts, reports = Drafts(daemon), Desk(daemon)
    add_report(app, drafts)
    add_reports(app, reports)
    add_constancy(app, daemon)
    add_links(app)
    add_pages(app, daemon)
    add_report_pages(app, daemon, drafts, reports)
    add_sign_in(app, daemon)
    return app


def explain_errors(app: FastAPI) -> None:
    """Every error as JSON with a `detail` of sentences."""
    app.add_exception_handler(HTTPException, _explained)
    app.add_exception_handler(RequestValidationError, _misunderstood)


class Json(JSONResponse):
    """Any text at all: half a character out of a file's name, which UTF-8 cannot hold, becomes a question mark."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "replace"
        )


async def _explained(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is called for these alone
    return Json({"detail": error.detail}, error.status_code, error.headers)


async def _misunderstood(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is called for these alone
    return Json({"detail": sentences(error)}, 422)


def _add_health(app: FastAPI, daemon: DaemonView) -> None:
    @app.get("/healthz", summary="The process is alive.")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", summary="It runs checks and can write its history.")
    async def readyz() -> PlainTextResponse:
        why = daemon.unready()
        return PlainTextResponse("ok\n") if why is None else PlainTextResponse(f"{why}\n", 503)


def _add_board(app: FastAPI, daemon: DaemonView) -> None:
    @app.get("/api/v1/status", summary="All nodes and checks with their states.", response_model=dict[str, Any])
    async def board() -> Response:
        return Response(await status.status(daemon), media_type="application/json")

    @app.get("/api/v1/services", summary="What users call the PACS: services with their states and members.")
    async def listed() -> list[dict[str, Any]]:
        return services.listed(daemon)

    @app.get("/api/v1/nodes/{node}", summary="One node and its checks.")
    async def node(node: str) -> dict[str, Any]:
        return status.node(daemon, node, entries_of(daemon, node))

    @app.get("/api/v1/checks/{node}/{check}", summary="One check, its recent results and last failures.")
    async def check(node: str, check: str) -> dict[str, Any]:
        entry = entry_of(daemon, node, check)
        recent = [result.as_json() for result in reversed(entry.recent)]
        return status.check(daemon, entry) | {
            "recent": recent,
            "failures": [result.as_json() for result in reversed(entry.failures)],
        }

    @app.post("/api/v1/checks/{node}/{check}/run", summary="Run a check now, at most once in its retry_interval.")
    async def run(node: str, check: str) -> dict[str, Any]:
        return (await daemon.engine.run_now(entry_of(daemon, node, check).check.id)).as_json()


def _add_reload(app: FastAPI, daemon: DaemonView) -> None:
    previews = SingleFlight(PREVIEWS_REST)

    @app.get("/api/v1/reload", summary="What a reload of the configuration would change.")
    async def preview() -> dict[str, Any]:
        if previews.busy:
            raise later("try again: another reload is in progress", 1)
        async with previews.turn():
            return {"changes": await _reloading(daemon.preview())}

    @app.post("/api/v1/reload", summary="Reload the configuration.")
    async def reload(request: Request, words: Words = NOTHING) -> dict[str, Any]:
        return await _reloading(daemon.reload(str(speaker(request, words.by))))


def _add_push(app: FastAPI, daemon: DaemonView) -> None:
    allowance = TokenBucket(REPORTS_A_SECOND, REPORTS_AT_ONCE, daemon.clock.monotonic)

    @app.post("/api/v1/push/{node}/{check}", status_code=202, summary="Report the result of a job to its push check.")
    async def push(
        node: str, check: str, status: Report = "ok", seconds: Annotated[float | None, Query(ge=0)] = None
    ) -> dict[str, str]:
        entry = entry_of(daemon, node, check)
        probe = entry.check.probe
        if not isinstance(probe, AcceptsReports):
            why = f"{entry.check.id} is a check of the kind {probe.kind}; only push checks accept reports"
            raise HTTPException(409, why)
        wait = allowance.wait(entry.check.id)
        if wait:
            raise later(f"{entry.check.id} accepts at most {REPORTS_A_SECOND:g} report per second", wait)
        await daemon.engine.report(entry.check.id, status, seconds)
        return {"node": node, "check": check, "status": status}


def _add_records(app: FastAPI, daemon: DaemonView) -> None:
    @app.get("/api/v1/incidents", summary="Incidents, newest first.")
    async def incidents(open: bool = False, limit: int = Query(100, ge=1, le=1000)) -> list[dict[str, Any]]:  # noqa: A002 - the query's name
        return await recorded(records.incidents(daemon, open_only=open, limit=limit))

    @app.get(
        "/api/v1/incidents/{incident}",
        summary="One incident and its story: what happened, was sent, and was suppressed and why.",
    )
    async def incident(incident: str) -> dict[str, Any]:
        found = await recorded(records.incident(daemon, incident)) or await recorded(declared_outage(daemon, incident))
        if found is None:
            raise HTTPException(
                404, f"no incident {incident!r}; list them with: pacs-monitor incidents --all, or GET /api/v1/incidents"
            )
        return found

    @app.get("/api/v1/notifications", summary="Notifications, newest first.")
    async def notifications(limit: int = Query(100, ge=1, le=1000)) -> list[dict[str, Any]]:
        return await recorded(records.notifications(daemon, limit=limit))

    @app.get("/api/v1/audit", summary="Who asked for what, newest first; for operators.")
    async def audit(limit: int = Query(100, ge=1, le=1000)) -> list[dict[str, Any]]:
        return await recorded(records.audit(daemon, limit=limit))

    @app.get("/api/v1/changes", summary="Changes detected in peers, newest first.")
    async def changes(limit: int = Query(100, ge=1, le=1000)) -> list[dict[str, Any]]:
        return await recorded(records.changes(daemon, limit=limit))


async def _reloading(reading: Awaitable[T]) -> T:
    try:
        return await recorded(reading)
    except ConfigError as error:
        raise HTTPException(422, [str(problem) for problem in error.problems]) from None
