"""The uptime report of a period, as the command line makes it."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from pacs_monitor import reports
from pacs_monitor.history import HistoryReader
from pacs_monitor.model import Micros
from pacs_monitor.threads import in_thread
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.refusals import later, recorded
from pacs_monitor.web.routing import FILE, OBJECT, TEXT, content, refuses
from pacs_monitor.web.view import DaemonView

REST = 4.0
"""Times the duration of a report until the next one: it is pure Python, which the probes' loop waits for."""
WITHIN = 120.0
"""Seconds that it may take."""
Format = Literal["json", "html", "csv", "pdf"]
TYPES = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "csv": "application/zip",
    "pdf": "application/pdf",
}
DOCUMENTS = content({"application/json": OBJECT, "text/html": TEXT, "application/zip": FILE, "application/pdf": FILE})


SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Content Security Policy Level 3 of a document that is shown: its own style, and nothing else."""


class Drafts:
    """Reports as of now, one at a time."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._turns = SingleFlight(REST)
        self._printing = SingleFlight(0.0)
        """In a process of its own, which leaves the loop alone."""

    async def send(self, period: str, form: Format, part: reports.Part = reports.Part.ALL) -> Response:
        """One of them; HTTPException where there is none."""
        daemon, now = self._daemon, self._daemon.clock.now()
        wanted = period_of(daemon, period, now)
        if self._turns.busy or (form == "pdf" and self._printing.busy):
            raise later("try again: another report is being made", 5)

        def made(reader: HistoryReader) -> bytes:
            return _content(reports.build(reader, wanted, now), form, part)

        async with self._turns.turn():
            content = await recorded(daemon.history.read(made, WITHIN))
        if form == "pdf":
            async with self._printing.turn():
                content = await _printed(content)
        headers = {"content-disposition": 'attachment; filename="report.zip"'} if form == "csv" else {}
        return Response(content, media_type=TYPES[form], headers=headers | {"content-security-policy": SANDBOX})


def add_report(api: APIRouter, drafts: Drafts) -> None:
    """GET /api/v1/report."""

    @api.get(
        "/api/v1/report",
        response_class=Response,
        responses=DOCUMENTS | refuses(429),
        summary="The uptime report of a period, such as 2026-Q3 or last-quarter.",
    )
    async def report(
        period: str = "last-quarter",
        format: Format = "json",  # noqa: A002 - the query's name
        part: reports.Part = reports.Part.ALL,
    ) -> Response:
        return await drafts.send(period, format, part)


def period_of(daemon: DaemonView, text: str, now: Micros) -> reports.Period:
    """The period that a query names; HTTPException 422."""
    try:
        return reports.parse(text, daemon.estate.monitor.timezone, now)
    except reports.PeriodError as error:
        raise HTTPException(422, str(error)) from None


async def _printed(page: bytes) -> bytes:
    try:
        return await in_thread(lambda: reports.printed(page.decode(), reports.printer(), WITHIN), "report-pdf")
    except reports.PrintingError as error:
        raise HTTPException(503, f"ask for format=html instead: {error}") from None


def _content(built: dict[str, Any], form: Format, part: reports.Part) -> bytes:
    """Of a PDF, the page that is printed."""
    if form in ("html", "pdf"):
        return reports.html(built, part).encode()
    return reports.zipped(built) if form == "csv" else orjson.dumps(built)
