"""The recorded events decided again, by a configuration: what would have been sent, and how that differs.

Every event that alerting decided is on record. What falls due between them is worked out anew, so a configuration with
other routes or other `page_after` gives other pages. What happened because of the configuration of then stays as it
was: when checks ran, how many failures they needed, which were asked for a fresh result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pacs_monitor.alerting.events import ClockSet, Due, Event, Happening, Reloaded, Started, event_id, restored
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, DeliveryStatus, Micros, Notification, Recorded
from pacs_monitor.model import Event as Said

NOT_REPLAYED = (
    "intervals, timeouts, failures and recoveries of checks, and probes: the transitions are those of then",
    "what people said of an incident that is not opened again",
    "parents and sites: only those checks have fresh results that were asked for one then",
    "deliveries: each channel failed and worked again as it did then",
    "reminders of a machine that slept: they are not gathered when it wakes",
)
SAME_TIME = SECOND
"""Two times are the same if they differ by no more."""
REAL = (DeliveryStatus.PENDING, DeliveryStatus.DROPPED)
"""How a notification ends that is not for the record alone."""


class Sent(NamedTuple):
    """Which notification it is."""

    incident: str
    channel: str
    event: str
    number: int
    """Of its kind, for this incident and channel, in the period."""


class Page(NamedTuple):
    """A notification, as it was sent or would have been."""

    at: Micros
    sent: Sent
    severity: str


class Moved(NamedTuple):
    """The same notification at another time."""

    before: Page
    after: Page


class Difference(NamedTuple):
    """How a replay differs from what was sent."""

    same: int
    added: tuple[Page, ...]
    """Would be sent, and were not."""
    gone: tuple[Page, ...]
    """Were sent, and would not be."""
    moved: tuple[Moved, ...]
    """Would be sent at another time."""

    @property
    def is_none(self) -> bool:
        return not (self.added or self.gone or self.moved)


class Replayed(NamedTuple):
    """What a configuration makes of the events."""

    pages: tuple[Page, ...]
    causes: dict[str, str]
    """Incident → its cause, the last that it had."""
    first: Micros | None
    """When the first event was decided."""


def replay(
    events: Iterable[Recorded],
    rules: Rules,
    period: Interval,
    in_force: Callable[[Event], Rules | None] = lambda _: None,
) -> Replayed:
    """Decide all events, and what falls due until the period ends; raises what a decision raised.

    `in_force` has the rules that an event brings into force, if it is to bring any.
    """
    timeline, first = _Timeline(rules), None
    causes: dict[str, str] = {}
    pages = _Pages(period)
    for decided in _decided(timeline, events, period.end, in_force):
        first = decided.event.at if first is None else first
        causes |= {identity: incident.cause for identity, incident in decided.effects.incidents.items()}
        for owed in decided.effects.owed:
            if owed.status in REAL:
                pages.add(owed.at, owed.incident.id, owed.channel, owed.event, owed.incident.severity.value)
    return Replayed(tuple(pages.found), causes, first)


def pages_sent(notifications: Iterable[Notification], period: Interval, first: Micros) -> tuple[tuple[Page, ...], int]:
    """What was sent in a period, and how many of it are about incidents that had begun before the first event."""
    pages, older = _Pages(period), 0
    for one in notifications:
        if one.event in (Said.DIGEST, Said.TEST) or one.incident is None or one.status is DeliveryStatus.SHADOW:
            continue
        if one.incident[:_TIME] < event_id(first)[:_TIME]:
            older += 1
        else:
            pages.add(one.created, one.incident, one.channel, one.event, str(one.data.get("severity", "")))
    return tuple(pages.found), older


def difference(before: Iterable[Page], after: Iterable[Page]) -> Difference:
    """What was sent against what would have been."""
    old, new = {page.sent: page for page in before}, {page.sent: page for page in after}
    both = [Moved(old[sent], page) for sent, page in new.items() if sent in old]
    moved = tuple(two for two in both if abs(two.after.at - two.before.at) > SAME_TIME)
    added = tuple(page for sent, page in new.items() if sent not in old)
    gone = tuple(page for sent, page in old.items() if sent not in new)
    return Difference(len(both) - len(moved), added, gone, moved)


UNDECIDED = 5 * SECOND
"""What falls due in the last seconds of a run may not be decided any more; what was is on record."""
_TIME = 10
"""Characters of a ULID that say its time."""


class _Pages:
    """Notifications of a period, each with its number."""

    def __init__(self, period: Interval) -> None:
        self.found: list[Page] = []
        self._period = period
        self._numbers = Counter[tuple[str, str, str]]()

    def add(self, at: Micros, incident: str, channel: str, event: str, severity: str) -> None:
        if self._period.start <= at < self._period.end:
            self._numbers[incident, channel, event] += 1
            number = self._numbers[incident, channel, event]
            self.found.append(Page(at, Sent(incident, channel, event, number), severity))


class _Timeline(Timeline):
    """What falls due as it did then has the same id, and so has what it opens."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules, self._invented)
        self.then: dict[tuple[Micros, str], str] = {}
        """Of what fell due: at, subject → id."""
        self._serial = 0

    def _named(self, at: Micros, what: Happening) -> str:
        known = self.then.get((at, what.subject)) if isinstance(what, Due) else None
        return known or super()._named(at, what)

    def _invented(self, at: Micros) -> str:
        self._serial += 1
        return event_id(at, self._serial)


def _decided(
    timeline: _Timeline, events: Iterable[Recorded], end: Micros, in_force: Callable[[Event], Rules | None]
) -> Iterator[Decided]:
    for decided in _every(timeline, events, end, in_force):
        if decided.failure is not None:
            raise decided.failure
        yield decided


def _every(
    timeline: _Timeline, events: Iterable[Recorded], end: Micros, in_force: Callable[[Event], Rules | None]
) -> Iterator[Decided]:
    last = 0
    for row in events:
        event = restored(row)
        what = event.what
        if isinstance(what, Due):
            timeline.then[event.at, what.subject] = event.id
            last = event.at
            continue
        yield from timeline.pass_until(last if timeline.then else 0)  # it was decided before what comes now
        if isinstance(what, Started):  # the run before had decided what fell due while it was alive
            yield from timeline.pass_until(max((what.off_since or 0) - UNDECIDED, last))
        if isinstance(what, Started | Reloaded):
            timeline.rules = in_force(event) or timeline.rules
        if isinstance(what, ClockSet):
            yield timeline.clock_set(event.at, what, event.id)
        else:
            yield from timeline.happen(event.at, what, event.id)
        timeline.then.clear()
        last = event.at
    yield from timeline.pass_until(max(end - 1 - UNDECIDED, last))
