"""What people are notified of: Incident, Notification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from pacs_monitor.model.enums import Phase, Reason, Severity, State
from pacs_monitor.model.errors import PacsMonitorError
from pacs_monitor.model.results import CheckId, Transition
from pacs_monitor.model.times import Micros


class IncidentKind(StrEnum):
    """`node`: a check is degraded or down. `blind`: a check has had no result for long. `delivery`: a channel fails.

    `fault`: one of the monitor's own tasks fails again and again.
    """

    NODE = "node"
    BLIND = "blind"
    DELIVERY = "delivery"
    FAULT = "fault"


class Ending(StrEnum):
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Incident:
    """Opens on entering degraded or down, ends at up or withdrawn; `unknown` neither opens nor ends one."""

    id: str
    """A ULID."""
    kind: IncidentKind
    cause: str
    """What it is about: a check, a reason for unknown, a channel, a task. One is open per kind and cause."""
    severity: Severity
    state: State
    reason: Reason | None
    phase: Phase | None
    detail: str
    last_good: Micros | None
    since: Micros
    noticed: Micros
    members: tuple[CheckId, ...] = ()
    ended: Micros | None = None
    ending: Ending | None = None
    version: int = field(default=1, compare=False)
    """Counts its changes: of two writings of one incident, the record keeps the later one, whichever comes last."""

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
    DIGEST = "digest"
    """Incidents that began and ended while the channel delivered nothing."""
    TEST = "test"


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
    """The `data` of contracts.md's webhook: what every channel renders from."""
    incident: str | None = None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    unrecorded: bool = False

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


@dataclass(frozen=True, slots=True)
class Withheld:
    """A notification that was not sent, and why (`page_after`, `shadow`, `acknowledged by …`)."""

    incident: str
    event: Event
    why: str
    at: Micros
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one transaction of the history records: all of it, or nothing."""

    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """New and changed ones, whole."""
    notifications: tuple[Notification, ...] = ()
    withheld: tuple[Withheld, ...] = ()


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
