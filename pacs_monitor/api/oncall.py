"""Who is on call, and what the next shift has to know."""

from __future__ import annotations

from typing_extensions import TypedDict

from pacs_monitor.api.common import (
    Acknowledged,
    KindName,
    PagingName,
    PublicNote,
    SeverityName,
    StateName,
    Time,
    described,
)


@described
class Shift(TypedDict):
    """Who has it from when to when; without people, pages go to `channels`."""

    people: list[str]
    channels: list[str]
    since: Time | None
    until: Time | None
    covered: bool
    gap: bool


@described
class Gap(TypedDict):
    """Hours that a rota covers and nobody has."""

    start: Time
    end: Time


@described
class Rota(TypedDict):
    """One rota."""

    name: str
    timezone: str
    covers: str
    at_once: int
    """How many people are on call together."""
    now: Shift
    next: list[Shift]
    gaps: list[Gap]


@described
class OnCall(TypedDict):
    """Who is on call by every rota."""

    monitor: str
    timezone: str
    time: Time
    oncall: list[Rota]


@described
class HandoverNote(TypedDict):
    """What a colleague has noted."""

    at: Time
    by: str
    text: str


@described
class HandoverIncident(TypedDict):
    """An incident that goes on."""

    id: str
    kind: KindName
    severity: SeverityName
    state: StateName
    summary: str
    next_step: str
    impact: str
    since: Time
    acknowledged: Acknowledged | None
    notes: list[HandoverNote]
    public_note: PublicNote | None


@described
class HandoverEnded(TypedDict):
    """An incident that ended since the last handover."""

    id: str
    severity: SeverityName
    summary: str
    since: Time
    ended: Time
    acknowledged: Acknowledged | None


@described
class HandoverExpiring(TypedDict):
    """Something that ends soon."""

    at: Time
    what: str
    about: str
    by: str
    incident: str


@described
class HandoverPlanned(TypedDict):
    """A window of maintenance of the next day."""

    name: str
    start: Time
    end: Time
    covers: str
    by: str


@described
class HandoverPaused(TypedDict):
    """Checks that people have stopped."""

    what: str
    by: str
    until: Time | None
    why: str


@described
class HandoverNotChecked(TypedDict):
    """Checks without a valid result, for one reason."""

    why: str
    checks: list[str]
    since: Time | None
    incident: str


@described
class HandoverOnDuty(TypedDict):
    """Who is on call, and who is next."""

    rota: str
    people: list[str]
    channels: list[str]
    covered: bool
    until: Time | None
    following: list[str]
    gaps: str


@described
class HandoverUndelivered(TypedDict):
    """A channel that is owed something, or by which something was not delivered."""

    channel: str
    pending: int
    oldest: Time | None
    failing_since: Time | None
    reason: str
    refused: list[str]
    lost: list[str]


@described
class HandoverUnproven(TypedDict):
    """A channel that has delivered nothing for long."""

    channel: str
    last_success: Time | None


@described
class Handover(TypedDict):
    """What the next shift has to know."""

    monitor: str
    time: Time
    since: Time
    """The last handover, or twelve hours ago."""
    paging: PagingName
    open: list[HandoverIncident]
    acknowledged: list[HandoverIncident]
    undelivered: list[HandoverUndelivered]
    expiring: list[HandoverExpiring]
    maintenance: list[HandoverPlanned]
    pauses: list[HandoverPaused]
    not_checked: list[HandoverNotChecked]
    never_worked: list[str]
    channels_not_proven: list[HandoverUnproven]
    on_call: list[HandoverOnDuty]
    ended: list[HandoverEnded] | None
    """null: the history could not be read."""
    overdue_updates: list[str]
    """Ids of incidents of which users wait for news."""
    summary: str
    text: str
    """All of it for people, line by line."""
