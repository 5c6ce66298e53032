"""A record of ours that does not answer: the archive is not blamed, nothing is sent without it, nothing is left."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pacs_monitor.engine.runner import Runner
from pacs_monitor.history import History
from pacs_monitor.model import Check, CheckId, DicomEndpoint, Node, Reason, Status, Thresholds
from pacs_monitor.probes import kinds
from pacs_monitor.stores.cleanup import APART
from pacs_monitor.systems.orthanc import OrthancSettings
from tests.engine.support import NumericResolver
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.support.clock import SettableClock
from tests.support.timing import SOON, until

US = {"us": ["PACSMON", "127.0.0.1", 104]}
SETTINGS: dict[str, dict[str, Any]] = {"dicom_store": {"verify": "find"}, "dicomweb_store": {"verify": "frames"}}
KINDS = pytest.mark.parametrize("kind", SETTINGS)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with Orthanc(tmp_path_factory.mktemp("orthanc"), DicomModalities=US, Plugins=[DICOMWEB]) as running:
        yield running


@pytest.fixture
async def history(tmp_path: Path, clock: SettableClock) -> AsyncIterator[History]:
    history = History.open(f"sqlite:///{tmp_path / 'history.db'}", "test", clock)
    yield history
    await asyncio.to_thread(history.close)


@pytest.fixture
def runner(clock: SettableClock, history: History) -> Iterator[Runner]:
    runner = Runner(clock, NumericResolver(), history.objects)
    yield runner
    runner.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Somebody else writes to the database, and does not end."""
    with closing(sqlite3.connect(folder / "history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def a_store(orthanc: Orthanc, kind: str, timeout: float) -> Check:
    endpoint = DicomEndpoint(orthanc.dicom_port, orthanc.ae_title, "PACSMON")
    node = Node("archive", host="127.0.0.1", dicom=endpoint, systems={"orthanc": OrthancSettings(url=orthanc.url)})
    where = {"url": f"{orthanc.url}/dicom-web"} if kind == "dicomweb_store" else {}
    probe = kinds()[kind]
    settings = probe.settings(cleanup="orthanc", **SETTINGS[kind], **where)
    return Check(CheckId("archive", kind), node, probe, settings, 60.0, 10.0, timeout, thresholds=Thresholds())


def changes(orthanc: Orthanc) -> int:
    """How much has ever happened there."""
    return int(requests.get(f"{orthanc.url}/changes?last", timeout=SOON).json()["Last"])


@KINDS
async def test_an_archive_has_its_time_once_our_record_answers(
    orthanc: Orthanc, runner: Runner, tmp_path: Path, kind: str
) -> None:
    before = changes(orthanc)
    with locked(tmp_path):
        run = asyncio.create_task(runner.run_once(a_store(orthanc, kind, SOON), {}))
        await asyncio.wait([run], timeout=1.5)  # longer than an association is held for our sake
        assert (run.done(), changes(orthanc)) == (False, before)
    outcome = (await run).outcome

    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert sum(outcome.phases.values()) < 1.5
    assert changes(orthanc) > before


@KINDS
async def test_a_record_that_does_not_answer_in_time_is_not_measured_and_nothing_is_sent_or_left(
    orthanc: Orthanc, runner: Runner, history: History, clock: SettableClock, tmp_path: Path, kind: str
) -> None:
    before, short = changes(orthanc), a_store(orthanc, kind, 1.0)
    with locked(tmp_path):
        result = await runner.run_once(short, {})
    assert (result.outcome.status, result.outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert "the monitor's own history database did not respond for" in result.outcome.detail
    assert changes(orthanc) == before

    assert [thing.missed for thing in await history.objects.outstanding(short.id)] == [None]  # committed after all
    for left in (1, 0):
        await runner.tidy(a_store(orthanc, kind, SOON))
        assert len(await history.objects.outstanding(short.id)) == left
        clock.offset += APART
    assert changes(orthanc) == before


async def test_no_association_is_held_while_our_record_does_not_answer(
    orthanc: Orthanc, runner: Runner, tmp_path: Path
) -> None:
    def connections() -> int:
        opened = Path("/proc/net/tcp").read_text()
        return opened.count(f":{orthanc.dicom_port:04X} 01 ")

    with locked(tmp_path):
        run = asyncio.create_task(runner.run_once(a_store(orthanc, "dicom_store", SOON), {}))
        await until(lambda: connections() > 0)
        await until(lambda: connections() == 0)
        assert not run.done()
    assert (await run).outcome.status is Status.OK
