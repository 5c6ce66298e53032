"""What several nouns share: names out of closed lists, times, what people said, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from pacs_monitor.leadership import Role
from pacs_monitor.model import (
    Blame,
    DeliveryStatus,
    Ending,
    Flag,
    IncidentKind,
    Paging,
    Phase,
    Presence,
    Reason,
    Severity,
    State,
    Status,
)

T = TypeVar("T")

described: Callable[[type[T]], type[T]] = with_config(ConfigDict(use_attribute_docstrings=True))
"""Texts under the keys of a TypedDict stand in the OpenAPI document."""
extensible: Callable[[type[T]], type[T]] = with_config(ConfigDict(use_attribute_docstrings=True, extra="allow"))
"""The same, of what has further keys of its own."""


def _one_of(names: type[StrEnum]) -> Any:
    return Field(json_schema_extra={"enum": [one.value for one in names]})


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, in UTC."""
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
StatusName = Annotated[str, _one_of(Status)]
StateName = Annotated[str, _one_of(State)]
ReasonName = Annotated[str, _one_of(Reason)]
BlameName = Annotated[str, _one_of(Blame)]
PhaseName = Annotated[str, _one_of(Phase)]
FlagName = Annotated[str, _one_of(Flag)]
SeverityName = Annotated[str, _one_of(Severity)]
PresenceName = Annotated[str, _one_of(Presence)]
PagingName = Annotated[str, _one_of(Paging)]
RoleName = Annotated[str, _one_of(Role)]
KindName = Annotated[str, _one_of(IncidentKind)]
EndingName = Annotated[str, _one_of(Ending)]
DeliveryName = Annotated[str, _one_of(DeliveryStatus)]


@described
class Refusal(TypedDict):
    """Why a request is refused."""

    detail: str | list[str]
    """What to do, in one sentence, or one for each thing that is wrong."""


@described
class Acknowledged(TypedDict):
    """Somebody deals with it."""

    by: str
    why: str
    at: Time
    until: Time
    ticket: str


@described
class PublicNote(TypedDict):
    """What users of the imaging estate were told."""

    text: str
    at: Time
    next_update: Time | None
    """When the next one was promised."""
    overdue: bool
    """That time has come."""


@extensible
class StoryLine(TypedDict):
    """One thing that happened; which further keys it has depends on `what`."""

    at: Time
    what: str
    """`opened`, `transition`, `notified`, `suppressed`, `acknowledge`, `note`, `ended` …"""


@described
class Correction(TypedDict):
    """What was stated otherwise before."""

    what: str
    before: str | None
    after: str | None
    at: Time
    by: str
    why: str


@described
class Stated(TypedDict):
    """What people have stated of an incident, a declared outage or a window; null where nothing is."""

    reported: Time | None
    """When the vendor was called."""
    responded: Time | None
    workaround: Time | None
    restored: Time | None
    """When the vendor says that it works again."""
    ticket: str | None
    responsible: str | None
    standing: str | None
    """`agreed` or `disputed`."""
    standing_by: str | None
    standing_why: str | None
    counts: str | None
    """`yes` or `no`: whether it counts as downtime."""
    counts_by: str | None
    counts_why: str | None
    corrections: list[Correction]
