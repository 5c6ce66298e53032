"""Incidents, what was sent of them, and outages that people declared."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from pacs_monitor.api.common import (
    Acknowledged,
    BlameName,
    DeliveryName,
    EndingName,
    KindName,
    PhaseName,
    PublicNote,
    ReasonName,
    SeverityName,
    Stated,
    StateName,
    StoryLine,
    Time,
    described,
)
from pacs_monitor.api.plans import Recorded


@described
class Incident(TypedDict):
    """What people are told of as one."""

    id: str
    kind: KindName
    cause: str
    severity: SeverityName
    summary: str
    state: StateName
    flags: list[str]
    reason: ReasonName | None
    blame: BlameName | None
    phase: PhaseName | None
    detail: str
    next_step: str
    last_good: Time | None
    since: Time
    noticed: Time
    ended: Time | None
    ending: EndingName | None
    members: list[str]
    linked: list[str]
    """Incidents of the same cause."""
    group: str | None
    """The incident of the group that it is part of."""
    acknowledged: Acknowledged | None
    public_note: PublicNote | None


@described
class Notification(TypedDict):
    """One message owed to one channel."""

    id: str
    incident: str | None
    channel: str
    event: str
    created: Time
    status: DeliveryName
    attempts: int
    settled: Time | None
    summary: str


@described
class NotificationOfIncident(Notification):
    """With whether its channel refuses it."""

    stuck: bool


@described
class Suppressed(TypedDict):
    """A notification that was not sent, and why."""

    event: str
    channel: str | None
    why: str
    detail: str
    at: Time
    ended: Time | None


@described
class IncidentInFull(Incident):
    """One incident with its story."""

    points_to: str
    impact: str
    downtime_procedure: str
    support: dict[str, str]
    runbook: str
    notifications: list[NotificationOfIncident]
    suppressed: list[Suppressed]
    evidence: Stated
    story: list[StoryLine]


@described
class Said(Recorded):
    """An incident after something was said of it."""

    id: str
    state: StateName
    summary: str
    acknowledged: Acknowledged | None
    public_note: PublicNote | None
    ended: Time | None
    ending: EndingName | None


@described
class EvidenceSaid(Recorded):
    """The evidence as it is now."""

    id: str
    evidence: Stated


@described
class Declared(TypedDict):
    """An outage that a person declared."""

    id: str
    kind: Literal["declared"]
    node: str | None
    service: str | None
    since: Time
    ended: Time | None
    by: str
    at: Time
    known_by: str
    evidence: Stated


@described
class DeclaredInFull(Declared):
    """One with its story."""

    story: list[StoryLine]


@described
class DeclaredSaid(Declared, Recorded):
    """One as it was just declared."""
