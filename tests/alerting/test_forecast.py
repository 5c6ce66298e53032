"""A forecast gets nobody out of bed: a real volume that fills, its probe, states and desk, and real receivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pacs_monitor.model import Node, Result, Severity, State
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.states import advance
from pacs_monitor.systems.local import LocalSettings
from tests.alerting.running import Running, got, hook, running
from tests.alerting.support import DISK, Spot, a_check, an_estate, route
from tests.peers.receiver import Receiver
from tests.peers.volume import tmpfs
from tests.support.clock import SettableClock
from tests.support.probing import ask

SIZE, STEP = 8 << 20, 300.0
PROBE = kinds()["disk"]


class Filling:
    """A critical check of a volume that fills within eight hours; every five minutes of the clock it is asked."""

    def __init__(self, mount: Path, house: Running, clock: SettableClock) -> None:
        self.mount, self.house, self.clock = mount, house, clock
        self.memory: dict[str, Any] = {}
        self.states: list[State] = []

    async def until(self, state: State) -> None:
        check = self.house.estate.checks[DISK]
        node = Node("archive", systems={"local": LocalSettings(mounts=[str(self.mount)])})
        while not self.states or self.states[-1] is not state:
            with (self.mount / "images").open("ab") as file:
                file.write(b"x" * (SIZE // 96))
            self.clock.set_by(STEP)
            outcome = await ask(PROBE, node, check.settings, clock=self.clock, memory=self.memory)
            result = Result(DISK, PROBE.kind, outcome, self.clock.now(), 0.01)
            standing, transition = advance(self.house.board.entries[DISK].standing, result, check.thresholds)
            self.house.board.entries[DISK] = Spot(standing, last=result)
            self.states.append(standing.state)
            if transition:
                self.house.desk.take(transition)


@asynccontextmanager
async def filling(
    folder: Path, clock: SettableClock, database: str, office: Receiver, pager: Receiver
) -> AsyncIterator[Filling]:
    channels = {"office": hook(office, "office"), "pager": hook(pager, "pager")}
    with tmpfs(folder, f"size={SIZE}") as mount:
        wanted = {"source": "local", "volumes": [str(mount)], "warn": "100%", "fail": "95%", "full_within": "2h"}
        check = replace(
            a_check(DISK, Severity.CRITICAL, page_after=0.0), probe=PROBE, settings=DiskSettings.model_validate(wanted)
        )
        routes = (route("pager", severity="critical"), route("office"))
        async with running(clock, database, an_estate([check], routes=routes, channels=channels)) as house:
            yield Filling(mount, house, clock)


async def test_a_forecast_of_a_critical_check_is_a_warning_that_pages_nobody_and_the_limit_pages(
    receiver: Receiver, clock: SettableClock, database: str, tmp_path: Path
) -> None:
    with Receiver() as pager:
        async with filling(tmp_path, clock, database, receiver, pager) as volume:
            await volume.until(State.DEGRADED)
            (told,) = await got(receiver, 1)
            assert pager.posts == []
            await volume.until(State.DOWN)
            (paged,) = await got(pager, 1)
    assert list(dict.fromkeys(volume.states)) == [State.UP, State.DEGRADED, State.DOWN]
    assert (told.data["severity"], told.data["state"], told.data["reason"]) == ("warning", "degraded", "over_limit")
    assert " will be full in " in told.data["detail"]
    assert (paged.data["severity"], paged.data["state"]) == ("critical", "down")
