"""What has happened and is not decided yet, in the order in which alerting heard of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from pacs_monitor import states
from pacs_monitor.alerting.events import Happening, SiteCut, Transitioned
from pacs_monitor.alerting.timeline import in_order
from pacs_monitor.backoff import Backoff
from pacs_monitor.model import SECOND, CheckId, Micros

MOST_UNDECIDED = 1000
"""Events kept for another attempt; the latest ones are kept."""
FIRST_RETRY, LAST_RETRY = 1.0, 30.0
"""Seconds until what could not be decided is tried again."""


class Inbox:
    """A queue of events, and those that a fault kept from being decided."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Micros, Happening]] = deque()
        self._undecided: deque[Happening] = deque(maxlen=MOST_UNDECIDED)
        self._backoff = Backoff(FIRST_RETRY, LAST_RETRY)
        self.retry_at: Micros | None = None
        """When what could not be decided comes up again."""

    def put(self, at: Micros, what: Happening) -> None:
        """Something was noticed then."""
        self._queue.append((at, what))

    def put_first(self, at: Micros, what: Happening) -> None:
        """Something that comes before all that waits."""
        self._queue.appendleft((at, what))

    def oldest(self, now: Micros) -> Micros:
        """When the first of what waits was noticed; now, if nothing waits."""
        return min((at for at, _ in self._queue), default=now)

    def each(self) -> Iterator[tuple[Micros, Happening]]:
        """In order; each stays until the next is asked for, so that an interruption loses none."""
        self._queue = deque(in_order(self._queue))
        while self._queue:
            yield self._queue[0]
            self._queue.popleft()

    def failed(self, what: Happening, now: Micros) -> None:
        """It could not be decided: it is tried again later."""
        self._undecided.append(what)
        self.retry_at = now + round(self._backoff.failed() * SECOND)

    def decided(self) -> None:
        """Something could be decided."""
        self._backoff.reset()

    def retry(self, now: Micros) -> None:
        """Put in again what could not be decided, if its time has come."""
        if self.retry_at is not None and self.retry_at <= now:
            self.retry_at = None
            while self._undecided:
                self._queue.append((now, self._undecided.popleft()))

    def moving(self) -> set[CheckId]:
        """Checks with a transition that waits."""
        waiting = (*(what for _, what in self._queue), *self._undecided)
        return {what.transition.check for what in waiting if isinstance(what, Transitioned)}

    def clock_set(self, step: Micros, now: Micros) -> None:
        """What waits moves along with the wall clock."""
        self._queue = deque((states.redated(at, step, now), _shifted(what, step, now)) for at, what in self._queue)
        self._undecided = deque((_shifted(what, step, now) for what in self._undecided), MOST_UNDECIDED)
        self.retry_at = None if self.retry_at is None else self.retry_at + step


def _shifted(what: Happening, step: Micros, now: Micros) -> Happening:
    """What waits, after the wall clock was set."""
    if isinstance(what, SiteCut):
        return replace(what, since=states.redated(what.since, step, now))
    if not isinstance(what, Transitioned):
        return what
    transition = what.transition
    step = states.redated(transition.noticed, step, now) - transition.noticed
    before = None if transition.last_before is None else transition.last_before + step
    return Transitioned(
        replace(transition, last_before=before, since=transition.since + step, noticed=transition.noticed + step)
    )
