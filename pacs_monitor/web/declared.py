"""Outages that no probe could see: people declare them, and reports keep them apart from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException, Request
from pydantic import Field, StringConstraints, model_validator
from ulid import ULID

from pacs_monitor import api as answers
from pacs_monitor.evidence import Declared, Statement, as_json, overlapping, span
from pacs_monitor.history import HistoryReader, declared_outages
from pacs_monitor.model import iso
from pacs_monitor.web.evidence import Time, declared_as, told
from pacs_monitor.web.refusals import recorded
from pacs_monitor.web.routing import refuses
from pacs_monitor.web.said import answer, zone_of
from pacs_monitor.web.story import of_declared
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import LONGEST_NAME, Line, Words, moment_of, speaker
from pacs_monitor.when import parse_past

Name = Annotated[str, StringConstraints(max_length=LONGEST_NAME)]


class Declaration(Words):
    """An outage, from when to when, and how it is known."""

    from_: Time = Field(alias="from")
    """When it began: 03:14, Mon 03:14 or a time by RFC 3339."""
    to: Time | None = None
    """When it ended; without it, it goes on until `to` is stated (POST …/evidence)."""
    node: Name = ""
    """What was out: a node, or …"""
    service: Name = ""
    """… a service."""
    evidence: Annotated[Line, StringConstraints(min_length=1)]
    """How it is known: who saw it, in which log. No patient names or IDs."""

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if bool(self.node) == bool(self.service):
            raise ValueError("say what was out: either node or service")
        return self


def add_declared(api: APIRouter, daemon: DaemonView) -> None:
    """The verbs."""

    @api.post(
        "/api/v1/incidents",
        response_model=answers.DeclaredSaid,
        responses=refuses(409),
        status_code=201,
        summary="Declare an outage that no probe could see.",
    )
    async def add(request: Request, words: Declaration) -> dict[str, Any]:
        return await declare(daemon, request, words)

    @api.get(
        "/api/v1/declared", response_model=list[answers.Declared], summary="Outages that people declared, newest first."
    )
    async def listed() -> list[dict[str, Any]]:
        found = await recorded(daemon.history.read(declared_outages))
        return [row(*one) for one in found[::-1]]


async def declare(daemon: DaemonView, request: Request, words: Declaration) -> dict[str, Any]:
    """It as it is on record; HTTPException with what to do where it is not accepted."""
    await _require(daemon, words)
    now, zone = daemon.clock.now(), zone_of(daemon)
    start = moment_of("from", partial(parse_past, words.from_, now, zone))
    end = None if words.to is None else moment_of("to", partial(parse_past, words.to, now, zone))
    if end is not None and end <= start:
        raise HTTPException(422, ["to: name an end after the begin"])
    by = str(speaker(request, words.by))
    new = Declared(str(ULID()), now, by, start, end, words.evidence, words.node, words.service)
    refused = await recorded(daemon.history.declare(new, lambda known: overlapping(new, known)))
    if refused is not None:
        raise told(daemon, refused)
    return answer(row(new, ()), recorded=True)


def row(declared: Declared, statements: Sequence[Statement]) -> dict[str, Any]:
    """One declared outage, as the API has it."""
    start, end = span(declared, statements)
    return {
        "id": declared.id,
        "kind": "declared",
        "node": declared.node or None,
        "service": declared.service or None,
        "since": iso(start),
        "ended": None if end is None else iso(end),
        "by": declared.by,
        "at": iso(declared.at),
        "known_by": declared.evidence,
        "evidence": as_json([*declared.stated(), *statements]),
    }


async def declared_outage(daemon: DaemonView, identity: str) -> dict[str, Any] | None:
    """One with its story."""

    def read(reader: HistoryReader) -> dict[str, Any] | None:
        found = declared_as(reader, identity)
        return found and row(*found) | {"story": of_declared(*found)}

    return await daemon.history.read(read)


async def _require(daemon: DaemonView, words: Declaration) -> None:
    """Something that is in the configuration, or was; HTTPException 422."""
    known = {*daemon.estate.nodes} if words.node else {*daemon.estate.services}
    if (words.node or words.service) in known:
        return
    if words.node:
        watched = await recorded(daemon.history.read(lambda reader: reader.watched()))
        if any(check.node == words.node for check in watched):
            return
    kind, name = ("node", words.node) if words.node else ("service", words.service)
    raise HTTPException(422, [f"{kind}: there is no {name!r}; there are: {', '.join(sorted(known)[:20])}"])
