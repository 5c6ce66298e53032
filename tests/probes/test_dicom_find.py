from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydicom import Dataset

from pacs_monitor.model import DicomEndpoint, Flag, Measurement, Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_find import DicomFindSettings
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queried import Answer, commented, matches, queried
from tests.peers.queries import Dcmqrscp, image, store
from tests.peers.scripted import hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.clock import NOON, StoppedClock
from tests.support.probing import ask
from tests.support.timing import SOON

FIND = kinds()["dicom_find"]
TODAY, LAST_WEEK = (day.strftime("%Y%m%d") for day in (NOON, NOON - timedelta(days=7)))
ANY_DAY = {"StudyDate": "2000-01-01.."}


def node_at(port: int, called: str = "SCP") -> Node:
    return Node("archive", host="127.0.0.1", dicom=DicomEndpoint(port, called, "PACSMON"))


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Dcmqrscp(folder) as archive:
        store([image(TODAY)], folder, archive.port, archive.ae_title)
        yield node_at(archive.port, archive.ae_title), DicomFindSettings(at_least=1, keys=ANY_DAY)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), DicomFindSettings()


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port), DicomFindSettings()


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Dcmqrscp(folder) as archive:
        yield node_at(archive.port, archive.ae_title), DicomFindSettings(slow="0")


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(knows=("CT1",)) as peer:
        yield node_at(peer.port), DicomFindSettings()


PEERS = Peers(working, refusing, hanging, warning, blind)


async def find(node: Node, settings: DicomFindSettings, **context: Any) -> Outcome:
    return await ask(FIND, node, settings, **{"clock": StoppedClock(), **context})


def measured(measurements: tuple[Measurement, ...]) -> dict[str, float]:
    return {measurement.name: measurement.value for measurement in measurements}


@pytest.fixture(params=["dcmqrscp", "Orthanc"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """Two studies of today, CT and MR, one of last week."""
    program: Dcmqrscp | Orthanc
    if request.param == "dcmqrscp":
        program = Dcmqrscp(tmp_path)
        port = program.port
    else:
        program = Orthanc(tmp_path, DicomAlwaysAllowFind=True, DicomModalities={"us": ["PACSMON", "127.0.0.1", 104]})
        port = program.dicom_port
    with program as peer:
        images = [image(TODAY, "CT"), image(TODAY, "MR"), image(LAST_WEEK, "CT")]
        store(images, tmp_path, port, peer.ae_title)
        yield node_at(port, peer.ae_title)


async def test_a_real_archive_finds_by_date_and_modality(archive: Node) -> None:
    asked = {
        "today..": 2,
        "..today": 3,
        "today": 2,
        "today-8d..yesterday": 1,
        "2000-01-01..2000-01-02": 0,
    }
    for when, number in asked.items():
        outcome = await find(archive, DicomFindSettings(keys={"StudyDate": when}))
        assert (outcome.status, measured(outcome.measurements)["find_matches"]) == (Status.OK, number), when
        assert outcome.flags == ()


async def test_keys_that_the_peer_says_it_does_not_match_by_are_told_on_the_terminal() -> None:
    def answer(_identifier: Dataset) -> Iterator[Answer]:
        match = Dataset()
        match.StudyInstanceUID = "1.2.3"
        yield 0xFF01, match

    with queried(answer) as peer:
        outcome = await find(node_at(peer.port), DicomFindSettings(keys={"ModalitiesInStudy": "MR"}))
    assert outcome.status is Status.OK
    assert any("FF01" in text for _, text in outcome.terminal)


async def test_keys_are_matched_by_the_archive(tmp_path: Path) -> None:
    with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", 104]}) as archive:
        store([image(TODAY, "CT"), image(TODAY, "MR")], tmp_path, archive.dicom_port, archive.ae_title)
        node = node_at(archive.dicom_port, archive.ae_title)
        settings = DicomFindSettings(keys={"StudyDate": "today", "ModalitiesInStudy": "MR"})
        outcome = await find(node, settings)
    assert measured(outcome.measurements)["find_matches"] == 1


async def test_times_to_the_first_and_the_last_answer_are_measured(archive: Node) -> None:
    found = measured((await find(archive, DicomFindSettings(keys=ANY_DAY))).measurements)
    assert 0 < found["find_first_seconds"] <= found["find_last_seconds"]


async def test_fewer_than_expected_are_too_few(archive: Node) -> None:
    outcome = await find(archive, DicomFindSettings(keys=ANY_DAY, at_least=4))
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, Reason.TOO_FEW, Phase.OPERATION)
    assert outcome.detail.endswith("returned 3 matches; expected at least 4")


async def test_a_list_that_the_peer_cut_short_is_never_too_few() -> None:
    """B001 (PS3.4 table C.4-1): there are more than were told, and nobody knows how many."""

    def answer(identifier: Dataset) -> Iterator[Answer]:
        yield from matches(3)(identifier)
        yield 0xB001, None

    with queried(answer) as peer:
        cut = await find(node_at(peer.port), DicomFindSettings(at_least=4))
    with queried(matches(3)) as peer:
        whole = await find(node_at(peer.port), DicomFindSettings(at_least=4))
    assert (cut.status, cut.reason, cut.flags) == (Status.OK, None, (Flag.CAPPED,))
    assert (whole.status, whole.reason) == (Status.FAIL, Reason.TOO_FEW)


async def test_nothing_of_a_patient_is_asked_for() -> None:
    with queried(matches(3)) as peer:
        await find(node_at(peer.port), DicomFindSettings())
    assert sorted(element.keyword for element in peer.asked[0]) == [
        "QueryRetrieveLevel",
        "StudyDate",
        "StudyInstanceUID",
    ]


async def test_today_is_the_monitors_today() -> None:
    late = StoppedClock(NOON.replace(hour=23, minute=30))
    with queried() as peer:
        for zone in (UTC, ZoneInfo("Europe/Berlin")):
            await find(node_at(peer.port), DicomFindSettings(), clock=late, zone=zone)
    assert [str(asked.StudyDate) for asked in peer.asked] == ["20261124", "20261125"]


async def test_after_the_limit_the_rest_is_cancelled_and_the_count_flagged() -> None:
    with queried(matches(5000, pause=0.002)) as peer:
        outcome = await find(node_at(peer.port), DicomFindSettings(limit=10))
        assert peer.cancelled.wait(SOON)
    assert outcome.status is Status.OK
    assert measured(outcome.measurements)["find_matches"] == 10
    assert outcome.flags == (Flag.CAPPED,)


@pytest.mark.parametrize(("number", "flagged"), [(99, False), (100, True), (101, False), (128, True)])
async def test_a_count_that_looks_like_a_limit_of_the_peers_is_flagged(number: int, flagged: bool) -> None:
    with queried(matches(number)) as peer:
        outcome = await find(node_at(peer.port), DicomFindSettings())
    assert measured(outcome.measurements)["find_matches"] == number
    assert (Flag.CAPPED in outcome.flags) is flagged


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0xA700, Reason.OUT_OF_RESOURCES),
        (0xA900, Reason.QUERY_REFUSED),
        (0xC001, Reason.QUERY_REFUSED),
        (0x0122, Reason.SOP_CLASS_REJECTED),
        (0x0110, Reason.DIMSE_STATUS),
        (0x0124, Reason.NOT_AUTHORISED),
    ],
)
async def test_a_failure_status_has_its_reason_and_no_word_of_the_peer(status: int, reason: Reason) -> None:
    def answer(_identifier: Dataset) -> Iterator[Answer]:
        yield commented(status, "DOE^JOHN is not here"), None

    with queried(answer) as peer:
        outcome = await find(node_at(peer.port), DicomFindSettings())
    assert (outcome.reason, outcome.phase) == (reason, Phase.OPERATION)
    assert f"0x{status:04X}" in outcome.detail
    assert "the peer added a comment" in outcome.detail
    assert "DOE" not in repr(outcome)


async def test_an_answer_slower_than_slow_is_a_warning() -> None:
    with queried(matches(1)) as peer:
        outcome = await find(node_at(peer.port), DicomFindSettings(slow="0"))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)


async def test_a_peer_without_queries_is_told_from_one_that_is_down() -> None:
    with queried(classes=("1.2.840.10008.1.1",)) as peer:
        outcome = await find(node_at(peer.port), DicomFindSettings())
    assert outcome.reason is Reason.SOP_CLASS_REJECTED


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"StudyDay": "today"}, "is not a keyword"),
        ({"StudyDate": "tomorrow"}, "is not a date"),
        ({"StudyDate": "today..yesterday"}, "is not a range"),
        ({"ScheduledProcedureStepSequence": "x"}, "sequence"),
        ({"PatientName": "*"}, "narrow"),
        ({"StudyDate": ""}, "narrow"),
        ({"Modality": "this is far too long for CS"}, "does not fit"),
    ],
)
def test_keys_that_cannot_be_asked_are_refused_before_anybody_is_asked(keys: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        DicomFindSettings(keys=keys)


def test_more_cannot_be_expected_than_is_counted() -> None:
    with pytest.raises(ValueError, match="limit stops at 10"):
        DicomFindSettings(at_least=11, limit=10)
