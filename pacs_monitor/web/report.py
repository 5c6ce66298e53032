"""The uptime report of a period, as the command line makes it."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from fastapi import FastAPI, HTTPException
from fastapi.responses import Response

from pacs_monitor import reports
from pacs_monitor.history import HistoryReader
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.refusals import recorded
from pacs_monitor.web.view import DaemonView

REST = 4.0
"""Times the duration of a report until the next one: it is pure Python, which the probes' loop waits for."""
WITHIN = 120.0
"""Seconds that it may take."""
Format = Literal["json", "html", "csv"]
TYPES = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "csv": "application/zip",
    "pdf": "application/pdf",
}


def add_report(app: FastAPI, daemon: DaemonView) -> None:
    """GET /api/v1/report."""
    turns = SingleFlight(REST)

    @app.get("/api/v1/report", summary="The uptime report of a period, such as 2026-Q3 or last-quarter.")
    async def report(period: str = "last-quarter", format: Format = "json") -> Response:  # noqa: A002 - the query's name
        zone, now = daemon.estate.monitor.timezone, daemon.clock.now()
        try:
            wanted = reports.parse(period, zone, now)
        except reports.PeriodError as error:
            raise HTTPException(422, str(error)) from None
        if turns.busy:
            raise HTTPException(429, "try again: another report is being made", {"Retry-After": "5"})

        def made(reader: HistoryReader) -> bytes:
            return _content(reports.build(reader, wanted, now), format)

        async with turns.turn():
            content = await recorded(daemon.history.read(made, WITHIN))
        headers = {"content-disposition": 'attachment; filename="report.zip"'} if format == "csv" else {}
        return Response(content, media_type=TYPES[format], headers=headers)


def _content(built: dict[str, Any], form: Format) -> bytes:
    if form == "html":
        return reports.html(built).encode()
    return reports.zipped(built) if form == "csv" else orjson.dumps(built)
