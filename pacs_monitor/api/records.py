"""What is on record beside incidents: who asked for what, and what changed in peers."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from pacs_monitor.api.common import Time, described
from pacs_monitor.api.plans import Recorded


@described
class AuditEntry(TypedDict):
    """Who asked for what, when, from where, and what became of it."""

    id: str
    at: Time
    by: str
    token: str
    """The name of the token."""
    role: str
    address: str
    action: str
    status: int
    """Of the answer (RFC 9110 15)."""
    details: dict[str, Any]
    why: str
    count: int
    """How many requests it stands for."""
    outcome: str
    """`done`, `refused` or `failed`."""
    subject: str
    """The checks of an incident that it names."""


@described
class Change(TypedDict):
    """A change that was detected in a peer."""

    node: str
    check: str
    at: Time
    what: str
    before: str
    after: str


@described
class Step(TypedDict):
    """One message of a test."""

    event: str
    summary: str
    at: Time
    seconds: float
    delivered: bool
    reason: str | None
    said: str
    """What the receiver answered, or why it was not delivered."""


@described
class Tried(TypedDict):
    """What became of a test of a channel."""

    channel: str
    kind: str
    delivered: bool
    reason: str | None
    said: str
    left_open: bool
    """It is still open at the receiver."""
    key: str | None
    """By what the receiver knows it."""
    steps: list[Step]


@described
class ExplanationSaid(Recorded):
    """What was explained of a day of the constancy log."""

    id: str
    log: str
    day: str
    by: str
    why: str
    at: Time


@described
class Replied(TypedDict):
    """A reply that acknowledged an incident."""

    accepted: bool
    incident: str
    by: str
    recorded: bool


@described
class ReplyRefused(TypedDict):
    """A reply that acknowledged nothing; status 200 where the box takes no other."""

    accepted: bool
    detail: str
