"""What people state of incidents, of outages that they declared, and of windows: evidence for reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple, Self

from fastapi import APIRouter, HTTPException, Request
from pydantic import StringConstraints, model_validator
from ulid import ULID

from pacs_monitor import api as answers
from pacs_monitor.evidence import DISPUTED, NO, SPAN, About, Declared, Refused, Statement, What, as_json, refusal
from pacs_monitor.format.human import moment
from pacs_monitor.history import HistoryReader, declared_outages, statements_of, took_place
from pacs_monitor.model import Micros
from pacs_monitor.web.refusals import recorded
from pacs_monitor.web.routing import refuses
from pacs_monitor.web.said import answer, zone_of
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import LONGEST_NAME, PersonName, Words, moment_of, speaker
from pacs_monitor.when import parse_past

Time = Annotated[str, StringConstraints(max_length=LONGEST_NAME)]


class Counting(Words):
    """Whether something counts, whatever the rules of an agreement make of it."""

    counts: Literal["yes", "no"]
    """`no` needs `why`."""

    @model_validator(mode="after")
    def _reason(self) -> Self:
        if self.counts == NO and not self.why:
            raise ValueError("say why it does not count: why")
        return self


class Evidence(Words):
    """What there is to add to an incident."""

    what: What | None = None
    """`reported` (the vendor was called), `responded`, `workaround`, `restored`; of a declared outage also `from` and
    `to`."""
    at: Time | None = None
    """When that was: 03:14, Mon 03:14 or a time by RFC 3339; by default now. It may correct an earlier statement."""
    retract: bool = False
    """Take back what was stated of `what`."""
    ticket: PersonName = ""
    """The vendor's number."""
    responsible: PersonName = ""
    """The party, not a person."""
    standing: Literal["agreed", "disputed"] | None = None
    """Whether both sides see it so; `disputed` needs `why`."""
    counts: Literal["yes", "no"] | None = None
    """Whether it counts as downtime, whatever was measured; `no` needs `why`."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.at is not None or self.retract) and self.what is None:
            raise ValueError("say of what: at and retract need what")
        if self.what is None and not self.values():
            raise ValueError("say what happened (what: reported, responded, workaround or restored) or a ticket …")
        if self.what is not None and not self.what.is_moment and not self.retract:
            raise ValueError(f"write {self.what} as a key of its own, such as ticket: 4711; what is for times")
        if self.retract and self.at is not None:
            raise ValueError("write either at or retract, not both")
        if (self.counts == NO or self.standing == DISPUTED) and not self.why:
            raise ValueError("say why it does not count, or is disputed: why")
        return self

    def values(self) -> Mapping[What, str]:
        """What is stated that is no time."""
        said = {What(key): getattr(self, key) or "" for key in ("ticket", "responsible", "standing", "counts")}
        return {what: value for what, value in said.items() if value}


class Subject(NamedTuple):
    """What a statement is about."""

    about: About
    id: str
    began: Micros
    stated: Sequence[Statement] = ()
    """What its declaration stated."""


class Said(NamedTuple):
    """Who states something, when, and why."""

    by: str
    at: Micros
    why: str


def add_evidence(api: APIRouter, daemon: DaemonView) -> None:
    """The verbs."""

    @api.post(
        "/api/v1/incidents/{incident}/evidence",
        response_model=answers.EvidenceSaid,
        responses=refuses(409),
        summary="State when the vendor was called, responded, restored …; what was stated before is kept.",
    )
    async def add(request: Request, incident: str, words: Evidence) -> dict[str, Any]:
        return await state(daemon, request, incident, words)

    @api.post(
        "/api/v1/maintenance/{window}/counts",
        response_model=answers.WindowCounts,
        responses=refuses(409),
        summary="State whether downtime in a window of maintenance counts, whatever an agreement makes of it.",
    )
    async def counts(request: Request, window: str, words: Counting) -> dict[str, Any]:
        return await count(daemon, request, window, words)


async def state(daemon: DaemonView, request: Request, incident: str, words: Evidence) -> dict[str, Any]:
    """The evidence as it is now; HTTPException with what to do where it is not accepted."""
    subject = await _subject(daemon, incident)
    if words.what in SPAN and subject.about is not About.DECLARED:
        raise HTTPException(422, ["leave the times of what was measured: from and to are for declared outages"])
    now = daemon.clock.now()
    said = Said(str(speaker(request, words.by)), now, words.why)
    new = [_statement(subject, what, said, value=value) for what, value in words.values().items()]
    if words.what is not None:
        when = None if words.retract else now
        if words.at is not None:
            when = moment_of("at", partial(parse_past, words.at, now, zone_of(daemon)))
        new.append(_statement(subject, words.what, said, when))
    tapped = words.at is None
    evidence = await _judged(daemon, subject, new, lambda known: refusal(known, new, subject.began, tapped))
    return answer({"id": incident, "evidence": evidence}, recorded=True)


async def count(daemon: DaemonView, request: Request, window: str, words: Counting) -> dict[str, Any]:
    """Whether the downtime in a window counts."""
    known = {one.id for one in daemon.desk.plans.windows()}
    if window not in known and not await recorded(daemon.history.read(lambda reader: took_place(reader, window))):
        raise HTTPException(404, f"no window {window}; GET /api/v1/maintenance lists those that are not over")
    now = daemon.clock.now()
    said = Said(str(speaker(request, words.by)), now, words.why)
    subject = Subject(About.WINDOW, window, now)
    new = [_statement(subject, What.COUNTS, said, value=words.counts)]
    evidence = await _judged(daemon, subject, new, lambda known: refusal(known, new, now))
    return answer({"id": window, "evidence": evidence}, recorded=True)


def told(daemon: DaemonView, refused: Refused) -> HTTPException:
    """Why something is not accepted."""
    why = refused.why
    if refused.before is not None and refused.before.moment is not None:
        at = moment(refused.before.moment, zone_of(daemon), daemon.clock.now())
        why = f"{why} (on record: {at}, by {refused.before.by})"
    return HTTPException(409 if refused.is_conflict else 422, why if refused.is_conflict else [why])


async def _subject(daemon: DaemonView, identity: str) -> Subject:
    """An incident or a declared outage, whether it has ended or not; HTTPException 404."""
    unwritten = daemon.desk.unwritten(identity)
    if unwritten is not None:
        return Subject(About.INCIDENT, identity, unwritten.incident.since)
    found = await recorded(daemon.history.read(lambda reader: _find(reader, identity)))
    if found is None:
        raise HTTPException(404, f"no incident {identity}; list them with: pacs-monitor incidents --all")
    return found


def _find(reader: HistoryReader, identity: str) -> Subject | None:
    for incident in reader.incidents(id=identity):
        return Subject(About.INCIDENT, identity, incident.since)
    found = declared_as(reader, identity)
    return found and Subject(About.DECLARED, identity, found[0].start, found[0].stated())


def declared_as(reader: HistoryReader, identity: str) -> tuple[Declared, Sequence[Statement]] | None:
    """The declared outage of this id, with what was stated of it; None where there is none."""
    return next((one for one in declared_outages(reader) if one[0].id == identity), None)


def _statement(subject: Subject, what: What, said: Said, when: Micros | None = None, value: str = "") -> Statement:
    return Statement(str(ULID()), subject.about, subject.id, what, said.at, said.by, when, value, said.why)


async def _judged(
    daemon: DaemonView,
    subject: Subject,
    new: Sequence[Statement],
    judge: Callable[[Sequence[Statement]], Refused | None],
) -> dict[str, Any]:
    """Durable, and what holds now; HTTPException."""
    refused = await recorded(daemon.history.state(new, lambda known: judge([*subject.stated, *known])))
    if refused is not None:
        raise told(daemon, refused)
    about, identity = subject.about, subject.id
    found = await recorded(daemon.history.read(lambda reader: statements_of(reader, about, [identity])))
    return as_json([*subject.stated, *found.get(identity, new)])
