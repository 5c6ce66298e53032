"""How an incident ends of which the record does not know all that was sent: every channel that may have taken its
`opened` gets one end, after it. Pure.

A request that was never answered may still be taken, at any time. So whatever may have been sent is sent again under
its own id before the end, and each receiver has the beginning first. The id of an end derives from what it ends:
two leaders that both end it send one and the same notification, and receivers drop the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

from ulid import ULID

from pacs_monitor.model import ENDINGS, DeliveryStatus, Notification, Notified

_CHANCE = 80
"""The bits of a ULID after its time."""
_UNANSWERED = frozenset({DeliveryStatus.PENDING, DeliveryStatus.GIVEN_UP})
_SETTLED = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.SHADOW, DeliveryStatus.REFUSED})


def end_id(opened: str, version: int) -> str:
    """The id of a channel's end: a ULID from that of its `opened` and the version of what it was notified of.

    Where more was sent in between it is another one: what was sent may have opened the incident anew at its receiver.
    """
    digest = blake2b(f"{opened}\0{version}".encode(), digest_size=_CHANCE // 8).digest()
    return str(ULID.from_int((int(ULID.from_str(opened)) >> _CHANCE << _CHANCE) + int.from_bytes(digest)))


def ended(
    past: Sequence[Notification], notified: Iterable[Notified], withdrawn: Callable[[Notification, str], Notification]
) -> list[Notification]:
    """What is to be recorded of an incident that is over: its notifications as they stand now, then what ends them.

    `past` has what the record lacks, in order. `withdrawn(opened, id)` makes an end where none is among them.
    """
    taken = {one.channel: one for one in past if one.opens and _may_be_taken(one)}
    over = {one.channel for one in past if one.event in ENDINGS}
    versions = {sent.channel: sent.version for sent in notified}
    return [
        *(replace(one, status=_status(one, is_taken=one.channel in taken)) for one in past),
        *(
            withdrawn(opened, end_id(opened.id, versions.get(channel, 1)))
            for channel, opened in taken.items()
            if channel not in over
        ),
    ]


def _may_be_taken(opened: Notification) -> bool:
    tried = opened.status in _UNANSWERED and opened.attempts > 0
    return tried or opened.status in (DeliveryStatus.DELIVERED, DeliveryStatus.SHADOW)


def _status(one: Notification, *, is_taken: bool) -> DeliveryStatus:
    """To be sent (again) only where its channel may have the `opened`, and only what may have been sent, or ends it."""
    if is_taken and one.status not in _SETTLED and (one.opens or one.event in ENDINGS):
        return DeliveryStatus.PENDING
    if one.status is not DeliveryStatus.PENDING or (is_taken and one.attempts > 0):
        return one.status
    return DeliveryStatus.DROPPED
