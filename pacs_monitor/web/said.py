"""What people say of an incident: acknowledge, note, close."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pacs_monitor import api as answers
from pacs_monitor.alerting.spoken import NotDecidedError
from pacs_monitor.alerting.words import Acknowledge, Close, Kind, Remark, Word
from pacs_monitor.format.human import moment
from pacs_monitor.model import Micros, parse_iso
from pacs_monitor.web import records
from pacs_monitor.web.routing import refuses
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import LONGEST_NAME, NOTHING, Limited, Line, Words, moment_of, printable, speaker
from pacs_monitor.when import parse_future

STATUS = {Kind.MISSING: 404, Kind.CONFLICT: 409, Kind.INVALID: 422}
NOT_RECORDED = "it holds now, and is lost if the daemon ends before its database can be written again"


class Acknowledgement(Limited):
    """Somebody deals with it."""

    ticket: Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(printable)] = ""
    """The number of the ticket; needed beyond 24 hours."""


class Note(Words):
    """Something to know about it."""

    text: Annotated[Line, Field(min_length=1)]
    """What there is to know. No patient names or IDs."""
    public: bool = False
    """For the users of the imaging estate, too: on the wall and beside the services."""
    next_update: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """When a public note promises the next one: 10:45, tomorrow 07:00 …"""

    @model_validator(mode="after")
    def _promise(self) -> Note:
        if self.next_update is not None and not self.public:
            raise ValueError("add public: next_update is for public notes")
        return self


def add_words(api: APIRouter, daemon: DaemonView) -> None:
    """The verbs."""

    @api.post(
        "/api/v1/incidents/{incident}/ack",
        response_model=answers.Said,
        responses=refuses(409),
        summary="Acknowledge an incident: somebody deals with it.",
    )
    async def ack(request: Request, incident: str, words: Acknowledgement = Acknowledgement()) -> dict[str, Any]:  # noqa: B008 - it is frozen
        return await acknowledge(daemon, request, incident, words)

    @api.post(
        "/api/v1/incidents/{incident}/note",
        response_model=answers.Said,
        responses=refuses(409),
        summary="Note something about an incident.",
    )
    async def add_note(request: Request, incident: str, words: Note) -> dict[str, Any]:
        return await note(daemon, request, incident, words)

    @api.post(
        "/api/v1/incidents/{incident}/close",
        response_model=answers.Said,
        responses=refuses(409),
        summary="Close an incident of which nothing is measured to fail.",
    )
    async def end(request: Request, incident: str, words: Words = NOTHING) -> dict[str, Any]:
        return await close(daemon, request, incident, words)


async def acknowledge(daemon: DaemonView, request: Request, incident: str, words: Acknowledgement) -> dict[str, Any]:
    """The incident as it is now, as for each of these; HTTPException with what to do where it is not accepted."""
    by, until = str(speaker(request, words.by)), words.ends(daemon.clock.now(), zone_of(daemon))
    return await _said(daemon, Acknowledge(incident, by, words.why, until, words.ticket))


async def note(daemon: DaemonView, request: Request, incident: str, words: Note) -> dict[str, Any]:
    """A note for colleagues, or for the public."""
    promised = None if words.next_update is None else _promised(daemon, words.next_update)
    by = str(speaker(request, words.by))
    return await _said(daemon, Remark(incident, by, words.text, words.public, promised))


async def close(daemon: DaemonView, request: Request, incident: str, words: Words) -> dict[str, Any]:
    """The end of one of which nothing is measured to fail."""
    return await _said(daemon, Close(incident, str(speaker(request, words.by)), words.why))


async def said(daemon: DaemonView, word: Word) -> bool:
    """Say it; whether it is on record. HTTPException for what is not accepted, and changes nothing."""
    try:
        verdict = await daemon.desk.say(word)
    except NotDecidedError as error:
        raise HTTPException(503, str(error)) from None
    if verdict.refusal is not None:
        raise HTTPException(STATUS[verdict.refusal.kind], verdict.refusal.why)
    return verdict.recorded


async def _said(daemon: DaemonView, word: Acknowledge | Remark | Close) -> dict[str, Any]:
    """The incident as it is now."""
    try:
        recorded = await said(daemon, word)
    except HTTPException as error:
        if error.status_code == STATUS[Kind.MISSING]:
            await _ended(daemon, word.incident)
        raise
    found = await records.incident(daemon, word.incident)
    assert found is not None  # noqa: S101 - it was just spoken of
    about = {key: found[key] for key in ("id", "state", "summary", "acknowledged", "public_note", "ended", "ending")}
    return answer(about, recorded)


def answer(about: dict[str, Any], recorded: bool) -> dict[str, Any]:
    """What was said is in force; whether it is on record."""
    return about | {"recorded": recorded} | ({} if recorded else {"warning": NOT_RECORDED})


async def _ended(daemon: DaemonView, incident: str) -> None:
    """Of an incident that has ended nothing can be said any more (409)."""
    found = await records.incident(daemon, incident)
    if found is not None and found["ended"]:
        at = moment(parse_iso(found["ended"]), zone_of(daemon), daemon.clock.now())
        raise HTTPException(409, f"nothing to do: incident {incident} has ended ({found['ending']} {at})")


def _promised(daemon: DaemonView, text: str) -> Micros:
    return moment_of("next_update", partial(parse_future, text, daemon.clock.now(), zone_of(daemon)))


def zone_of(daemon: DaemonView) -> ZoneInfo:
    """Of the configuration in force."""
    return ZoneInfo(daemon.estate.monitor.timezone)
