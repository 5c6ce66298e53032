"""Frozen reports: the list, the documents as they were frozen, and what people say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from ulid import ULID

from pacs_monitor import api as answers
from pacs_monitor import reports
from pacs_monitor.fields import Day
from pacs_monitor.history import Frozen, HistoryReader, Said
from pacs_monitor.history.frozen import Kind, MissingError, TakenError, document, frozen
from pacs_monitor.model import Micros
from pacs_monitor.reports import filing
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.refusals import later, of_words, recorded
from pacs_monitor.web.report import REST, SANDBOX, TYPES, WITHIN
from pacs_monitor.web.routing import FILE, TEXT, content, refuses
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import LONGEST_NAME, NOTHING, Line, PersonName, Words, speaker

T = TypeVar("T")
Format = Literal["json", "html", "csv", "pdf"]


class Freeze(Words):
    """A report that is to be kept as it is."""

    period: Annotated[str, Field(max_length=LONGEST_NAME)] = "last-quarter"
    """2026-Q3, 2026-09, last-quarter, FROM..TO: one that is over."""


class Distribution(Words):
    """To whom it was given."""

    to: Annotated[Line, Field(min_length=1)]
    """Persons, offices, addresses."""


class Action(Words):
    """What was agreed to be done because of it."""

    text: Annotated[Line, Field(min_length=1)]
    """What is to be done. No patient names or IDs."""
    owner: PersonName = ""
    """Who does it."""
    due: Day | None = None
    """Until when, as 2026-12-15."""


VERBS: Mapping[str, type[Words]] = {"approve": Words, "distributed": Distribution, "action": Action}


class Desk:
    """Freezes and files the reports of a daemon."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._turns = SingleFlight(REST)

    async def known(self, period: str | None = None) -> Sequence[Frozen]:
        """The latest first."""
        return await recorded(self._daemon.history.read(lambda reader: frozen(reader, period)))

    async def one(self, number: str) -> dict[str, Any]:
        """A frozen report; HTTPException 404."""
        known = await self.known(number.rpartition("/")[0])
        return filing.row(_or_refused(lambda: filing.found(known, number)), known)

    async def content(self, number: str, form: Format) -> bytes:
        """A document as it was frozen; HTTPException 404."""
        found = await recorded(self._daemon.history.read(lambda reader: document(reader, number, form)))
        if found is None:
            await self.one(number)
            raise HTTPException(404, f"{number} was frozen without a {form}; take the html and print it")
        return found

    async def freeze(self, request: Request, words: Freeze) -> dict[str, Any]:
        """Keep the report of a period; the one that is kept already where nothing has changed since."""
        daemon, now = self._daemon, self._daemon.clock.now()
        try:
            period = reports.parse(words.period, daemon.estate.monitor.timezone, now)
        except reports.PeriodError as error:
            raise HTTPException(422, [f"period: {error}"]) from None
        if self._turns.busy:
            raise later("try again: another report is being frozen", 5)
        by = str(speaker(request, words.by))

        def made(reader: HistoryReader) -> reports.Ready | Frozen:
            return reports.freeze(reader, period, now, by, words.why)

        async with self._turns.turn():
            try:
                ready = await recorded(daemon.history.read(made, WITHIN))
            except reports.NotOverError as error:
                raise HTTPException(422, [f"period: {error}"]) from None
            if isinstance(ready, Frozen):
                return await self.one(ready.number) | {"new": False}
            contents, without = await reports.with_pdf(ready.contents)
            try:
                await recorded(daemon.history.freeze(ready.report, contents))
            except TakenError as error:
                raise HTTPException(409, str(error)) from None
        return await self.one(ready.report.number) | {"new": True} | ({"warning": without} if without else {})

    async def say(self, request: Request, number: str, words: Words) -> dict[str, Any]:
        """What somebody says of a report; HTTPException 404, 409."""
        known = await self.known(number.rpartition("/")[0])
        by, now = str(speaker(request, words.by)), self._daemon.clock.now()
        said = _or_refused(lambda: _said(known, number, words, by, now))
        try:
            await recorded(self._daemon.history.say_of_report(number, said))
        except MissingError as error:
            raise HTTPException(404, str(error)) from None
        return await self.one(number)


def spoken(verb: str, known: Sequence[Frozen], number: str, body: Mapping[str, Any], now: Micros) -> Said:
    """What is said in the words of the API where no daemon hears it; UnknownError, ConflictError, ValueError."""
    try:
        words = VERBS[verb].model_validate(body)
    except ValidationError as error:
        raise ValueError("; ".join(of_words(error))) from None
    return _said(known, number, words, words.by, now)


def _said(known: Sequence[Frozen], number: str, words: Words, by: str, now: Micros) -> Said:
    filing.found(known, number)
    match words:
        case Distribution():
            return Said(str(ULID()), now, Kind.DISTRIBUTED, by, words.to)
        case Action():
            due = words.due.isoformat() if words.due else ""
            details = {key: value for key, value in (("owner", words.owner), ("due", due)) if value}
            return Said(str(ULID()), now, Kind.ACTION, by, words.text, details)
        case _:
            return filing.approval(known, number, by, words.why, now)


ONE = "/api/v1/reports/{period}/{revision}"


def add_reports(api: APIRouter, desk: Desk) -> None:
    """The addresses."""
    documents = content({"text/html": TEXT, "application/zip": FILE, "application/pdf": FILE})

    @api.get(
        "/api/v1/reports",
        response_model=list[answers.FrozenReport],
        summary="Frozen reports, newest first, with approvals, distribution and actions.",
    )
    async def listed() -> list[dict[str, Any]]:
        return filing.rows(await desk.known())

    @api.post(
        "/api/v1/reports",
        response_model=answers.FrozenNow,
        responses=refuses(409, 429),
        status_code=201,
        summary="Freeze the report of a period that is over.",
    )
    async def freeze(request: Request, words: Freeze) -> dict[str, Any]:
        return await desk.freeze(request, words)

    @api.get(
        ONE,
        response_model=answers.FrozenReport,
        responses=documents,
        summary="A frozen report: what is on file of it, or a document of it, as it was frozen.",
    )
    async def report(period: str, revision: int, format: Format | None = None) -> Any:  # noqa: A002 - the query's name
        number = f"{period}/{revision}"
        if format is None:
            return await desk.one(number)
        return sent(await desk.content(number, format), number, format)

    _add_report_words(api, desk)


def _add_report_words(api: APIRouter, desk: Desk) -> None:
    @api.post(
        f"{ONE}/approve",
        response_model=answers.FrozenReport,
        responses=refuses(409),
        summary="Approve a frozen report.",
    )
    async def approve(request: Request, period: str, revision: int, words: Words = NOTHING) -> dict[str, Any]:
        return await desk.say(request, f"{period}/{revision}", words)

    @api.post(
        f"{ONE}/distributed",
        response_model=answers.FrozenReport,
        responses=refuses(409),
        summary="Record to whom a frozen report was given.",
    )
    async def distributed(request: Request, period: str, revision: int, words: Distribution) -> dict[str, Any]:
        return await desk.say(request, f"{period}/{revision}", words)

    @api.post(
        f"{ONE}/action",
        response_model=answers.FrozenReport,
        responses=refuses(409),
        summary="Record what was agreed to be done because of a frozen report.",
    )
    async def action(request: Request, period: str, revision: int, words: Action) -> dict[str, Any]:
        return await desk.say(request, f"{period}/{revision}", words)


def sent(content: bytes, number: str, form: Format) -> Response:
    """A document; HTML is shown, all else is saved."""
    shown = "inline" if form == "html" else "attachment"
    headers = {
        "content-disposition": f'{shown}; filename="{filing.file_name(number, form)}"',
        "content-security-policy": SANDBOX,
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type=TYPES[form], headers=headers)


def _or_refused(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except filing.UnknownError as error:
        raise HTTPException(404, str(error)) from None
    except filing.ConflictError as error:
        raise HTTPException(409, str(error)) from None
