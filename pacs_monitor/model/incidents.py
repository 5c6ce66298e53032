"""What people are notified of: Incident, Notification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple, Self

from pacs_monitor.language import SOURCE
from pacs_monitor.model.enums import TROUBLE, Phase, Reason, Severity, State
from pacs_monitor.model.errors import PacsMonitorError
from pacs_monitor.model.failures import FailureClass
from pacs_monitor.model.results import CheckId, Transition
from pacs_monitor.model.times import Micros
from pacs_monitor.model.words import Acknowledgement, PublicNote


class IncidentKind(StrEnum):
    """What an incident is about.

    `node`: checks of one node are degraded or down for one cause. `group`: nodes of a site became unreachable
    together. `blind`: checks have had no result for long. `delivery`: a channel fails. `fault`: one of the monitor's
    own tasks fails again and again. `summary`: more incidents than a channel may open within a minute.
    """

    NODE = "node"
    GROUP = "group"
    BLIND = "blind"
    DELIVERY = "delivery"
    FAULT = "fault"
    SUMMARY = "summary"


CALENDAR = "calendar:"
"""The cause of a fault that is a calendar of changes begins so; its name follows."""
RECORD = "history"
"""The cause of a fault that is the history: it is damaged, or cannot be written for long."""
ONCALL = "oncall:"
"""The cause of a fault that nobody is on call begins so; the name of the rota follows."""
TEST_NOT_DELIVERED = "test_not_delivered"
"""The detail of a delivery incident whose channel did not deliver the test of its plan in time."""
VANISHED_FROM = "absent:"
"""The cause of a group of modalities that vanished together begins so; the site follows."""


class Ending(StrEnum):
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    """Absorbed by another incident of the same cause before anybody was notified."""
    CLOSED = "closed"
    """By hand, while nothing was measured to be wrong."""


def dedup_key(monitor: str, identity: str) -> str:
    """By what receivers know an incident, a window or a digest of a monitor again: it never changes."""
    return f"{monitor}/{identity}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One check's time in trouble, as a member of an incident."""

    check: CheckId
    state: State
    severity: Severity
    reason: Reason | None
    phase: Phase | None
    detail: str
    last_good: Micros | None
    since: Micros
    noticed: Micros
    due: Micros
    """When people are to be notified of it, at the end of its `page_after`."""
    left: Micros | None = None
    """When it was good again, or left the incident otherwise."""
    flapping: Micros | None = None
    """Since when it failed and recovered again and again, if it did: it stays in the incident while it is good."""
    calm: Micros | None = None
    """Since when it does no longer."""

    @property
    def is_flapping(self) -> bool:
        return self.is_active and self.flapping is not None and self.calm is None

    @property
    def is_active(self) -> bool:
        """Whether it has not left the incident."""
        return self.left is None

    def badness(self) -> tuple[int, int, Micros, CheckId]:
        """The worst is lowest."""
        return self.state.badness, self.severity.badness, self.since, self.check


@dataclass(frozen=True, slots=True)
class Incident:
    """What people are notified of as one: a cause, and the problems that it explains.

    One of kind node opens when a check enters degraded or down, and ends when all of its members are up or no longer
    monitored; `unknown` and `absent` neither open nor end it, and a member that flaps stays in it while it is up.
    """

    id: str
    """A ULID."""
    kind: IncidentKind
    cause: str
    """What it is about: a check, `unreachable:NODE`, `unresponsive:NODE@ADDRESS`, `full:NODE`, a site, a reason for
    unknown, a channel (and, of a summary, a time), a task. One is open per kind and cause, unless two were sent before
    their cause was known."""
    severity: Severity
    state: State
    reason: Reason | None
    phase: Phase | None
    detail: str
    last_good: Micros | None
    since: Micros
    noticed: Micros
    members: tuple[CheckId, ...] = ()
    """All checks that it was ever about, in the order in which they joined."""
    ended: Micros | None = None
    ending: Ending | None = None
    problems: tuple[Problem, ...] = ()
    """Of kind node: one per member."""
    linked: tuple[str, ...] = ()
    """Other incidents of the same cause, both notified before that was known."""
    group: str = ""
    """The group that this incident became part of."""
    acknowledgement: Acknowledgement | None = None
    """Who deals with it, and until when."""
    public_note: PublicNote | None = None
    code: str = ""
    """What a reply to its pages must contain, where replies are taken."""
    version: int = field(default=1, compare=False)
    """Counts its changes: of two writings of one incident, the record keeps the later one, whichever comes last."""

    @property
    def active(self) -> tuple[Problem, ...]:
        """The problems that have not left it."""
        return tuple(problem for problem in self.problems if problem.is_active)

    @property
    def in_trouble(self) -> tuple[Problem, ...]:
        """Those of them that are degraded or down now."""
        return tuple(problem for problem in self.active if problem.state in TROUBLE)

    @property
    def is_flapping(self) -> bool:
        """Whether any of them fails and recovers again and again."""
        return any(problem.is_flapping for problem in self.problems)

    @property
    def worst(self) -> Problem | None:
        """The one that speaks for all: of those in it, the worst by state, then by severity, then the first."""
        return min(self.active, key=Problem.badness, default=None)

    def changed(self, **fields: Any) -> Self:
        """The same with other fields, as a later version."""
        return replace(self, version=self.version + 1, **fields)


class Event(StrEnum):
    """The `type` of a notification."""

    OPENED = "incident.opened"
    REMINDED = "incident.reminded"
    ESCALATED = "incident.escalated"
    ACKNOWLEDGED = "incident.acknowledged"
    CHANGED = "incident.changed"
    RESOLVED = "incident.resolved"
    WITHDRAWN = "incident.withdrawn"
    CLOSED = "incident.closed"
    MAINTENANCE_BEGUN = "maintenance.begun"
    MAINTENANCE_ENDING = "maintenance.ending"
    """A window ends soon, and something still fails."""
    MAINTENANCE_ENDED = "maintenance.ended"
    DIGEST = "digest"
    """Incidents that began and ended while the channel delivered nothing."""
    TEST = "test"


ENDINGS = frozenset({Event.RESOLVED, Event.WITHDRAWN, Event.CLOSED})
"""After one of them a channel hears nothing more of an incident."""


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    """It can never be sent: the channel itself cannot render it."""
    GIVEN_UP = "given_up"
    """Its incident has ended, and it was not delivered within `give_up_after`."""
    SHADOW = "shadow"
    """Recorded, not sent (paging: shadow)."""
    DROPPED = "dropped"
    """Not sent: its `opened` notification was never delivered, or a later update replaced it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message owed to one channel; it lives in the outbox until delivered."""

    id: str
    """A ULID; the `webhook-id` on every retry."""
    channel: str
    event: Event
    created: Micros
    data: Mapping[str, Any]
    """What every channel renders from, with the keys of docs/operations.md, What a page says."""
    incident: str | None = None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    unrecorded: bool = False
    settled: Micros | None = field(default=None, compare=False)
    """When it was delivered or given up, as the record has it."""

    @property
    def type(self) -> str:
        """What receivers know it by: `incident.opened`, `group.opened`, `digest`, `test`."""
        kind = self.data.get("kind")
        if kind == IncidentKind.SUMMARY:
            return Event.DIGEST.value
        return self.event.replace("incident.", "group.") if kind == IncidentKind.GROUP else self.event.value

    @property
    def language(self) -> str:
        """In which it is written, and what a channel adds to it."""
        return str(self.data.get("language") or SOURCE)

    @property
    def opens(self) -> bool:
        """Whether it is the first that its channel hears of its incident: opened, or an escalation to yet another."""
        return self.event is Event.OPENED or (self.event is Event.ESCALATED and bool(self.data.get("first")))

    def while_unrecorded(self) -> Notification:
        """The same, marked as sent while the history cannot be written."""
        return replace(self, unrecorded=True, data={**self.data, "unrecorded": True})


class DeliveryResult(NamedTuple):
    """How a notification ended."""

    notification: str
    """Its id."""
    status: DeliveryStatus
    attempts: int = 0
    """In this process."""
    said: str = ""
    """By the receiver."""


class Why(StrEnum):
    """Why a notification was not sent where nothing suppresses it (pacs_monitor.alerting.suppress has the other words).

    Both together are a closed list, a metric label.
    """

    PAGE_AFTER = "page_after"
    """It was over before people were to be notified."""
    NO_CHANNEL = "no_channel"
    CHANNEL_REMOVED = "channel_removed"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A notification that was not sent, and why."""

    incident: str
    event: Event
    why: str
    """One of Why, or the word of what suppressed it; older records have other words."""
    at: Micros
    channel: str | None = None
    """None where it is all of them."""
    detail: str = ""
    """Which parent, which group."""
    ended: Micros | None = None
    """When this reason no longer held."""


@dataclass(frozen=True, slots=True)
class Notified:
    """What one channel was notified of, of one incident: the memory of alerting."""

    incident: str
    channel: str
    at: Micros
    """When a notification about it was last sent."""
    opened: str
    """The id of its `opened` notification."""
    state: State
    severity: Severity
    """The highest that was sent."""
    worst: FailureClass = FailureClass.OTHER
    """The worst class of failure that was sent."""
    members: tuple[CheckId, ...] = ()
    page: int = 1
    """Goes up each time that it pages anew."""
    shadow: bool = False
    """Recorded, not sent."""
    refused: bool = False
    """Its `opened` notification cannot be sent, so nothing may follow."""
    flapping: bool = False
    """That it flaps was sent, and not yet that this is over."""
    version: int = field(default=1, compare=False)

    def changed(self, **fields: Any) -> Self:
        """The same with other fields, as a later version."""
        return replace(self, version=self.version + 1, **fields)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that alerting decided on, as the record keeps it."""

    id: str
    """A ULID; the ids of what it opened and sent derive from it, but those of ends (pacs_monitor.ends)."""
    at: Micros
    kind: str
    data: Mapping[str, Any]


class Unreachable(NamedTuple):
    """An interval in which a check could not be reached because of what stands before it on the network."""

    check: CheckId
    parent: str
    """The node, or the site, that was down."""
    since: Micros
    until: Micros | None


class Maintained(NamedTuple):
    """An interval in which a check was in maintenance."""

    check: CheckId
    window: str
    """The id of the window."""
    since: Micros
    until: Micros | None
    name: str = ""
    """What was done."""
    announced: date | None = None


class Note(NamedTuple):
    """Something small that deciding needs after a restart, under a key of its kind; None removes it."""

    kind: str
    key: str
    data: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one transaction of the history records: all of it, or nothing."""

    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """New and changed ones, whole."""
    notifications: tuple[Notification, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    notified: tuple[Notified, ...] = ()
    events: tuple[Recorded, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    notes: tuple[Note, ...] = ()
    maintained: tuple[Maintained, ...] = ()


class Failure(StrEnum):
    """What a failed delivery says about the next one."""

    REFUSAL = "refusal"
    """The receiver rejects this (HTTP 3xx, and 4xx other than 408, 425 and 429); people must act first."""
    TEMPORARY = "temporary"
    """Not connected, no complete answer, or the receiver is temporarily unable to accept it."""
    UNSENDABLE = "unsendable"
    """The channel itself cannot render it; a retry would not help."""


class DeliveryError(PacsMonitorError):
    """A delivery failed. `reason` is short and closed (a metric label), `retry_after` is in seconds."""

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        failure: Failure = Failure.TEMPORARY,
        may_have_arrived: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason, self.failure, self.retry_after = reason, failure, retry_after
        self.may_have_arrived = may_have_arrived
        """False only where it certainly did not: nothing connected, or a complete answer says that it was not
        accepted."""
