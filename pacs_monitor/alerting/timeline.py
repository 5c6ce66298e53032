"""Events in order of time, with what falls due between them: the one way to drive `advance`.

The desk feeds it what happens, a replay what is on record, a scenario what somebody has written. A wake that falls due
before an event is decided before it, at the time at which it was due: so it makes no odds how late anybody looks. Of
one moment, what happens comes first and what falls due last.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pacs_monitor.alerting.advance import advance
from pacs_monitor.alerting.events import ClockSet, Due, Event, Happening, Started, Transitioned
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.alerting.turn import Effects
from pacs_monitor.model import SECOND, Micros

LATE = 60 * SECOND
"""Later than this, something was not looked at in time because nobody could."""


def in_order(happenings: Iterable[tuple[Micros, Happening]]) -> list[tuple[Micros, Happening]]:
    """The start, then by time; of one moment the transitions last, by check, whichever was noticed first."""

    def order(one: tuple[Micros, Happening]) -> tuple[bool, Micros, bool, str]:
        at, what = one
        check = str(what.transition.check) if isinstance(what, Transitioned) else ""
        return not isinstance(what, Started), at, bool(check), check

    return sorted(happenings, key=order)


class Decided(NamedTuple):
    """An event, and what it has led to; `failure` if it could not be decided, and changed nothing."""

    event: Event
    effects: Effects
    failure: Exception | None = None


class Timeline:
    """The situation as it goes on."""

    def __init__(self, rules: Rules, identity: Callable[[Micros], str], situation: Situation | None = None) -> None:
        """`identity` makes a new ULID for a time."""
        self.rules = rules
        self.situation = situation or Situation()
        self._identity = identity
        self._wakes: list[tuple[Micros, str]] = []
        self._planned: set[tuple[Micros, str]] = set()

    @property
    def wake_at(self) -> Micros | None:
        """When something falls due, if nothing happens before."""
        return self._wakes[0][0] if self._wakes else None

    def happen(self, at: Micros, what: Happening, identity: str = "") -> Iterator[Decided]:
        """Decide what was noticed at a time, after all that fell due before it; a recorded event has its `identity`."""
        if not isinstance(what, Started):  # a gap: what fell due within it is decided now
            yield from self.pass_until(at - 1)
        yield self._decide(at, what, identity)

    def pass_until(self, now: Micros) -> Iterator[Decided]:
        """Decide what has fallen due."""
        while self._wakes and self._wakes[0][0] <= now:
            wake = heapq.heappop(self._wakes)
            self._planned.discard(wake)
            at, subject = wake
            decided = self._decide(at, Due(subject))
            if decided.failure is not None or not decided.effects.is_empty:
                yield decided

    def postpone(self, until: Micros) -> None:
        """Nobody looked for long (a machine that slept): what fell due meanwhile falls due then, and once."""
        late = {subject for at, subject in self._wakes if at < until - LATE}
        if late:
            self._planned = {(at, subject) for at, subject in self._wakes if at >= until - LATE}
            self._planned |= {(until, subject) for subject in late}
            self._wakes = sorted(self._planned)

    def clock_set(self, now: Micros, what: ClockSet, identity: str = "") -> Decided:
        """The wall clock was set: what was due in a minute still is."""
        self._wakes = [(at + what.step, subject) for at, subject in self._wakes]
        self._planned = set(self._wakes)
        return self._decide(now, what, identity)

    def _named(self, at: Micros, _what: Happening) -> str:
        """The id of an event that is not on record."""
        return self._identity(max(at, 0))

    def _decide(self, at: Micros, what: Happening, identity: str = "") -> Decided:
        at = max(at, self.situation.at)
        event = Event(identity or self._named(at, what), at, what)
        try:
            self.situation, effects = advance(self.situation, event, self.rules)
        except Exception as error:  # noqa: BLE001 - an event that cannot be decided costs itself alone
            return Decided(event, Effects(), error)
        for wake in effects.wakes:
            if wake not in self._planned:
                self._planned.add(wake)
                heapq.heappush(self._wakes, wake)
        return Decided(event, effects)
