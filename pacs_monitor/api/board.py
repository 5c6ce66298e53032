"""The board: where everything stands now."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from pacs_monitor.api.common import (
    Acknowledged,
    Day,
    DeliveryName,
    KindName,
    PagingName,
    PresenceName,
    PublicNote,
    ReasonName,
    RoleName,
    SeverityName,
    StateName,
    Time,
    described,
)
from pacs_monitor.api.plans import Window
from pacs_monitor.api.results import Result


@described
class Restriction(TypedDict):
    """What people forbid a check for a time."""

    mode: str
    """`stop`: nothing is asked; `read_only`: nothing is stored, sent or deleted."""
    text: str
    until: Time | None
    pause: bool
    """A pause; else a window of maintenance."""


@described
class Check(TypedDict):
    """One check: where it stands, where it leans, its last result, when it runs next."""

    check: str
    probe: str
    state: StateName
    severity: SeverityName
    timeout: float
    """Seconds."""
    since: Time
    reason: ReasonName | None
    leaning: StateName | None
    """The state that the last results lean towards; null while they agree with the state."""
    proven: bool
    """It has worked with its present settings."""
    maintenance: bool
    window: Window | None
    restriction: Restriction | None
    absence: str | None
    """Of a node that is absent and expected at some hours: what is said of that."""
    last: Result | None
    next_due: Time | None


@described
class CheckInFull(Check):
    """One check with its history in memory."""

    recent: list[Result]
    """The newest first, 20 at most."""
    failures: list[Result]
    """The last that failed, the newest first."""


@described
class Node(TypedDict):
    """One node: as bad as its worst check."""

    node: str
    title: str
    site: str
    role: str
    presence: PresenceName
    state: StateName
    maintenance: bool
    """All its checks are in maintenance."""
    checks: list[Check]


@described
class Member(TypedDict):
    """A check (`node/check`) or a service that a service needs."""

    member: str
    state: StateName


@described
class Service(TypedDict):
    """What users call the PACS."""

    service: str
    state: StateName
    rule: str
    """`all of 3`, `any of 2`, `2 of 3`."""
    needs: int
    """So many of its members must work."""
    impact: str
    maintenance: bool
    members: list[Member]


@described
class Counts(TypedDict):
    """Checks by their state."""

    up: int
    degraded: int
    down: int
    absent: int
    unknown: int


@described
class Stuck(TypedDict):
    """A notification that a channel refuses while it takes others."""

    notification: str
    incident: str | None
    summary: str
    attempts: int
    reason: str


@described
class ChannelHealth(TypedDict):
    """Whether a channel takes notifications, and what waits."""

    channel: str
    works: bool
    failing_since: Time | None
    reason: str | None
    pending: int
    oldest_pending: Time | None
    last_success: Time | None
    stuck: list[Stuck]
    warnings: list[str]


@described
class Heartbeat(TypedDict):
    """The dead man's switch outside."""

    last_success: Time | None
    trouble: str | None


@described
class CalendarHealth(TypedDict):
    """A calendar of changes."""

    name: str
    last_success: Time | None
    fresh_until: Time | None
    trouble: str | None


@described
class Approval(TypedDict):
    """An approval to write that ends within 30 days, or has ended."""

    node: str
    check: str
    enabled_by: str
    last_day: Day
    ends: Time
    ended: bool


@described
class Notified(TypedDict):
    """A channel that an incident was sent to."""

    channel: str
    status: DeliveryName
    at: Time
    fallback_for: NotRequired[str]
    """The channel that did not deliver it."""


@described
class SuppressedNow(TypedDict):
    """What is suppressed of an open incident, and why."""

    channel: str | None
    event: str
    why: str
    detail: str
    at: Time


@described
class OpenIncident(TypedDict):
    """An open incident, with whom it was sent to."""

    id: str
    kind: KindName
    cause: str
    severity: SeverityName
    state: StateName
    flags: list[str]
    since: Time
    members: list[str]
    page_due: Time
    notified: list[Notified]
    not_notified: list[str]
    """Why nobody is notified, as far as it was decided."""
    suppressed: list[SuppressedNow]
    impact: str
    support_phone: str
    acknowledged: Acknowledged | None
    public_note: PublicNote | None


@described
class Status(TypedDict):
    """The whole board. A daemon that stands by knows less: it says so in `role`, and in `leader` who leads."""

    monitor: str
    time: Time
    timezone: str
    """IANA name."""
    role: RoleName
    leader: NotRequired[str]
    paging: PagingName
    counts: Counts
    channels: list[ChannelHealth]
    heartbeat: Heartbeat | None
    services: list[Service]
    maintenance_calendars: list[CalendarHealth]
    approvals: list[Approval]
    incidents: list[OpenIncident]
    nodes: list[Node]


@described
class Target(TypedDict):
    """One target group of Prometheus's HTTP service discovery."""

    targets: list[str]
    labels: dict[str, str]


@described
class Reload(TypedDict):
    """What a reload changed."""

    revision: str
    """The hash of the configuration in force."""
    changes: list[str]
    warnings: list[str]


@described
class Preview(TypedDict):
    """What a reload would change."""

    changes: list[str]


@described
class Pushed(TypedDict):
    """A report that was taken."""

    node: str
    check: str
    status: str
