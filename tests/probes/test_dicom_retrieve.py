from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from pydicom import Dataset
from pydicom.uid import generate_uid

from pacs_monitor.clock import SystemClock
from pacs_monitor.dicom.acceptor import Listener
from pacs_monitor.model import SECOND, DicomEndpoint, Measurement, Micros, Node, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_retrieve import DicomRetrieveSettings
from tests.peers.dcmtk import Storescp
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queried import queried
from tests.peers.queries import Dcmqrscp, image, store
from tests.peers.scripted import hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask
from tests.support.timing import SOON

RETRIEVE = kinds()["dicom_retrieve"]
STUDY = "1.2.826.0.1.3680043.8.498.1"
OTHER = "1.2.826.0.1.3680043.8.498.2"


def node_at(port: int, called: str) -> Node:
    return Node("archive", host="127.0.0.1", dicom=DicomEndpoint(port, called, "PACSMON"))


def series(study: str = STUDY, number: int = 3) -> list[Dataset]:
    """Images of one study."""
    made = [image("20260101", study=study) for _ in range(number)]
    for one in made[1:]:
        one.SeriesInstanceUID = made[0].SeriesInstanceUID
    return made


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Dcmqrscp(folder) as archive:
        store(series(), folder, archive.port, archive.ae_title)
        yield node_at(archive.port, archive.ae_title), DicomRetrieveSettings(studies=STUDY)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port(), "NOBODY"), DicomRetrieveSettings(studies=STUDY)


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port, "PEER"), DicomRetrieveSettings(studies=STUDY)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Dcmqrscp(folder) as archive:
        store(series(), folder, archive.port, archive.ae_title)
        yield node_at(archive.port, archive.ae_title), DicomRetrieveSettings(studies=STUDY, slow="0")


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(knows=("CT1",)) as peer:
        yield node_at(peer.port, "SCP"), DicomRetrieveSettings(studies=STUDY)


PEERS = Peers(working, refusing, hanging, warning, blind)


class Ticking(SystemClock):
    """A second later each time somebody looks."""

    def __init__(self) -> None:
        self.at = 0

    def now(self) -> Micros:
        self.at += SECOND
        return self.at


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    known = {"us": ["PACSMON", "127.0.0.1", free_port()]}
    with Orthanc(tmp_path, DicomAlwaysAllowGet=True, DicomModalities=known) as running:
        yield running


def measured(measurements: tuple[Measurement, ...]) -> dict[str, float]:
    return {measurement.name: measurement.value for measurement in measurements}


async def retrieve(archive: Any, port: int, memory: dict[str, Any], **settings: Any) -> Any:
    node = node_at(port, archive.ae_title)
    return await ask(RETRIEVE, node, DicomRetrieveSettings(**settings), memory=memory, clock=Ticking())


async def test_a_real_archive_gives_a_study_back_again_and_again(orthanc: Orthanc, tmp_path: Path) -> None:
    store(series(), tmp_path, orthanc.dicom_port, orthanc.ae_title)
    memory: dict[str, Any] = {}
    for _ in range(2):
        outcome = await retrieve(orthanc, orthanc.dicom_port, memory, studies=STUDY)
        assert (outcome.status, outcome.detail) == (Status.OK, "")
        assert measured(outcome.measurements)["retrieve_objects"] == 3
        assert measured(outcome.measurements)["retrieve_bytes"] > 0


async def test_an_image_that_is_gone_is_a_mismatch_and_a_study_that_is_gone_is_missing(
    orthanc: Orthanc, tmp_path: Path
) -> None:
    images = series()
    store(images, tmp_path, orthanc.dicom_port, orthanc.ae_title)
    memory: dict[str, Any] = {}
    await retrieve(orthanc, orthanc.dicom_port, memory, studies=STUDY)
    url = f"http://127.0.0.1:{orthanc.http_port}"
    instance = requests.get(f"{url}/instances", timeout=SOON).json()[0]
    requests.delete(f"{url}/instances/{instance}", timeout=SOON).raise_for_status()
    fewer = await retrieve(orthanc, orthanc.dicom_port, memory, studies=STUDY)
    assert (fewer.status, fewer.reason) == (Status.FAIL, Reason.CONTENT_MISMATCH)
    assert fewer.detail.endswith("has 2 objects, but had 3 before")
    none = await retrieve(orthanc, orthanc.dicom_port, memory, studies=OTHER)
    assert none.status is Status.FAIL
    assert none.reason in (Reason.MISSING, Reason.QUERY_REFUSED, Reason.DIMSE_STATUS)


async def test_pixels_that_changed_under_the_same_uid_are_a_mismatch(tmp_path: Path) -> None:
    (one,) = series(number=1)
    memory: dict[str, Any] = {}
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
        with Dcmqrscp(tmp_path / folder) as archive:
            store([one], tmp_path, archive.port, archive.ae_title)
            outcome = await retrieve(archive, archive.port, memory, studies=STUDY)
        one.PixelData = b"\1\2\3\5"
    assert outcome.reason is Reason.CONTENT_MISMATCH
    assert outcome.detail.endswith("has the same 1 objects as before, but their pixels differ")


async def test_the_study_that_was_longest_not_fetched_is_next(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    with Dcmqrscp(tmp_path) as archive:
        for number, study in enumerate((STUDY, OTHER), 1):
            store(series(study, number), tmp_path, archive.port, archive.ae_title)
        node = node_at(archive.port, archive.ae_title)
        settings, clock, numbers = DicomRetrieveSettings(studies=[STUDY, OTHER]), Ticking(), []
        for _ in range(4):
            outcome = await ask(RETRIEVE, node, settings, memory=memory, clock=clock)
            numbers.append(measured(outcome.measurements)["retrieve_objects"])
        await ask(RETRIEVE, node, DicomRetrieveSettings(studies=OTHER), memory=memory, clock=clock)
    assert numbers == [1, 2, 1, 2]
    assert list(memory["studies"]) == [OTHER]


async def test_a_study_larger_than_allowed_is_not_fetched_to_its_end(tmp_path: Path) -> None:
    with Dcmqrscp(tmp_path) as archive:
        store(series(), tmp_path, archive.port, archive.ae_title)
        outcome = await retrieve(archive, archive.port, {}, studies=STUDY, largest="1kB")
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "more than 1000 bytes" in outcome.detail


async def test_an_archive_moves_a_study_to_a_destination_that_it_knows(tmp_path: Path) -> None:
    (tmp_path / "sink").mkdir()
    with Storescp(tmp_path / "sink") as sink:
        modalities = {"us": ["PACSMON", "127.0.0.1", 104], "sink": ["SINK", "127.0.0.1", sink.port]}
        with Orthanc(tmp_path, DicomModalities=modalities) as archive:
            store(series(), tmp_path, archive.dicom_port, archive.ae_title)
            memory: dict[str, Any] = {}
            settings = {"studies": STUDY, "method": "move"}
            moved = await retrieve(archive, archive.dicom_port, memory, **settings, destination="SINK")
            lost = await retrieve(archive, archive.dicom_port, memory, **settings, destination="ELSEWHERE")
    assert (moved.status, measured(moved.measurements)["retrieve_objects"]) == (Status.OK, 3)
    assert lost.status in (Status.FAIL, Status.UNKNOWN)


class Ours(NamedTuple):
    listener: Listener
    archive: Orthanc


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[Ours]:
    """An archive that knows our listener, which has an empty ledger."""

    async def known(_source: str, calling: str) -> bool:
        return calling == "ORTHANC"

    async def nothing(_sop_instance: str) -> bool:
        return False

    listener = Listener("PACSMON", known=known, ours=nothing)
    await listener.start()
    try:
        with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", listener.port]}) as archive:
            yield Ours(listener, archive)
    finally:
        await listener.stop()


async def move_to_us(ours: Ours, memory: dict[str, Any], **settings: Any) -> Any:
    node = node_at(ours.archive.dicom_port, ours.archive.ae_title)
    made = DicomRetrieveSettings(studies=STUDY, method="move", **settings)
    return await ask(RETRIEVE, node, made, memory=memory, clock=Ticking(), dicom_listener=ours.listener)


async def test_a_study_moved_to_our_listener_is_counted_and_hashed(ours: Ours, tmp_path: Path) -> None:
    images = series()
    store(images, tmp_path, ours.archive.dicom_port, ours.archive.ae_title)
    memory: dict[str, Any] = {}
    for _ in range(2):
        moved = await move_to_us(ours, memory)
        assert (moved.status, moved.detail, moved.flags) == (Status.OK, "", ())
    assert measured(moved.measurements)["retrieve_objects"] == 3
    assert measured(moved.measurements)["retrieve_bytes"] > 0
    by_get = {**memory["studies"][STUDY], "content": "0" * 64}
    altered = await move_to_us(ours, {"studies": {STUDY: by_get}})
    assert altered.reason is Reason.CONTENT_MISMATCH
    assert ours.listener._objects == {}


async def test_a_study_that_is_gone_is_missing_by_move_too(ours: Ours) -> None:
    assert (await move_to_us(ours, {})).reason is Reason.MISSING


async def test_what_is_moved_to_our_listener_without_being_asked_for_is_refused(ours: Ours, tmp_path: Path) -> None:
    store(series(OTHER), tmp_path, ours.archive.dicom_port, ours.archive.ae_title)
    url = f"{ours.archive.url}/modalities/us/store"
    (study,) = requests.get(f"{ours.archive.url}/studies", timeout=SOON).json()
    sent = await asyncio.to_thread(lambda: requests.post(url, data=study, timeout=SOON))
    assert sent.status_code >= 400


async def test_a_study_too_large_is_refused_at_the_listener(ours: Ours, tmp_path: Path) -> None:
    store(series(), tmp_path, ours.archive.dicom_port, ours.archive.ae_title)
    outcome = await move_to_us(ours, {}, largest="500B")
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "more than 500 bytes" in outcome.detail
    assert any(name == "maximum PDU length" for name, _ in outcome.terminal)


async def test_a_move_without_a_destination_is_not_configured() -> None:
    settings = DicomRetrieveSettings(studies=STUDY, method="move")
    outcome = await ask(RETRIEVE, node_at(104, "ARCHIVE"), settings)
    assert outcome.reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize("studies", [[], "no uid", generate_uid() + "." + "1" * 64])
def test_only_study_instance_uids_are_taken(studies: Any) -> None:
    with pytest.raises(ValueError):
        DicomRetrieveSettings(studies=studies)


def test_it_needs_an_approval() -> None:
    assert RETRIEVE.writes
