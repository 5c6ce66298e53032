"""Decisions into the real tables, and what another process makes of them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from pacs_monitor.alerting.events import Happening, Started, Transitioned
from pacs_monitor.alerting.restart import situation_of
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.alerting.slices import Slice
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.config import Estate
from pacs_monitor.history import History, Revision
from pacs_monitor.intervals import FOREVER
from pacs_monitor.model import CheckId, Entry, Incident, Micros, Notification, State, Transition
from pacs_monitor.simulation.world import World
from tests.alerting.play import T0, Play, at
from tests.history.conftest import HandClock


@cache
def _empty() -> Path:
    """A database with its tables, to be copied: making it takes longer than most plays."""
    file = Path(mkdtemp(prefix="pacs-monitor-tables-")) / "empty.db"
    History.open(f"sqlite:///{file}", "east-campus", HandClock()).close()
    return file


class Tables:
    """A database in a folder; as the desk does, each slice is one transaction."""

    def __init__(self, folder: Path, estate: Estate, now: Micros) -> None:
        shutil.copy(_empty(), folder / "pacs-monitor.db")
        self._clock, self._runner = HandClock(), asyncio.Runner()
        self._clock.time = now
        self.history = History.open(f"sqlite:///{folder}/pacs-monitor.db", "east-campus", self._clock)
        self.adopt(estate, now)

    def adopt(self, estate: Estate, now: Micros) -> None:
        self._clock.time = now
        self._runner.run(self.history.adopt(estate.checks, Revision(estate.revision)))

    def write(self, decided: Iterable[Decided], now: Micros) -> None:
        self._clock.time = now
        slice_ = Slice()
        for one in decided:
            owed = (Notification(o.id, o.channel, o.event, o.at, {}, o.incident.id, o.status) for o in one.effects.owed)
            slice_.add(one, owed)
        self._runner.run(self.history.record(slice_.entry()))

    def keep(self, incident: Incident, now: Micros) -> None:
        """One that no decision has led to."""
        self._clock.time = now
        self._runner.run(self.history.record(Entry(incidents=(incident,))))

    def situation(self, estate: Estate, now: Micros) -> Situation:
        self._clock.time = now
        return situation_of(self._runner.run(self.history.restore()), estate.checks, now)

    def open_spans(self) -> dict[CheckId, list[Micros]]:
        """Since when checks are behind a dead parent, as far as it has not ended."""
        spans = self.history.reader.unreachable()
        since = {check: [span.start for span in of_check if span.end == FOREVER] for check, of_check in spans.items()}
        return {check: starts for check, starts in since.items() if starts}

    def close(self) -> None:
        self.history.close()
        self._runner.close()


class RestartedWorld(World):
    """Who asked for a fresh result, and ended, never hears of it."""

    process = 0

    def answering(self, check: CheckId) -> Callable[[], Happening | None]:
        asked_by, answer = self.process, super().answering(check)
        return lambda: answer() if asked_by == self.process else None


class Restarting(Play):
    """A play that is recorded, and that other processes go on with."""

    world: RestartedWorld

    def __init__(self, estate: Estate, folder: Path) -> None:
        self.tables = Tables(folder, estate, T0)
        self.unwritten: list[Decided] = []
        super().__init__(estate, RestartedWorld(estate, T0))
        for check in estate.checks:
            self.tell(0, Transitioned(Transition(check, State.UNKNOWN, State.UP, None, T0, T0)))
        self.until(0)

    def restart(self, seconds: float) -> Self:
        """The process ends, and another one begins at once."""

        def again() -> Happening:
            self.tables.write(self.unwritten, self.now)
            self.unwritten = []
            self.world.process += 1
            self.world.go_on(self.tables.situation(self.estate, self.now))
            return Started()

        self.world.when(at(seconds), again)
        return self

    def _sort(self, decided: Decided) -> None:
        self.unwritten.append(decided)
        super()._sort(decided)
