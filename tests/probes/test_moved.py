"""Objects that an archive sends us by C-MOVE: what arrives is the proof, whatever is counted (PS3.7 9.1.4.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from benchmarks.image import SERIES, STUDY
from benchmarks.image import image as instance
from pacs_monitor.dicom.acceptor import Listener
from pacs_monitor.dicom.dimse import Element, Value
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import DicomEndpoint, Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_retrieve import DicomRetrieveSettings
from pacs_monitor.probes.dicom_store import DicomStoreSettings
from tests.peers.moving import Mover
from tests.peers.scripted import scripted
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON

STORE, RETRIEVE = kinds()["dicom_store"], kinds()["dicom_retrieve"]
COMPLETED, FAILED, WARNING, REMAINING = (
    Element.COMPLETED_SUB_OPERATIONS,
    Element.FAILED_SUB_OPERATIONS,
    Element.WARNING_SUB_OPERATIONS,
    Element.REMAINING_SUB_OPERATIONS,
)
IMAGE = instance(1)
NONE = {COMPLETED: 0, FAILED: 0, WARNING: 0}


def node_at(port: int) -> Node:
    return Node("archive", host="127.0.0.1", dicom=DicomEndpoint(port, "PEER", "PACSMON"))


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async def yes(_uid: str, _more: str = "") -> bool:
        return True

    running = Listener("PACSMON", known=yes, ours=yes)
    await running.start()
    yield running
    await running.stop()


async def store_by(mover: Mover, listener: Listener, timeout: float = SOON, verify: str = "move") -> Outcome:
    settings = DicomStoreSettings(cleanup="retention", verify=verify)
    async with scripted(mover) as peer:
        return await ask(STORE, node_at(peer.port), settings, timeout, dicom_listener=listener)


async def retrieve_by(mover: Mover, memory: dict[str, Any], listener: Listener | None, **settings: Any) -> Outcome:
    mover.held = mover.held or [(SECONDARY_CAPTURE, IMAGE.uid, SERIES, IMAGE.dataset)]
    made = DicomRetrieveSettings(studies=STUDY, method="move", **settings)
    async with scripted(mover) as peer:
        return await ask(RETRIEVE, node_at(peer.port), made, memory=memory, dicom_listener=listener)


@pytest.mark.parametrize(
    ("status", "counters"),
    [
        (0x0000, {}),
        (0x0000, {COMPLETED: 1, FAILED: 0, WARNING: 0}),
        (0x0000, NONE),
        (0x0000, {COMPLETED: b"\1\0\0\0"}),
        (0x0000, {COMPLETED: b""}),
        (0xB000, {COMPLETED: 0, FAILED: 0, WARNING: 1}),
        (0xB000, {}),
    ],
    ids=["not told", "one", "none", "as UL", "empty", "with a warning", "a warning, not told"],
)
async def test_an_object_that_arrived_was_sent_whatever_is_counted(
    status: int, counters: dict[Element, Value], listener: Listener
) -> None:
    mover = Mover(listener, status, counters)
    outcome = await store_by(mover, listener)
    assert (outcome.status, outcome.detail, mover.moves) == (Status.OK, "", 1)


@pytest.mark.parametrize("counters", [{}, NONE, {COMPLETED: 1}], ids=["not told", "none", "one"])
async def test_an_object_that_arrives_after_the_answer_was_sent_too(
    counters: dict[Element, Value], listener: Listener
) -> None:
    mover = Mover(listener, counters=counters, late=0.2)
    outcome = await store_by(mover, listener)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert mover.moves <= 2


@pytest.mark.parametrize("counters", [{}, NONE, {COMPLETED: 1}], ids=["not told", "none", "one"])
async def test_an_object_that_never_arrives_is_asked_for_twice_at_most(
    counters: dict[Element, Value], listener: Listener
) -> None:
    mover = Mover(None, counters=counters)
    outcome = await store_by(mover, listener, HANGS)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)
    assert mover.moves <= 2
    assert "does not have it" not in outcome.detail  # C-FIND says that it has


async def test_a_study_that_somebody_else_is_sent_is_not_counted_where_the_archive_does_not_tell() -> None:
    memory: dict[str, Any] = {}
    first = await retrieve_by(Mover(None, counters={COMPLETED: 3}), memory, None, destination="SINK")
    silent = await retrieve_by(Mover(None), memory, None, destination="SINK")
    fewer = await retrieve_by(Mover(None, counters={COMPLETED: 2}), memory, None, destination="SINK")
    assert [one.name for one in first.measurements] == ["retrieve_objects", "retrieve_seconds"]
    assert (silent.status, silent.reason) == (Status.OK, None)
    assert [one.name for one in silent.measurements] == ["retrieve_seconds"]
    assert fewer.detail.endswith("has 2 objects, but had 3 before")


async def test_a_study_is_not_known_by_an_answer_that_counts_nothing() -> None:
    memory: dict[str, Any] = {}
    assert (await retrieve_by(Mover(None), memory, None, destination="SINK")).status is Status.OK
    told = await retrieve_by(Mover(None, counters={COMPLETED: 3}), memory, None, destination="SINK")
    assert (told.status, told.detail) == (Status.OK, "")


async def test_the_last_pending_answer_tells_where_a_final_success_does_not() -> None:
    mover = Mover(None, pending={REMAINING: 1, COMPLETED: 2, FAILED: 0, WARNING: 0})
    outcome = await retrieve_by(mover, {}, None, destination="SINK")
    assert {one.name: one.value for one in outcome.measurements}["retrieve_objects"] == 3


async def test_a_study_of_which_the_archive_counts_none_is_missing() -> None:
    outcome = await retrieve_by(Mover(None, counters=NONE), {}, None, destination="SINK")
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)


@pytest.mark.parametrize("status", [0x0000, 0xB000])
async def test_a_study_that_arrived_is_counted_by_what_arrived(status: int, listener: Listener) -> None:
    outcome = await retrieve_by(Mover(listener, status), {}, listener)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert {one.name: one.value for one in outcome.measurements}["retrieve_objects"] == 1


async def test_a_warning_without_a_failure_is_no_partial_retrieval() -> None:
    counters = {COMPLETED: 2, FAILED: 0, WARNING: 1}
    outcome = await retrieve_by(Mover(None, 0xB000, counters), {}, None, destination="SINK")
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    partial = await retrieve_by(Mover(None, 0xB000, {COMPLETED: 2, FAILED: 1}), {}, None, destination="SINK")
    unknown = await retrieve_by(Mover(None, 0xB000), {}, None, destination="SINK")
    assert partial.reason is unknown.reason is Reason.PARTIAL


@pytest.mark.parametrize("report", ["before", "instead"])
async def test_a_commitment_may_be_reported_elsewhere_before_the_request_is_answered(
    report: str, listener: Listener
) -> None:
    """PS3.4 J.3.3: N-EVENT-REPORT and N-ACTION-RSP are independent."""
    mover = Mover(listener, report=report)
    outcome = await store_by(mover, listener, verify="commitment")
    assert (outcome.status, outcome.detail, mover.reported) == (Status.OK, "", [0])


async def test_an_object_is_not_missing_from_a_list_that_was_cut(listener: Listener) -> None:
    mover = Mover(find_status=0xB001, finds=False)
    outcome = await store_by(mover, listener, verify="find")
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "B001" in outcome.detail


async def test_a_study_is_not_fetched_by_a_list_of_its_objects_that_was_cut(listener: Listener) -> None:
    outcome = await retrieve_by(Mover(listener, find_status=0xB001), {}, listener)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


async def test_an_archive_that_cannot_process_may_not_know_the_destination(listener: Listener) -> None:
    """Orthanc answers C000 for a destination that is not among its DicomModalities, where others answer A801."""
    outcome = await store_by(Mover(None, 0xC000), listener)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.QUERY_REFUSED)
    assert "check that the destination PACSMON is registered there" in outcome.detail
    assert "PACSMON" in outcome.detail
    full = await store_by(Mover(None, 0xA702), listener)
    assert "registered" not in full.detail


async def test_pixels_that_come_back_compressed_are_not_told_to_differ(listener: Listener) -> None:
    outcome = await store_by(Mover(listener, syntax="1.2.840.10008.1.2.4.70"), listener)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "JPEG Lossless" in outcome.detail
    assert "differ" not in outcome.detail
