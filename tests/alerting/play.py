"""A world that alerting watches, played in seconds: checks that fail and recover, and what people hear of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pacs_monitor.alerting.events import Event, Happening, Measured, Reloaded, Started, Transitioned, event_id
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.alerting.turn import Owed
from pacs_monitor.config import Estate, load
from pacs_monitor.model import (
    SECOND,
    CheckId,
    DeliveryStatus,
    IncidentKind,
    Micros,
    Reason,
    State,
    Suppressed,
    Transition,
)

T0 = 1_764_000_000 * SECOND
"""2025-11-24T16:00:00Z."""
CONFIRMED = 30 * SECOND
"""How long it takes to confirm that a check has changed."""
HEAD = """
monitor: {name: east-campus, paging: on}
channels: {hook: {type: webhook, url: "http://127.0.0.1:1/"}, desk: {type: webhook, url: "http://127.0.0.1:1/"}}
default_route: {channels: [hook]}
defaults: {page_after: 1m, interval: 60s}
"""


def at(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


def an_estate(folder: Path, nodes: str, head: str = HEAD) -> Estate:
    file = folder / "monitor.yaml"
    file.write_text(head + nodes)
    return load(file)


@dataclass
class Play:
    """The timeline, and a world that answers one second after it was asked."""

    estate: Estate
    answers: bool = True
    """Whether checks that are asked for a fresh result have one."""
    heard: list[Owed] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    world: dict[CheckId, tuple[State, Reason | None]] = field(default_factory=dict)
    plan: list[tuple[Micros, CheckId, State]] = field(default_factory=list)
    """What the world will do."""
    coming: list[tuple[Micros, int, Callable[[], Happening | None]]] = field(default_factory=list)
    now: Micros = T0

    def __post_init__(self) -> None:
        self._serial = 0
        self.timeline = Timeline(Rules(self.estate), self._identity)
        self._do(T0, Started())

    def move(
        self, seconds: float, checks: str | Iterable[str], state: str, reason: str = "", since: float | None = None
    ) -> Self:
        """The checks (`node/check`) are confirmed to be so, at the same moment, since 20 s before unless said."""
        for name in [checks] if isinstance(checks, str) else checks:
            check = CheckId.parse(name)
            self.plan.append((at(seconds), check, State(state)))
            self._later(at(seconds), self._moving(check, State(state), reason, since))
        return self

    def tell(self, seconds: float, what: Happening) -> Self:
        self._later(at(seconds), lambda: what)
        return self

    def until(self, seconds: float) -> Self:
        """Go on until then."""
        end = at(seconds)
        while self.coming and self.coming[0][0] <= end:
            moment, _, happening = heapq.heappop(self.coming)
            self._pass(moment)
            what = happening()
            if what is not None:
                self._do(moment, what)
        self._pass(end)
        return self

    def reload(self, seconds: float, estate: Estate) -> Self:
        def reloaded() -> Happening:
            self.estate, self.timeline.rules = estate, Rules(estate)
            return Reloaded(estate.revision)

        self._later(at(seconds), reloaded)
        return self

    def said(self, channel: str | None = None) -> list[str]:
        """What is really sent: seconds, event, cause, in the order in which it is owed."""
        return [
            f"{round((owed.at - T0) / SECOND)} {_event(owed)} {owed.incident.cause}"
            + (f" page {owed.page}" if owed.page > 1 else "")
            for owed in self.heard
            if owed.status is DeliveryStatus.PENDING and channel in (None, owed.channel)
        ]

    def whys(self) -> list[str]:
        """What was suppressed, once per reason: cause is not known any more, so it is the incident's id that counts."""
        return [f"{held.why} {held.detail}".strip() for held in self.suppressed if held.ended is None]

    def open(self) -> list[str]:
        """The causes of what is open."""
        return sorted(subject.incident.cause for subject in self.timeline.situation.subjects.values())

    def _moving(self, check: CheckId, state: State, reason: str, since: float | None) -> Callable[[], Happening | None]:
        def moving() -> Happening:
            before = self.world.get(check, (State.UP, None))[0]
            why = Reason(reason) if reason else None if state is State.UP else Reason.TCP_TIMEOUT  # type: ignore[call-arg]
            self.world[check] = state, why
            began = self.now - 20 * SECOND if since is None else at(since)
            return Transitioned(Transition(check, before, state, began - 60 * SECOND, began, self.now, why))

        return moving

    def _later(self, moment: Micros, happening: Callable[[], Happening | None]) -> None:
        self._serial += 1
        heapq.heappush(self.coming, (moment, self._serial, happening))

    def _pass(self, moment: Micros) -> None:
        self.now = moment
        for decided in self.timeline.pass_until(moment):
            self._sort(decided)

    def _do(self, moment: Micros, what: Happening) -> None:
        for decided in self.timeline.happen(moment, what):
            self._sort(decided)

    def _sort(self, decided: Decided) -> None:
        if decided.failure is not None:
            raise decided.failure
        self.decided.append(decided)
        self.heard += decided.effects.owed
        self.suppressed += decided.effects.suppressed
        for check in decided.effects.probes if self.answers else ():
            self._later(decided.event.at + SECOND, self._answering(check))

    def _answering(self, check: CheckId) -> Callable[[], Happening | None]:
        """The check answers; it leans if its next transition is near."""

        def answering() -> Happening | None:
            if check not in self.timeline.situation.asked:
                return None
            now = self.world.get(check, (State.UP, None))[0]
            near = (after for moment, one, after in self.plan if one == check and 0 < moment - self.now < CONFIRMED)
            return Measured(check, leaning=any(after is not now for after in near))

        return answering

    def _identity(self, moment: Micros) -> str:
        self._serial += 1
        return event_id(moment, self._serial)


def _event(owed: Owed) -> str:
    name = owed.event.removeprefix("incident.")
    return f"group {name}" if owed.incident.kind is IncidentKind.GROUP else name


__all__ = ["HEAD", "T0", "Event", "Play", "an_estate", "at"]
