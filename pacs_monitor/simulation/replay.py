"""The recorded events decided again, by a configuration: what would have been sent, and how that differs.

Every event that alerting decided is on record. What falls due between them is worked out anew, so a configuration with
other routes or other `page_after` gives other pages. What happened because of the configuration of then stays as it
was: when checks ran, how many failures they needed, which were asked for a fresh result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pacs_monitor.alerting.events import ClockSet, Due, Event, event_id, restored
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.config import Estate
from pacs_monitor.intervals import Interval
from pacs_monitor.model import DeliveryStatus, Incident, Micros, Notification, Recorded
from pacs_monitor.model import Event as Said

NOT_REPLAYED = (
    "intervals, timeouts, failures and recoveries of checks, and probes: the transitions are those of then",
    "parents and sites: only those checks have fresh results that were asked for one then",
)
_NO_INCIDENT = (Said.DIGEST, Said.TEST)


class Sent(NamedTuple):
    """One notification, as it was sent or would have been."""

    incident: str
    channel: str
    event: str
    number: int
    """Of its kind, for this incident and channel."""


class Page(NamedTuple):
    """When, and about what."""

    at: Micros
    sent: Sent
    cause: str
    severity: str
    status: str


class Difference(NamedTuple):
    """How a replay differs from what was sent."""

    same: int
    added: tuple[Page, ...]
    """Would be sent, and were not."""
    gone: tuple[Page, ...]
    """Were sent, and would not be."""

    @property
    def is_none(self) -> bool:
        return not self.added and not self.gone


def replay(events: Iterable[Recorded], estate: Estate) -> Iterator[Decided]:
    """What is decided; raises what a decision raised."""
    timeline = Timeline(Rules(estate), _identities())
    for row in events:
        event = restored(row)
        if isinstance(event.what, Due):
            continue
        yield from _checked(_happen(timeline, event))


def pages_of(decisions: Iterable[Decided], period: Interval) -> list[Page]:
    """What would have been sent in a period."""
    owed = [one for decided in decisions for one in decided.effects.owed]
    numbers: Counter[tuple[str, str, str]] = Counter()
    pages = []
    for one in owed:
        numbers[one.incident.id, one.channel, one.event] += 1
        sent = Sent(one.incident.id, one.channel, one.event, numbers[one.incident.id, one.channel, one.event])
        pages.append(Page(one.at, sent, one.incident.cause, one.incident.severity.value, one.status.value))
    return [page for page in pages if period.start <= page.at < period.end]


def pages_sent(
    notifications: Iterable[Notification], incidents: Callable[[str], Incident | None], period: Interval
) -> list[Page]:
    """What was sent in a period; the record of all time is needed to count."""
    numbers: Counter[tuple[str, str, str]] = Counter()
    pages = []
    for one in notifications:
        if one.event in _NO_INCIDENT or one.incident is None:
            continue
        numbers[one.incident, one.channel, one.event] += 1
        sent = Sent(one.incident, one.channel, one.event, numbers[one.incident, one.channel, one.event])
        incident = incidents(one.incident)
        cause = "" if incident is None else incident.cause
        shadow = DeliveryStatus.SHADOW if one.status is DeliveryStatus.SHADOW else DeliveryStatus.PENDING
        pages.append(Page(one.created, sent, cause, str(one.data.get("severity", "")), shadow.value))
    return [page for page in pages if period.start <= page.at < period.end]


def difference(before: Iterable[Page], after: Iterable[Page]) -> Difference:
    """What was sent against what would have been; sent in shadow is not sent."""
    real = DeliveryStatus.PENDING.value, DeliveryStatus.DROPPED.value
    old = {page.sent: page for page in before if page.status in real}
    new = {page.sent: page for page in after if page.status in real}
    added = tuple(page for sent, page in new.items() if sent not in old)
    gone = tuple(page for sent, page in old.items() if sent not in new)
    return Difference(len(new) - len(added), added, gone)


def _happen(timeline: Timeline, event: Event) -> Iterator[Decided]:
    if isinstance(event.what, ClockSet):
        return iter((timeline.clock_set(event.at, event.what, event.id),))
    return timeline.happen(event.at, event.what, event.id)


def _checked(decisions: Iterable[Decided]) -> Iterator[Decided]:
    for decided in decisions:
        if decided.failure is not None:
            raise decided.failure
        yield decided


def _identities() -> Callable[[Micros], str]:
    serial = 0

    def identity(at: Micros) -> str:
        nonlocal serial
        serial += 1
        return event_id(at, serial)

    return identity
