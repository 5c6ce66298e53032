"""A pause and a read-only window, as a real archive sees them: it counts associations, and what is written to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from pacs_monitor import config
from pacs_monitor.clock import SystemClock
from pacs_monitor.engine.engine import Engine
from pacs_monitor.history import open_ledger
from pacs_monitor.model import SECOND, Check, CheckId, Reason, Restriction, RestrictionMode, State, Transition
from pacs_monitor.net import Resolver
from tests.peers.counting import Counted, counting
from tests.peers.daemon import RunningDaemon
from tests.peers.dcmtk import faketime
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.support.estates import write_estate
from tests.support.timing import until, wait_until

ECHO, STORE = CheckId("archive", "dicom_echo"), CheckId("archive", "dicom_store")
OTHER = CheckId("elsewhere", "dicom_echo")
LONG = 60.0
BY_MANY = 12
"""Runs of another check, by which the time is long enough for several of those that are stopped."""
PAUSE = Restriction(RestrictionMode.STOP, "paused by it-duty: detector exchange")
WINDOW = Restriction(RestrictionMode.READ_ONLY, "maintenance 'archive patching' until 04:00", is_pause=False)


def changes(orthanc: Orthanc) -> int:
    """The number of the archive's latest change: each instance that comes or goes has some."""
    return int(requests.get(f"{orthanc.url}/changes?last", timeout=20).json()["Last"])


class Scene:
    """An engine over an archive, and what both know."""

    def __init__(self, engine: Engine, orthanc: Orthanc, counted: Counted) -> None:
        self.engine, self.orthanc, self.counted = engine, orthanc, counted
        self.transitions: list[Transition] = []

    def written(self) -> int:
        """Instances that the archive ever took, and those that it ever deleted."""
        return changes(self.orthanc)

    def runs(self, check: CheckId) -> int:
        return self.engine.board.entries[check].runs

    def state(self, check: CheckId) -> tuple[State, Reason | None]:
        standing = self.engine.board.entries[check].standing
        return standing.state, standing.reason

    async def both_run(self) -> None:
        """They run, and are up; the archive has been written to."""
        before, echoes, stores = self.written(), self.runs(ECHO), self.runs(STORE)
        await until(lambda: self.runs(ECHO) > echoes and self.runs(STORE) > stores, LONG)
        await until(lambda: self.state(ECHO)[0] is self.state(STORE)[0] is State.UP, LONG)
        assert self.written() > before

    async def pass_by(self, check: CheckId = OTHER) -> None:
        before = self.runs(check)
        await until(lambda: self.runs(check) >= before + BY_MANY, LONG)

    async def calm(self) -> None:
        """What went on when it was stopped is over on the archive's side too."""
        await until(self.counted.all_over)


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    folder = tmp_path / "orthanc"
    folder.mkdir()
    with Orthanc(folder, DicomAlwaysAllowFind=True) as orthanc:
        yield orthanc


@contextmanager
def estate_of(tmp_path: Path, orthanc: Orthanc) -> Iterator[tuple[config.Estate, Counted]]:
    with counting(orthanc.dicom_port) as counted, counting(orthanc.dicom_port) as other:
        timing = "{interval: 5s, retry_interval: 1s, enabled_by: the proof, verify: find, cleanup: orthanc}"
        nodes = f"""  archive:
    host: 127.0.0.1
    dicom: {{port: {counted.port}, ae_title: ORTHANC}}
    orthanc: {{url: '{orthanc.url}'}}
    checks: {{dicom_echo: {{}}, dicom_store: {timing}}}
  elsewhere:
    host: 127.0.0.1
    dicom: {{port: {other.port}, ae_title: ORTHANC}}
    checks: {{dicom_echo: {{}}}}
"""
        yield config.load(write_estate(tmp_path, 9741, nodes)), counted


Change = Callable[[Check], Check]


@asynccontextmanager
async def a_scene(tmp_path: Path, orthanc: Orthanc, change: Change = lambda check: check) -> AsyncIterator[Scene]:
    with (
        estate_of(tmp_path, orthanc) as (estate, counted),
        open_ledger(estate.monitor.database, "proof", SystemClock()) as ledger,
    ):
        told: list[Transition] = []
        engine = Engine(SystemClock(), Resolver(), told.append, ledger=ledger)
        engine.start()
        scene = Scene(engine, orthanc, counted)
        scene.transitions = told
        engine.restrict({})
        engine.adopt([change(check) for check in estate.checks.values()], {}, {}, {})
        try:
            yield scene
        finally:
            await engine.stop(4.0)


@pytest.mark.proof  # tests/proofs/test_what_words_stop.py asks a daemon the same
async def test_a_paused_node_has_no_association_before_the_pause_ends(tmp_path: Path, orthanc: Orthanc) -> None:
    async with a_scene(tmp_path, orthanc) as scene:
        await scene.both_run()
        scene.engine.restrict({ECHO: PAUSE, STORE: PAUSE})
        await scene.calm()
        begun, written = scene.counted.begun, scene.written()
        await scene.pass_by()
        assert (scene.counted.begun, scene.written()) == (begun, written)
        for check in (ECHO, STORE):
            assert scene.state(check) == (State.UNKNOWN, Reason.PAUSED)
            assert (await scene.engine.run_now(check)).outcome.detail == PAUSE.text
            scene.engine.ask(check)
        await scene.pass_by()
        assert (scene.counted.begun, scene.written()) == (begun, written)
        scene.engine.restrict({})
        await scene.both_run()


@pytest.mark.proof  # likewise
async def test_while_the_archive_is_read_only_nothing_is_written_and_echoes_go_on(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    async with a_scene(tmp_path, orthanc) as scene:
        await scene.both_run()
        scene.engine.restrict({ECHO: WINDOW, STORE: WINDOW})
        await scene.calm()
        begun, written, echoes = scene.counted.begun, scene.written(), scene.runs(ECHO)
        scene.engine.tidy()
        await scene.pass_by(ECHO)
        assert scene.written() == written
        assert scene.counted.begun - begun == pytest.approx(scene.runs(ECHO) - echoes, abs=1)
        assert scene.state(ECHO)[0] is State.UP
        assert scene.state(STORE) == (State.UNKNOWN, Reason.PAUSED)
        scene.engine.restrict({})
        await scene.both_run()


@pytest.mark.proof
async def test_a_pause_in_the_middle_of_a_store_ends_it_and_what_it_left_is_cleared_away_after(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    async with a_scene(tmp_path, orthanc) as scene:
        await scene.both_run()
        for begun in (1, 2, 3):  # its associations: to store, to look for it, …
            before = scene.counted.begun
            scene.engine.restrict({ECHO: PAUSE})
            run = asyncio.create_task(scene.engine.run_now(STORE))
            await until(lambda: scene.counted.begun >= before + begun or run.done(), LONG)  # noqa: B023
            scene.engine.restrict({ECHO: PAUSE, STORE: PAUSE})
            await run
            await scene.calm()
            quiet = scene.counted.begun, scene.written()
            await scene.pass_by()
            assert (scene.counted.begun, scene.written()) == quiet
            scene.engine.restrict({})
            await scene.both_run()
        await until(lambda: requests.get(f"{orthanc.url}/instances", timeout=20).json() == [], LONG)
        assert scene.counted.endings.keys() <= {"released", "aborted"}


async def test_after_the_end_of_its_approval_nothing_is_written_and_what_only_reads_goes_on(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    ends = SystemClock().now() + 35 * SECOND  # a run that begins needs 21 s at most

    def ending(check: Check) -> Check:
        return replace(check, until=ends) if check.id == STORE else check

    async with a_scene(tmp_path, orthanc, ending) as scene:
        await scene.both_run()
        await until(lambda: scene.state(STORE) == (State.UNKNOWN, Reason.NOT_CONFIGURED), LONG)
        await until(lambda: SystemClock().now() >= ends, LONG)
        await scene.calm()
        written, stores = scene.written(), scene.runs(STORE)
        scene.engine.tidy()
        await scene.pass_by(ECHO)
        assert (await scene.engine.run_now(STORE)).outcome.reason is Reason.NOT_CONFIGURED
        assert scene.runs(STORE) > stores
        assert scene.written() == written
        assert scene.state(ECHO)[0] is State.UP
        assert requests.get(f"{orthanc.url}/instances", timeout=20).json() == []


@pytest.mark.proof
def test_an_approval_ends_by_itself_with_its_day_in_the_monitors_time_zone_while_the_daemon_runs(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    listen = free_port()
    store = (
        "{interval: 5s, retry_interval: 1s, timeout: 5s, enabled_by: change 4711, until: 2026-11-30, cleanup: orthanc}"
    )
    nodes = f"""  archive:
    host: 127.0.0.1
    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}
    orthanc: {{url: '{orthanc.url}'}}
    checks: {{dicom_echo: {{}}, dicom_store: {store}}}
"""
    file = write_estate(tmp_path, listen, nodes)
    file.write_text(file.read_text().replace("  paging:", "  timezone: America/New_York\n  paging:"))
    clock = ["TZ=America/New_York", "FAKETIME=@2026-11-30 23:59:10", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    prefix = ["env", f"LD_PRELOAD={faketime()}", *clock]
    with RunningDaemon(file, listen, prefix) as daemon:

        def store_is(state: str, reason: str | None) -> bool:
            found = daemon.check("archive", "dicom_store")
            return (found["state"], found["reason"]) == (state, reason)

        def is_next_day() -> bool:
            return str(daemon.get("/api/v1/status")["time"]) >= "2026-12-01T05:00:01"

        (approval,) = daemon.get("/api/v1/status")["approvals"]
        assert (approval["last_day"], approval["ends"], approval["ended"]) == (
            "2026-11-30",
            "2026-12-01T05:00:00.000000Z",
            False,
        )
        wait_until(lambda: store_is("up", None), "the store works")
        wait_until(lambda: store_is("unknown", "not_configured"), "the approval has ended", LONG)
        wait_until(is_next_day, "the day is over", LONG)
        written, echoes = changes(orthanc), daemon.check("archive", "dicom_echo")["last"]["started"]
        for _ in range(2):
            answer = daemon.post("/api/v1/checks/archive/dicom_store/run")
            assert answer["reason"] == "not_configured"
        wait_until(lambda: daemon.check("archive", "dicom_echo")["last"]["started"] > echoes, "echoes go on")
        assert daemon.check("archive", "dicom_echo")["state"] == "up"
        (approval,) = daemon.get("/api/v1/status")["approvals"]
        assert approval["ended"]
        assert changes(orthanc) == written
    assert requests.get(f"{orthanc.url}/instances", timeout=20).json() == []
