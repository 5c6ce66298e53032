"""What of a lane is not sent any more: what something later replaces, and what nobody needs now. Pure.

That is: an update (changed, reminded) that a later one replaces; a reminder that anything follows; and, once
the incident has ended, an opened with all that waits behind it, if it is old and surely never arrived, or if it has
waited for `give_up_after`. An opened of an incident that goes on is never given up.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from pacs_monitor.delivery.circuit import RetryPolicy
from pacs_monitor.delivery.lanes import Item, Lane
from pacs_monitor.model import ENDINGS, DeliveryStatus, Event

UPDATES = frozenset({Event.CHANGED, Event.REMINDED})


class Dropped(NamedTuple):
    """What is not sent: all of it, or none, is to be recorded. `missed` if nobody knows that the incident began."""

    items: tuple[tuple[Item, DeliveryStatus], ...]
    missed: bool


def deadline(lane: Lane, policy: RetryPolicy) -> float:
    """When something of an ended incident's lane is dropped or given up."""
    head = lane.waiting[0]
    if lane.opening is None or head.may_have_arrived:
        return head.since + policy.give_up_after
    return head.since + min(policy.give_up_after, policy.drop_after)


def overdue(lane: Lane, now: float, policy: RetryPolicy) -> list[Dropped]:
    """What an ended incident's lane has waited with for too long, or without an end to come; it is gone from there."""
    if not lane.ended or not lane.waiting:
        return []
    due = deadline(lane, policy) <= now
    if lane.opening is not None:
        has_an_end = any(item.notification.event in ENDINGS for item in lane.waiting)
        given_up = has_an_end and now >= lane.waiting[0].since + policy.give_up_after
        first = DeliveryStatus.GIVEN_UP if given_up else DeliveryStatus.DROPPED
        return [Dropped(emptied(lane, first), missed=True)] if due or not has_an_end else []
    return [Dropped(((lane.waiting.popleft(), DeliveryStatus.GIVEN_UP),), missed=False)] if due else []


def replaced(lane: Lane) -> list[Dropped]:
    """Updates that something later in the lane replaces."""
    kept: deque[Item] = deque()
    dropped: list[Dropped] = []
    updated = False
    for place, item in reversed(list(enumerate(lane.waiting))):
        event, under_way = item.notification.event, lane.busy and place == 0
        old = (event in UPDATES and updated) or (event is Event.REMINDED and bool(kept))
        updated = updated or event in UPDATES
        if old and not under_way:
            dropped.append(Dropped(((item, DeliveryStatus.DROPPED),), missed=False))
        else:
            kept.appendleft(item)
    lane.waiting = kept
    return dropped


def emptied(lane: Lane, first: DeliveryStatus = DeliveryStatus.DROPPED) -> tuple[tuple[Item, DeliveryStatus], ...]:
    """Empty the lane; its first notification ends so, the others are dropped."""
    items = tuple(lane.waiting)
    lane.waiting.clear()
    return tuple((item, DeliveryStatus.DROPPED if place else first) for place, item in enumerate(items))
