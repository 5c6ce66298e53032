"""The constancy log of a period, and what people explain of its days."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import Field
from ulid import ULID

from pacs_monitor import api as answers
from pacs_monitor.fields import Day
from pacs_monitor.format.names import listed
from pacs_monitor.history import Explanation, HistoryError, HistoryReader
from pacs_monitor.language import speaking
from pacs_monitor.model import SECOND, iso
from pacs_monitor.reports import constancy
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.refusals import later, recorded
from pacs_monitor.web.report import REST, TYPES, WITHIN, period_of
from pacs_monitor.web.routing import FILE, OBJECT, TEXT, content, refuses
from pacs_monitor.web.said import answer, zone_of
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import Line, PersonName, Words, speaker

Format = Literal["json", "html", "csv"]
LOGS = content({"application/json": OBJECT, "text/html": TEXT, "application/zip": FILE})


class Explained(Words):
    """Why nothing was tested on a day, or a test failed."""

    day: Day
    """Which day: 2026-09-14."""
    log: PersonName = ""
    """Which log; not needed where there is one alone."""
    why: Annotated[Line, Field(min_length=1)]
    """What there is to say of it. No patient names or IDs."""


def add_constancy(api: APIRouter, daemon: DaemonView) -> None:
    """GET /api/v1/constancy, and the explanations."""
    turns = SingleFlight(REST)

    @api.get(
        "/api/v1/constancy",
        response_class=Response,
        responses=LOGS | refuses(404, 429),
        summary="The constancy log of a period, such as 2026-09 or last-month.",
    )
    async def log_of(
        period: str = "last-month",
        format: Format = "json",  # noqa: A002 - the query's name
        log: str | None = None,
    ) -> Response:
        monitor, now = daemon.estate.monitor, daemon.clock.now()
        wanted = period_of(daemon, period, now)
        if turns.busy:
            raise later("try again: another log is being made", 5)

        def made(reader: HistoryReader) -> bytes:
            with speaking(monitor.language):
                return _content(constancy.build(reader, wanted, now, log), format)

        async with turns.turn():
            try:
                content = await recorded(daemon.history.read(made, WITHIN))
            except constancy.NoLogError as error:
                raise HTTPException(404, str(error)) from None
        headers = {"content-disposition": 'attachment; filename="constancy.zip"'} if format == "csv" else {}
        return Response(content, media_type=TYPES[format], headers=headers)

    @api.post(
        "/api/v1/constancy/explanations",
        response_model=answers.ExplanationSaid,
        responses=refuses(404),
        status_code=201,
        summary="Explain a day of the constancy log; its result stays as it is.",
    )
    async def explain(request: Request, words: Explained) -> dict[str, Any]:
        now = daemon.clock.now()
        if words.day > datetime.fromtimestamp(now // SECOND, zone_of(daemon)).date():
            raise HTTPException(422, [f"day: {words.day} has not come yet; write today, or a day before"])
        log, by = _log(daemon, words.log), str(speaker(request, words.by))
        said = Explanation(str(ULID()), log, words.day.isoformat(), now, by, words.why)
        try:
            await daemon.history.explain(said)
        except HistoryError as error:
            raise HTTPException(503, f"not recorded, try again: {error}") from None
        about = {"id": said.id, "log": log, "day": said.day, "by": by, "why": said.why, "at": iso(now)}
        return answer(about, recorded=True)


def _log(daemon: DaemonView, name: str) -> str:
    """The log that is meant; HTTPException where there is none, or not one alone."""
    known = [log.name for log in daemon.estate.constancy]
    if name in known:
        return name
    if not name and len(known) == 1:
        return known[0]
    problem = f"no constancy log is called {name!r}" if name else "say which log"
    raise HTTPException(404 if name else 422, f"{problem}; known: {listed(known)}")


def _content(built: dict[str, Any], form: Format) -> bytes:
    if form == "html":
        return constancy.html(built).encode()
    return constancy.zipped(built) if form == "csv" else orjson.dumps(built)
