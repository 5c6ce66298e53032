"""A test of a channel: its notifications in order, what became of each, and that what it has opened is ended again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pacs_monitor.model import ENDINGS, Channel, Clock, DeliveryError, Event, Notification, Refreshes, iso

OPEN_FOR = 45.0
"""Seconds for which a test stays open where the receiver rings with a delay: group_wait of Alertmanager is 30 s."""
LONGEST_OPEN = 600.0
"""Seconds."""
END_TRIES, END_AGAIN = 3, 2.0
"""How often an end is tried, and the seconds between."""

Send = Callable[[Notification], Awaitable[str]]
Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One notification of a test."""

    notification: Notification
    at: int
    """Microseconds since 1970."""
    seconds: float
    said: str
    """By the receiver, or why it was not delivered."""
    error: DeliveryError | None

    @property
    def may_have_arrived(self) -> bool:
        return self.error is None or self.error.may_have_arrived


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a test."""

    channel: Channel
    steps: tuple[Step, ...]

    @property
    def left_open(self) -> bool:
        """Whether the receiver may still keep it open."""
        first, last = self.steps[0], self.steps[-1]
        if first.notification.event is Event.TEST:
            return self.channel.owns_escalation and first.may_have_arrived
        return first.notification.opens and first.may_have_arrived and not _has_ended(last)

    def as_json(self) -> dict[str, Any]:
        """The answer of the API; `reason` and `said` are those of the first that failed, or of the first."""
        failed = next((step for step in self.steps if step.error is not None), None)
        speaks = failed or self.steps[0]
        return {
            "channel": self.steps[0].notification.channel,
            "kind": self.channel.kind,
            "delivered": failed is None,
            "reason": failed.error.reason if failed and failed.error else None,
            "said": speaks.said,
            "left_open": self.left_open,
            "key": self.steps[0].notification.data.get("dedup_key"),
            "steps": [_step(step) for step in self.steps],
        }


def keeps_open(channel: Channel) -> bool:
    """Whether its receiver keeps an incident open until it hears of its end, and rings for it meanwhile."""
    return channel.owns_escalation or isinstance(channel, Refreshes)


def held_for(channel: Channel, open_for: float | None) -> float:
    """Seconds until the end is sent: as asked, by default OPEN_FOR where the receiver keeps it open, else none."""
    if open_for is not None:
        return open_for
    return OPEN_FOR if keeps_open(channel) else 0.0


async def try_out(
    channel: Channel,
    notifications: Sequence[Notification],
    send: Send,
    clock: Clock,
    *,
    open_for: float | None = None,
    wait: Wait = asyncio.sleep,
) -> Tried:
    """Send a test; before its end, wait as long as it is held for.

    What surely did not arrive ends it; whatever may have arrived gets its end, which is tried END_TRIES times.
    """
    hold = held_for(channel, open_for)
    steps: list[Step] = []
    for notification in notifications:
        if notification.event in ENDINGS:
            if hold and steps[-1].error is None:
                await wait(hold)
            steps.append(await _ended(notification, send, clock, wait))
        elif not steps or steps[-1].error is None:
            steps.append(await _sent(notification, send, clock))
        if not steps[0].may_have_arrived:
            break
    return Tried(channel, tuple(steps))


async def _ended(notification: Notification, send: Send, clock: Clock, wait: Wait) -> Step:
    step = await _sent(notification, send, clock)
    for _ in range(END_TRIES - 1):
        if step.error is None:
            break
        await wait(END_AGAIN)
        step = await _sent(notification, send, clock)
    return step


async def _sent(notification: Notification, send: Send, clock: Clock) -> Step:
    at, began = clock.now(), clock.monotonic()
    try:
        said, error = await send(notification), None
    except DeliveryError as failure:
        said, error = str(failure), failure
    return Step(notification, at, clock.monotonic() - began, said, error)


def _has_ended(step: Step) -> bool:
    return step.error is None and step.notification.event in ENDINGS


def _step(step: Step) -> dict[str, Any]:
    return {
        "event": step.notification.type,
        "summary": step.notification.data.get("summary", ""),
        "at": iso(step.at),
        "seconds": round(step.seconds, 3),
        "delivered": step.error is None,
        "reason": step.error.reason if step.error else None,
        "said": step.said,
    }
