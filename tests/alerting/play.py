"""A world that alerting watches, played in seconds: checks that fail and recover, and what people hear of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pacs_monitor.alerting.events import Happening
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.alerting.turn import Owed, OwedDigest
from pacs_monitor.config import Estate, load
from pacs_monitor.model import REASONS, SECOND, CheckId, DeliveryStatus, IncidentKind, Micros, Reason, State, Suppressed
from pacs_monitor.simulation.world import Move, World

T0 = 1_764_000_000 * SECOND
"""2025-11-24T16:00:00Z."""
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


class Play:
    """What happens in a world, in seconds after T0, and what people hear of it."""

    def __init__(self, estate: Estate, world: World | None = None) -> None:
        self.heard: list[Owed] = []
        self.digests: list[OwedDigest] = []
        self.suppressed: list[Suppressed] = []
        self.decided: list[Decided] = []
        self.world = world or World(estate, T0)
        self.until(0)

    @property
    def estate(self) -> Estate:
        return self.world.estate

    @property
    def timeline(self) -> Timeline:
        return self.world.timeline

    @property
    def now(self) -> Micros:
        return self.world.now

    @property
    def answers(self) -> bool:
        """Whether checks that are asked for a fresh result have one."""
        return self.world.answers

    @answers.setter
    def answers(self, answers: bool) -> None:
        self.world.answers = answers

    def move(
        self, seconds: float, checks: str | Iterable[str], state: str, reason: str = "", since: float | None = None
    ) -> Self:
        """The checks (`node/check`) are confirmed to be so, at the same moment, since 20 s before unless said."""
        after = State(state)
        why = REASONS[reason] if reason else None if after is State.UP else Reason.TCP_TIMEOUT
        began = at(seconds - 20 if since is None else since)
        for name in [checks] if isinstance(checks, str) else checks:
            self.world.plan(Move(at(seconds), CheckId.parse(name), after, why, began))
        return self

    def tell(self, seconds: float, what: Happening) -> Self:
        self.world.happen(at(seconds), what)
        return self

    def until(self, seconds: float) -> Self:
        """Go on until then."""
        for decided in self.world.run(at(seconds)):
            self._sort(decided)
        return self

    def reload(self, seconds: float, estate: Estate) -> Self:
        self.world.reload(at(seconds), estate)
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

    def _sort(self, decided: Decided) -> None:
        self.decided.append(decided)
        self.heard += decided.effects.owed
        self.digests += decided.effects.digests
        self.suppressed += decided.effects.suppressed


def _event(owed: Owed) -> str:
    name = owed.event.removeprefix("incident.")
    return f"group {name}" if owed.incident.kind is IncidentKind.GROUP else name


__all__ = ["HEAD", "T0", "Play", "an_estate", "at"]
