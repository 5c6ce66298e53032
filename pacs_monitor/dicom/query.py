"""What the checks that ask by C-FIND share: their settings, and one query whose answers are counted and dropped."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from datetime import date
from time import monotonic
from types import TracebackType
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator
from pydicom.datadict import dictionary_VR, tag_for_keyword

from pacs_monitor.dicom import requests
from pacs_monitor.dicom.association import Association, Target, associate
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.dates import resolve_dates
from pacs_monitor.dicom.endpoint import EndpointSettings
from pacs_monitor.dicom.find import FindAnswer, find
from pacs_monitor.dicom.pdu import Malformed
from pacs_monitor.fields import Duration, NumberOrNone
from pacs_monitor.language import N_
from pacs_monitor.model import Flag, Measure, Outcome, Phase, ProbeContext, Reason
from pacs_monitor.net import EXPIRY, NetFailure, Trace

UNIQUE_KEYS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "image": "SOPInstanceUID"}
"""Query/Retrieve levels and their unique keys (PS3.4 C.6.2.1)."""
_UNICODE = "ISO_IR 192"
_LOOKS_LIKE_A_LIMIT = 100
_WHAT = {"find": "matches", "worklist": "scheduled procedures"}


class QuerySettings(EndpointSettings):
    """Base of their settings."""

    slow: Duration | None = None
    """A run that takes longer than this, from name resolution to the last answer, is a warning (reason `slow`)."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Answers after which the query is cancelled (C-CANCEL); the count is then a lower bound, flagged `capped`."""


class CountSettings(QuerySettings):
    """Base of those that count one query's answers."""

    at_least: NumberOrNone = 0
    """Fewer answers than this are reported as `too_few`, unless the peer truncated its list (B001)."""

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.at_least > self.limit:
            raise ValueError(f"at_least is {self.at_least}, but limit stops at {self.limit}")
        return self


class Found(NamedTuple):
    """What a query found: numbers, and of its answers only the elements that were asked to be read."""

    matches: int
    first: float | None
    """Seconds from the request to the first answer; None when there was none."""
    last: float
    """Seconds from the request to the end of the answers."""
    capped: bool
    """There may be more: a limit of ours or the peer's, or a count that looks like one."""
    cut: bool
    """There is more, or was when the peer or we stopped: the numbers mean "at least"."""
    values: tuple[Mapping[str, Any], ...]
    partly_matched: bool
    """The peer said that it does not match by every key (FF01), so that there may be fewer."""


def contexts_for(sop_class: str) -> tuple[requests.Context, ...]:
    """What an association proposes that is there for one kind of query."""
    return requests.contexts([(sop_class, (requests.IMPLICIT_VR_LITTLE_ENDIAN,))])


async def search(
    association: Association, sop_class: str, keys: Mapping[str, Any], *, limit: int, read: Collection[str] = ()
) -> Found:
    """Ask, count, and drop all but the elements in `read`; raises NetFailure."""
    answers = find(association, sop_class, encode(keys), limit=limit)
    first, began, values = None, monotonic(), []
    async for answer in answers:
        first = answer.elapsed if first is None else first
        if read:
            values.append(_read(association, answer, read))
    capped = answers.capped or looks_like_a_limit(answers.matches)
    if capped:
        association.trace.flags.append(Flag.CAPPED)
    partly_matched = answers.optional_keys_unsupported
    return Found(answers.matches, first, monotonic() - began, capped, answers.capped, tuple(values), partly_matched)


def count_measures(name: str, matches: str) -> tuple[Measure, ...]:
    """What `count` measures under a name; `matches` says what was found."""
    return (
        Measure(f"{name}_matches", matches, trend=True, by_hour=True),
        Measure(f"{name}_first_seconds", "From the request to the first answer."),
        Measure(f"{name}_last_seconds", N_("From the request to the end of the answers."), trend=True),
        EXPIRY,
    )


async def count(
    target: Target,
    sop_class: str,
    keys: Mapping[str, Any],
    settings: CountSettings,
    ctx: ProbeContext,
    *,
    name: str,
    few_is_a_warning: bool,
) -> Outcome:
    """One association, one query, judged by how many answers it had and how long they took."""
    contexts = contexts_for(sop_class)
    try:
        async with await associate(target, contexts, resolver=ctx.resolver, deadline=ctx.deadline) as association:
            found = await search(association, sop_class, keys, limit=settings.limit)
    except NetFailure as failure:
        return failure.outcome()
    trace = association.trace
    if found.partly_matched:
        trace.terminal += (("keys", "the peer does not support all of them (FF01), so the count may be too high"),)
    trace.measure(f"{name}_matches", found.matches)
    if found.first is not None:
        trace.measure(f"{name}_first_seconds", found.first)
    trace.measure(f"{name}_last_seconds", found.last)
    if found.matches >= settings.at_least or found.cut:
        return trace.outcome(settings.slow)
    detail = f"{target} returned {found.matches} {_WHAT[name]}; expected at least {settings.at_least}"
    return Outcome.of(Reason.TOO_FEW, warn=few_is_a_warning, phase=Phase.OPERATION, detail=detail, **trace.seen())


class Queries:
    """An association for several queries. Where the peer leaves it at our C-CANCEL, another one takes its place."""

    def __init__(self, target: Target, sop_class: str, ctx: ProbeContext) -> None:
        self.trace = Trace()
        self._target, self._contexts, self._ctx = target, contexts_for(sop_class), ctx

    async def __aenter__(self) -> Self:
        self._association = await self._opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._association.__aexit__(kind, error, trace)

    async def association(self) -> Association:
        """One that is open, unless it failed; raises NetFailure."""
        if not self._association.is_open and Flag.CAPPED in self.trace.flags:
            self._association = await self._opened()
        return self._association

    async def _opened(self) -> Association:
        ctx, trace = self._ctx, self.trace
        return await associate(self._target, self._contexts, resolver=ctx.resolver, deadline=ctx.deadline, trace=trace)


def looks_like_a_limit(matches: int) -> bool:
    """Full hundreds and powers of two: peers that stop at a limit of their own seldom say so."""
    return matches >= _LOOKS_LIKE_A_LIMIT and (matches % 100 == 0 or matches & (matches - 1) == 0)


def identifier(level: str, keys: Mapping[str, str], day: date) -> dict[str, str]:
    """The keys of a query at a level, its dates resolved; beside them only the level's unique key is asked for."""
    asked = {"QueryRetrieveLevel": level.upper(), UNIQUE_KEYS[level]: "", **dated(keys, day)}
    return asked if all(value.isascii() for value in asked.values()) else {"SpecificCharacterSet": _UNICODE, **asked}


def dated(keys: Mapping[str, str], day: date) -> dict[str, str]:
    """Keys with their dates resolved."""
    return {
        keyword: resolve_dates(value, day) if value and dictionary_VR(keyword) == "DA" else value
        for keyword, value in keys.items()
    }


def check_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    """Keys of a query as somebody wrote them; raises ValueError."""
    for keyword, value in keys.items():
        if tag_for_keyword(keyword) is None:
            raise ValueError(f"{keyword!r} is not a keyword of PS3.6; write StudyDate, ModalitiesInStudy, …")
        if dictionary_VR(keyword) == "SQ":
            raise ValueError(f"{keyword} is a sequence and cannot be used as a key here")
        _check_value(keyword, dated({keyword: value}, date(2000, 1, 1))[keyword])
    return keys


def _check_value(keyword: str, value: str) -> None:
    try:
        with warnings.catch_warnings(action="error"):
            encode({keyword: value})
    except Exception as error:  # noqa: BLE001 - pydicom raises almost anything on a value that does not fit
        raise ValueError(f"{value!r} does not fit {keyword}: {error}") from None


def _read(association: Association, answer: FindAnswer, keywords: Collection[str]) -> Mapping[str, Any]:
    try:
        return decode(answer.dataset, keywords)
    except Malformed as error:
        raise association.trace.failure(Reason.NOT_DICOM, f"an answer to C-FIND cannot be decoded: {error}") from None
