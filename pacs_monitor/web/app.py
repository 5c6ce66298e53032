"""The one FastAPI app: JSON API, /metrics, /probe, health. Every error is JSON with a `detail` that explains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response

from pacs_monitor import __version__
from pacs_monitor import api as answers
from pacs_monitor.config import ConfigError
from pacs_monitor.web import records
from pacs_monitor.web.audit import Audit
from pacs_monitor.web.auth import Gate
from pacs_monitor.web.board import add_board, add_checks
from pacs_monitor.web.body import JsonBody
from pacs_monitor.web.channels import add_channels
from pacs_monitor.web.constancy import add_constancy
from pacs_monitor.web.declared import add_declared, declared_outage
from pacs_monitor.web.document import DocumentedApp
from pacs_monitor.web.evidence import add_evidence
from pacs_monitor.web.handover import add_handover
from pacs_monitor.web.head import HeadAsGet
from pacs_monitor.web.leading import Leading
from pacs_monitor.web.links import add_links
from pacs_monitor.web.oncall import add_oncall
from pacs_monitor.web.pages.errors import ErrorPages
from pacs_monitor.web.pages.reports import add_report_pages
from pacs_monitor.web.pages.routes import add_pages
from pacs_monitor.web.pages.sign_in import add_sign_in
from pacs_monitor.web.paging import LINK, Before, Limit, page
from pacs_monitor.web.plans import add_plans
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.refusals import later, recorded, sentences
from pacs_monitor.web.replies import add_replies
from pacs_monitor.web.report import Drafts, add_report
from pacs_monitor.web.reports import Desk, add_reports
from pacs_monitor.web.routing import TEXT, Json, refuses, router
from pacs_monitor.web.said import add_words
from pacs_monitor.web.scrapes import CompressedMetrics, add_scrapes
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import NOTHING, Words, speaker

T = TypeVar("T")
PREVIEWS_REST = 4.0
"""Times the duration of a preview until the next one: it is pure Python, which the probes' loop waits for."""


def create_app(daemon: DaemonView) -> FastAPI:
    """The app over a running daemon."""
    app = DocumentedApp(
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
    drafts, reports = Drafts(daemon), Desk(daemon)
    for of_noun in _nouns(daemon, drafts, reports):
        app.router.routes.extend(of_noun.routes)  # one flat list, for whoever walks it
    add_links(app)
    add_pages(app, daemon)
    add_report_pages(app, daemon, drafts, reports)
    add_sign_in(app, daemon)
    return app


def _nouns(daemon: DaemonView, drafts: Drafts, reports: Desk) -> Iterator[APIRouter]:
    """The API, noun by noun, in the order of the document."""
    add: dict[str, Sequence[Callable[[APIRouter], None]]] = {
        "board": [partial(add_board, daemon=daemon), partial(add_checks, daemon=daemon)],
        "incidents": [
            partial(_add_incidents, daemon=daemon),
            partial(add_words, daemon=daemon),
            partial(add_evidence, daemon=daemon),
            partial(add_declared, daemon=daemon),
            partial(add_replies, daemon=daemon),
        ],
        "maintenance": [partial(add_plans, daemon=daemon)],
        "on call": [partial(add_oncall, daemon=daemon), partial(add_handover, daemon=daemon)],
        "channels": [partial(_add_notifications, daemon=daemon), partial(add_channels, daemon=daemon)],
        "configuration": [partial(_add_reload, daemon=daemon)],
        "records": [partial(_add_records, daemon=daemon)],
        "reports": [
            partial(add_report, drafts=drafts),
            partial(add_reports, desk=reports),
            partial(add_constancy, daemon=daemon),
        ],
        "metrics": [partial(add_scrapes, daemon=daemon)],
    }
    for noun, parts in add.items():
        api = router(noun)
        for part in parts:
            part(api)
        yield api
    health = APIRouter(tags=["health"])  # for everybody
    _add_health(health, daemon)
    yield health


def explain_errors(app: FastAPI) -> None:
    """Every error as JSON with a `detail` of sentences."""
    app.add_exception_handler(HTTPException, _explained)
    app.add_exception_handler(RequestValidationError, _misunderstood)


async def _explained(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is called for these alone
    return Json({"detail": error.detail}, error.status_code, error.headers)


async def _misunderstood(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is called for these alone
    return Json({"detail": sentences(error)}, 422)


def _add_health(api: APIRouter, daemon: DaemonView) -> None:
    @api.get("/healthz", summary="The process is alive.", response_class=PlainTextResponse)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @api.get(
        "/readyz",
        summary="It runs checks and can write its history.",
        response_class=PlainTextResponse,
        responses={503: {"description": "Why not.", "content": {"text/plain": {"schema": TEXT}}}},
    )
    async def readyz() -> PlainTextResponse:
        why = daemon.unready()
        return PlainTextResponse("ok\n") if why is None else PlainTextResponse(f"{why}\n", 503)


def _add_reload(api: APIRouter, daemon: DaemonView) -> None:
    previews = SingleFlight(PREVIEWS_REST)

    @api.get(
        "/api/v1/reload",
        response_model=answers.Preview,
        responses=refuses(422, 429),
        summary="What a reload of the configuration would change.",
    )
    async def preview() -> dict[str, Any]:
        if previews.busy:
            raise later("try again: another reload is in progress", 1)
        async with previews.turn():
            return {"changes": await _reloading(daemon.preview())}

    @api.post("/api/v1/reload", response_model=answers.Reload, summary="Reload the configuration.")
    async def reload(request: Request, words: Words = NOTHING) -> dict[str, Any]:
        return await _reloading(daemon.reload(str(speaker(request, words.by))))


def _add_incidents(api: APIRouter, daemon: DaemonView) -> None:
    @api.get(
        "/api/v1/incidents", response_model=list[answers.Incident], responses=LINK, summary="Incidents, newest first."
    )
    async def incidents(
        request: Request,
        open: bool = False,  # noqa: A002 - the query's name
        limit: Limit = 100,
        before: Before = None,
    ) -> Json:
        return await page(request, limit, records.incidents(daemon, open_only=open, limit=limit, before=before))

    @api.get(
        "/api/v1/incidents/{incident}",
        response_model=answers.IncidentInFull | answers.DeclaredInFull,
        summary="One incident and its story: what happened, was sent, and was suppressed and why.",
    )
    async def incident(incident: str) -> dict[str, Any]:
        found = await recorded(records.incident(daemon, incident)) or await recorded(declared_outage(daemon, incident))
        if found is None:
            raise HTTPException(
                404, f"no incident {incident!r}; list them with: pacs-monitor incidents --all, or GET /api/v1/incidents"
            )
        return found


def _add_notifications(api: APIRouter, daemon: DaemonView) -> None:
    @api.get(
        "/api/v1/notifications",
        response_model=list[answers.Notification],
        responses=LINK,
        summary="Notifications, newest first.",
    )
    async def notifications(request: Request, limit: Limit = 100, before: Before = None) -> Json:
        return await page(request, limit, records.notifications(daemon, limit=limit, before=before))


def _add_records(api: APIRouter, daemon: DaemonView) -> None:
    @api.get(
        "/api/v1/audit",
        response_model=list[answers.AuditEntry],
        responses=LINK,
        summary="Who asked for what, newest first; for operators.",
    )
    async def audit(request: Request, limit: Limit = 100, before: Before = None) -> Json:
        return await page(request, limit, records.audit(daemon, limit=limit, before=before))

    @api.get("/api/v1/changes", response_model=list[answers.Change], summary="Changes detected in peers, newest first.")
    async def changes(limit: Limit = 100) -> list[dict[str, Any]]:
        return await recorded(records.changes(daemon, limit=limit))


async def _reloading(reading: Awaitable[T]) -> T:
    try:
        return await recorded(reading)
    except ConfigError as error:
        raise HTTPException(422, [str(problem) for problem in error.problems]) from None
