"""Things to record."""

from __future__ import annotations

from typing import Any

from ulid import ULID

from pacs_monitor.model import (
    CheckId,
    Entry,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Outcome,
    Phase,
    Reason,
    Result,
    Severity,
    State,
    Status,
    Transition,
)

ECHO = CheckId("archive", "dicom_echo")
STORE = CheckId("archive", "dicom_store")
DISK = CheckId("ris", "disk")


def went(
    after: State,
    since: Micros,
    *,
    before: State = State.UP,
    check: CheckId = ECHO,
    last_before: Micros | None = None,
    reason: Reason | None = Reason.TCP_REFUSED,
    detail: str = "refused",
) -> Transition:
    phase = Phase.CONNECT if reason else None
    return Transition(check, before, after, last_before, since, since + 10, reason, phase, detail if reason else "")


def incident(since: Micros, *, members: tuple[CheckId, ...] = (ECHO,), **changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": str(ULID()),
        "kind": IncidentKind.NODE,
        "cause": str(members[0]),
        "severity": Severity.CRITICAL,
        "state": State.DOWN,
        "reason": Reason.TCP_REFUSED,
        "phase": Phase.CONNECT,
        "detail": "refused",
        "last_good": since - 10,
        "since": since,
        "noticed": since + 10,
        "members": members,
    }
    return Incident(**fields | changes)


def owed(about: Incident | None, event: Event = Event.OPENED, channel: str = "hook", **changes: Any) -> Notification:
    fields: dict[str, Any] = {
        "id": str(ULID()),
        "channel": channel,
        "event": event,
        "created": 5,
        "data": {"summary": "Röntgenarchiv nicht erreichbar", "schema": 1},
        "incident": about.id if about else None,
    }
    return Notification(**fields | changes)


def outage(since: Micros, **changes: Any) -> Entry:
    """A transition to down, its incident, and what it owes to two channels."""
    about = incident(since, **changes)
    return Entry(
        (went(State.DOWN, since, check=about.members[0], last_before=since - 10),),
        (about,),
        (owed(about), owed(about, channel="oncall")),
    )


def result(
    started: Micros, reason: Reason | None = None, *, check: CheckId = ECHO, duration: float = 0.01, **fields: Any
) -> Result:
    outcome = Outcome.of(reason, **fields) if reason else Outcome(Status.OK, **fields)
    return Result(check, check.check, outcome, started, duration)
