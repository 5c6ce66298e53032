"""The board, a node, a check: where they stand, run now, and the reports of jobs."""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from pacs_monitor import api as answers
from pacs_monitor.model import AcceptsReports, Report
from pacs_monitor.web import services, status
from pacs_monitor.web.lookup import entries_of, entry_of
from pacs_monitor.web.rate_limit import TokenBucket
from pacs_monitor.web.refusals import later
from pacs_monitor.web.routing import refuses
from pacs_monitor.web.slices import joined
from pacs_monitor.web.view import DaemonView

REPORTS_A_SECOND, REPORTS_AT_ONCE = 1.0, 10
"""Of each `push` check."""


def add_board(api: APIRouter, daemon: DaemonView) -> None:
    @api.get("/api/v1/status", response_model=answers.Status, summary="All nodes and checks with their states.")
    async def board() -> Response:
        pieces = await status.status(daemon)
        length = {"Content-Length": str(sum(map(len, pieces)))}
        return StreamingResponse(joined(pieces), headers=length, media_type="application/json")

    @api.get(
        "/api/v1/services",
        response_model=list[answers.Service],
        summary="What users call the PACS: services with their states and members.",
    )
    async def listed() -> list[dict[str, Any]]:
        return services.listed(daemon)

    @api.get("/api/v1/nodes/{node}", response_model=answers.Node, summary="One node and its checks.")
    async def node(node: str) -> dict[str, Any]:
        return status.node(daemon, node, entries_of(daemon, node))


def add_checks(api: APIRouter, daemon: DaemonView) -> None:
    @api.get(
        "/api/v1/checks/{node}/{check}",
        response_model=answers.CheckInFull,
        summary="One check, its recent results and last failures.",
    )
    async def check(node: str, check: str) -> dict[str, Any]:
        entry = entry_of(daemon, node, check)
        recent = [result.as_json() for result in reversed(entry.recent)]
        return status.check(daemon, entry) | {
            "recent": recent,
            "failures": [result.as_json() for result in reversed(entry.failures)],
        }

    @api.post(
        "/api/v1/checks/{node}/{check}/run",
        response_model=answers.Result,
        summary="Run a check now, at most once in its retry_interval.",
    )
    async def run(node: str, check: str) -> dict[str, Any]:
        return (await daemon.engine.run_now(entry_of(daemon, node, check).check.id)).as_json()

    allowance = TokenBucket(REPORTS_A_SECOND, REPORTS_AT_ONCE, daemon.clock.monotonic)

    @api.post(
        "/api/v1/push/{node}/{check}",
        status_code=202,
        response_model=answers.Pushed,
        responses=refuses(409, 429),
        summary="Report the result of a job to its push check.",
    )
    async def push(
        request: Request,
        node: str,
        check: str,
        status: Report = "ok",
        seconds: Annotated[float | None, Query(ge=0)] = None,
    ) -> dict[str, str]:
        entry = entry_of(daemon, node, check)
        probe = entry.check.probe
        if not isinstance(probe, AcceptsReports):
            why = f"{entry.check.id} is a check of the kind {probe.kind}; only push checks accept reports"
            raise HTTPException(409, why)
        wait = allowance.wait(entry.check.id)
        if wait:
            raise later(f"{entry.check.id} accepts at most {REPORTS_A_SECOND:g} report per second", wait)
        values = _numbers(request, probe.takes(entry.check.settings))
        await daemon.engine.report(entry.check.id, status, seconds, values)
        return {"node": node, "check": check, "status": status}


def _numbers(request: Request, names: Collection[str]) -> dict[str, float]:
    """What a report has beside its status: numbers that its check declares. Nothing else, so that no text gets in."""
    found: dict[str, float] = {}
    for name, text in request.query_params.items():
        if name in ("status", "seconds"):
            continue
        if name not in names:
            raise HTTPException(422, f"declare it in `values` of the check, which has: {', '.join(names) or 'none'}")
        try:
            found[name] = float(text)
        except ValueError:
            raise HTTPException(422, f"{name}: send a number, such as 1234.5") from None
        if not isfinite(found[name]):
            raise HTTPException(422, f"{name}: send a number, such as 1234.5")
    return found
