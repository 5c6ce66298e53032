"""Notifications, and what can come of trying them."""

from __future__ import annotations

from typing import Any

from pacs_monitor.delivery.backlog import Backlog
from pacs_monitor.delivery.circuit import RetryPolicy
from pacs_monitor.model import DeliveryError, Event, Failure, Notification, Severity

REFUSED = DeliveryError("http_404", "no such page", failure=Failure.REFUSAL, may_have_arrived=False)
UNCONNECTED = DeliveryError("tcp_refused", "nothing listens", may_have_arrived=False)
BUSY = DeliveryError("http_503", "not now")
UNSENDABLE = DeliveryError("unsendable", "no words", failure=Failure.UNSENDABLE, may_have_arrived=False)
FAILURES = (REFUSED, UNCONNECTED, BUSY)


def a_backlog(**pace: Any) -> Backlog:
    return Backlog(RetryPolicy(**pace), lambda delay: delay)


def a_page(
    incident: str, event: Event = Event.OPENED, severity: Severity = Severity.WARNING, number: int = 0
) -> Notification:
    data = {"severity": severity.value, "summary": f"{incident} {event}", "monitor": "east", "incident": incident}
    return Notification(f"{incident}-{event}-{number}", "hook", event, number, data, incident)


def fail_all(backlog: Backlog, now: float, error: DeliveryError) -> list[str]:
    """Try what may be tried at this time, and have it fail; the incidents that were tried."""
    tried: list[str] = []
    while (item := backlog.next(now)) is not None:
        backlog.failed(item, error, now, now)
        tried.append(str(item.notification.incident))
    return tried


def take_all(backlog: Backlog, now: float) -> list[str]:
    """Likewise, and have it taken."""
    tried: list[str] = []
    while (item := backlog.next(now)) is not None:
        backlog.taken(item, now)
        backlog.done(item)
        tried.append(str(item.notification.incident))
    return tried


def times_of_attempts(backlog: Backlog, until: float, error: DeliveryError, now: float = 0.0) -> list[float]:
    """When something is tried, as long as everything fails."""
    times: list[float] = []
    while now <= until:
        times += [now] * len(fail_all(backlog, now, error))
        backlog.drop(now)
        wake = backlog.wake_at(now)
        if wake is None:
            break
        now = wake
    return times
