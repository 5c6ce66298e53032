from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom import Dataset

from pacs_monitor.model import DicomEndpoint, Flag, Measurement, Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_worklist import DicomWorklistSettings
from tests.peers.ports import free_port
from tests.peers.queried import Answer, matches, queried
from tests.peers.queries import Wlmscpfs, worklist_item
from tests.peers.scripted import hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.clock import NOON, StoppedClock
from tests.support.probing import ask
from tests.support.timing import SOON

WORKLIST = kinds()["dicom_worklist"]
TODAY, TOMORROW = (day.strftime("%Y%m%d") for day in (NOON, NOON + timedelta(days=1)))
ITEMS = (
    worklist_item(TODAY, "CT", "CT1", 1),
    worklist_item(TODAY, "CT", "CT2", 2),
    worklist_item(TODAY, "MR", "MR1", 3),
    worklist_item(TOMORROW, "CT", "CT1", 4),
)


def node_at(port: int, called: str = "SCP") -> Node:
    return Node("ris", host="127.0.0.1", dicom=DicomEndpoint(port, called, "PACSMON"))


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Wlmscpfs(folder, ITEMS) as worklist:
        yield node_at(worklist.port, worklist.ae_title), DicomWorklistSettings(at_least=1), {"clock": StoppedClock()}


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), DicomWorklistSettings()


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port), DicomWorklistSettings()


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Wlmscpfs(folder, ITEMS) as worklist:
        yield node_at(worklist.port, worklist.ae_title), DicomWorklistSettings(station="NOBODY", at_least=1)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(knows=("CT1",)) as peer:
        yield node_at(peer.port), DicomWorklistSettings()


PEERS = Peers(working, refusing, hanging, warning, blind)


async def look(node: Node, settings: DicomWorklistSettings) -> Outcome:
    return await ask(WORKLIST, node, settings, clock=StoppedClock())


@pytest.fixture
def ris(tmp_path: Path) -> Iterator[Node]:
    with Wlmscpfs(tmp_path, ITEMS) as worklist:
        yield node_at(worklist.port, worklist.ae_title)


def items(measurements: tuple[Measurement, ...]) -> float:
    return next(one.value for one in measurements if one.name == "worklist_matches")


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ({}, 3),
        ({"modality": "CT"}, 2),
        ({"station": "CT1"}, 1),
        ({"station": "CT1", "modality": "MR"}, 0),
        ({"date": "today..today+1d"}, 4),
        ({"date": "today+1d"}, 1),
        ({"date": ""}, 4),
        ({"date": "2000-01-01"}, 0),
    ],
)
async def test_a_real_worklist_is_filtered(ris: Node, filters: dict[str, str], number: int) -> None:
    outcome = await look(ris, DicomWorklistSettings(**filters))
    assert (outcome.status, items(outcome.measurements)) == (Status.OK, number)


async def test_an_empty_worklist_is_fine_unless_items_must_be_there(ris: Node) -> None:
    nothing = {"station": "NOBODY"}
    assert (await look(ris, DicomWorklistSettings(**nothing))).status is Status.OK
    outcome = await look(ris, DicomWorklistSettings(**nothing, at_least=1))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.TOO_FEW)
    assert outcome.detail.endswith("returned 0 scheduled procedures; expected at least 1")


async def test_outside_of_service_hours_an_empty_worklist_is_fine(ris: Node) -> None:
    other_day = (NOON + timedelta(days=3)).strftime("%a")
    nothing = {"station": "NOBODY", "at_least": 1}
    outside = await look(ris, DicomWorklistSettings(**nothing, hours=f"{other_day} 06:00-20:00"))
    inside = await look(ris, DicomWorklistSettings(**nothing, hours="24x7"))
    assert (outside.status, items(outside.measurements)) == (Status.OK, 0)
    assert inside.reason is Reason.TOO_FEW


async def test_an_unknown_called_ae_title_is_told(ris: Node) -> None:
    outcome = await look(ris, DicomWorklistSettings(ae_title="ELSEWHERE"))
    assert outcome.reason is Reason.CALLED_AET_UNKNOWN


async def test_no_name_nor_number_of_a_patient_is_asked_for() -> None:
    with queried(matches(1)) as peer:
        await look(node_at(peer.port), DicomWorklistSettings(station="CT1", modality="CT"))
    (asked,) = peer.asked
    assert [element.keyword for element in asked] == ["ScheduledProcedureStepSequence"]
    (step,) = asked.ScheduledProcedureStepSequence
    assert (step.ScheduledStationAETitle, step.Modality, step.ScheduledProcedureStepStartDate) == ("CT1", "CT", TODAY)


async def test_items_that_come_slowly_are_a_warning_that_names_the_operation() -> None:
    def slowly(_identifier: Dataset) -> Iterator[Answer]:
        for status, dataset in matches(2)(_identifier):
            time.sleep(1.0)
            yield status, dataset

    with queried(slowly) as peer:
        outcome = await look(node_at(peer.port), DicomWorklistSettings(slow="1s"))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)
    assert "spent waiting for the operation" in outcome.detail
    assert items(outcome.measurements) == 2


async def test_a_worklist_that_never_ends_is_cancelled() -> None:
    with queried(matches(10_000, pause=0.002)) as peer:
        outcome = await look(node_at(peer.port), DicomWorklistSettings(limit=50))
        assert peer.cancelled.wait(SOON)
    assert (items(outcome.measurements), outcome.flags) == (50, (Flag.CAPPED,))


@pytest.mark.parametrize(
    "wrong", [{"date": "soon"}, {"modality": "a modality of no sort"}, {"at_least": 2, "limit": 1}, {"hours": "by day"}]
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        DicomWorklistSettings(**wrong)
