"""A world that alerting watches: what happens in it is planned, and a check that is asked answers a second later."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pacs_monitor.alerting.events import ClockSet, Happening, Measured, Reloaded, Started, Transitioned, event_id
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Situation, Subject
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.config import Estate
from pacs_monitor.model import SECOND, CheckId, Micros, Reason, State, Transition

ANSWERS_AFTER = SECOND
CONFIRMED = 30 * SECOND
"""How long it takes to confirm that a check has changed: until then it leans."""
WELL = State.UP, None


class Move(NamedTuple):
    """A check is confirmed to be in another state."""

    at: Micros
    check: CheckId
    state: State
    reason: Reason | None = None
    since: Micros | None = None
    """When the first result of it had ended."""


class World:
    """Plays what was planned, in order of time; the same plan gives the same answers and the same ids."""

    answers = True
    """Whether checks that are asked for a fresh result have one."""

    def __init__(self, estate: Estate, start: Micros) -> None:
        self.now = start
        self._serial = 0
        self._shift = 0
        """By how much the clock was set."""
        self._off_until = start
        self.estate = estate
        self._moves: dict[CheckId, list[Move]] = {}
        self._states: dict[CheckId, tuple[State, Reason | None]] = {}
        self._coming: list[tuple[Micros, int, Callable[[], Happening | None]]] = []
        self.timeline = Timeline(Rules(estate), self._identity)
        self.when(start, Started)

    def plan(self, move: Move) -> None:
        """Let a check move, then."""
        self._moves.setdefault(move.check, []).append(move)
        self.when(move.at, lambda: self._moved(move))

    def happen(self, at: Micros, what: Happening) -> None:
        """Let something else happen, then."""
        self.when(at, lambda: what)

    def reload(self, at: Micros, estate: Estate) -> None:
        """Put another configuration in force, then."""

        def reloaded() -> Happening:
            self.estate, self.timeline.rules = estate, Rules(estate)
            return Reloaded(estate.revision)

        self.when(at, reloaded)

    def restart(self, at: Micros, lasts: Micros) -> None:
        """The monitor ends then, and starts again when that time has passed; what happens meanwhile it notices then."""

        def ended() -> None:
            off_since, self._off_until = self.now, self.now + lasts
            self.go_on(self.timeline.situation)
            self.when(self._off_until, lambda: Started(off_since))

        self.when(at, ended)

    def set_clock(self, at: Micros, step: Micros) -> None:
        """The wall clock is set by so much then; what is planned after it comes in as much time as it would have."""

        def stepped() -> Happening:
            self._shift, self.now = self._shift + step, self.now + step
            self._coming = [(moment + step, serial, happening) for moment, serial, happening in self._coming]
            return ClockSet(step)

        self.when(at, stepped)

    def incident(self, about: str) -> str:
        """The id of the newest open incident of a node, a check or a cause, or of all (`last`)."""
        for subject in sorted(self.timeline.situation.subjects.values(), key=Subject.age, reverse=True):
            incident = subject.incident
            if about in ("last", incident.cause, *(m.node for m in incident.members), *map(str, incident.members)):
                return incident.id
        return about

    def go_on(self, situation: Situation) -> None:
        """Another process takes over, with this situation."""
        self.timeline = Timeline(Rules(self.estate), self._identity, situation)

    def run(self, until: Micros) -> Iterator[Decided]:
        """What is decided until then; raises what a decision raised."""
        while self._coming and self._coming[0][0] <= until + self._shift:
            self.now, _, happening = heapq.heappop(self._coming)
            if self.now < self._off_until:
                self.when(self._off_until, happening)
                continue
            yield from self._sorted(self.timeline.pass_until(self.now - 1))
            what = happening()
            if isinstance(what, ClockSet):
                yield from self._sorted(iter([self.timeline.clock_set(self.now, what)]))
            elif what is not None:
                yield from self._sorted(self.timeline.happen(self.now, what))
        self.now = until + self._shift
        yield from self._sorted(self.timeline.pass_until(self.now))

    def _sorted(self, decisions: Iterator[Decided]) -> Iterator[Decided]:
        for decided in decisions:
            if decided.failure is not None:
                raise decided.failure
            for check in decided.effects.probes if self.answers else ():
                self.when(decided.event.at + ANSWERS_AFTER, self.answering(check))
            yield decided

    def _moved(self, move: Move) -> Happening | None:
        before, after = self._states.get(move.check, WELL), (move.state, move.reason)
        if before == after or move.check not in self.estate.checks:
            return None
        self._states[move.check] = after
        since = (move.at if move.since is None else move.since) + self._shift
        last_before = since - round(self.estate.checks[move.check].interval * SECOND)
        return Transitioned(Transition(move.check, before[0], move.state, last_before, since, self.now, move.reason))

    def answering(self, check: CheckId) -> Callable[[], Happening | None]:
        """The answer of a check that was asked; it leans if its next move is near."""

        def answer() -> Happening | None:
            if check not in self.timeline.situation.asked:
                return None
            state, _ = self._states.get(check, WELL)
            near = (move for move in self._moves.get(check, ()) if 0 < move.at + self._shift - self.now < CONFIRMED)
            return Measured(check, leaning=any(move.state is not state for move in near))

        return answer

    def when(self, at: Micros, happening: Callable[[], Happening | None]) -> None:
        """Ask what happens, then."""
        self._serial += 1
        heapq.heappush(self._coming, (at, self._serial, happening))

    def _identity(self, at: Micros) -> str:
        self._serial += 1
        return event_id(at, self._serial)
