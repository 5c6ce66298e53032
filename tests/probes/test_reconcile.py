from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from pacs_monitor.dicom.studies import Day
from pacs_monitor.engine.seats import limits_of
from pacs_monitor.model import Address, Check, CheckId, DicomEndpoint, Node, Outcome, Reason, Status, Thresholds
from pacs_monitor.probes import kinds
from pacs_monitor.probes.reconcile import ReconcileSettings, differ
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queried import Answer, matches, queried
from tests.peers.queries import image, store
from tests.peers.scripted import hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.clock import NOON, StoppedClock
from tests.support.probing import ask

RECONCILE = kinds()["reconcile"]
YESTERDAY, BEFORE = ((NOON - timedelta(days=back)).strftime("%Y%m%d") for back in (1, 2))
SETTINGS = ReconcileSettings(against="vna")


def node_at(port: int, name: str = "archive", called: str = "SCP") -> Node:
    return Node(name, host="127.0.0.1", dicom=DicomEndpoint(port, called, "PACSMON"))


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(matches(3)) as peer:
        yield node_at(peer.port), SETTINGS


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), SETTINGS


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port), SETTINGS


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(matches(4)) as here, queried(matches(3)) as there:
        yield node_at(here.port), SETTINGS, {"nodes": {"vna": node_at(there.port, "vna")}}


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(matches(3)) as here:
        yield node_at(here.port), SETTINGS, {"nodes": {"vna": node_at(free_port(), "vna")}}


PEERS = Peers(working, refusing, hanging, warning, blind)


async def reconcile(here: Node, there: Node, settings: ReconcileSettings = SETTINGS) -> Outcome:
    return await ask(RECONCILE, here, settings, nodes={"vna": there}, clock=StoppedClock())


async def test_two_real_archives_that_hold_the_same_are_fine_and_a_lost_study_is_a_warning(tmp_path: Path) -> None:
    images = [image(day, modality) for day in (YESTERDAY, BEFORE) for modality in ("CT", "CT", "MR")]
    async with AsyncExitStack() as stack:
        archives = []
        for name in ("archive", "vna"):
            (tmp_path / name).mkdir()
            known = {"us": ["PACSMON", "127.0.0.1", 104]}
            peer = stack.enter_context(Orthanc(tmp_path / name, DicomModalities=known))
            archives.append((peer, node_at(peer.dicom_port, name, peer.ae_title)))
        (here, archive), (there, vna) = archives
        by_modality = ReconcileSettings(against="vna", modalities=["CT", "MR"])
        store(images, tmp_path, here.dicom_port, here.ae_title)
        store(images[1:3], tmp_path, there.dicom_port, there.ae_title)
        one_day = await reconcile(archive, vna, ReconcileSettings(against="vna", modalities="MR", days=1))
        lost = await reconcile(archive, vna, by_modality)
        store(images, tmp_path, there.dicom_port, there.ae_title)
        same = await reconcile(archive, vna, by_modality)
    assert one_day.status is Status.OK
    assert (lost.status, lost.reason) == (Status.WARN, Reason.MISSING)
    assert "CT studies of " in lost.detail
    assert "(MR)" not in lost.detail
    assert (same.status, same.detail) == (Status.OK, "")
    assert {"maximum PDU length", "vna: maximum PDU length"} <= dict(same.terminal).keys()
    measured = {(one.labels, one.value) for one in same.measurements}
    assert ((("archive", "vna"), ("modality", "CT")), 2.0) in measured


async def test_one_bad_day_is_not_enough() -> None:
    def answer(identifier: Dataset) -> Iterator[Answer]:
        return matches(4 if identifier.StudyDate == YESTERDAY else 3)(identifier)

    with queried(matches(3)) as here, queried(answer) as there:
        patient = await reconcile(node_at(here.port), node_at(there.port, "vna"))
        eager = await reconcile(
            node_at(here.port), node_at(there.port, "vna"), ReconcileSettings(against="vna", days=1)
        )
    assert patient.status is Status.OK
    assert (eager.status, eager.reason) == (Status.WARN, Reason.MISSING)


async def test_a_copy_that_cannot_be_asked_is_not_this_nodes_fault() -> None:
    with queried(matches(3)) as here:
        outcome = await reconcile(node_at(here.port), node_at(free_port(), "vna"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert outcome.detail.startswith("vna could not be queried: ")


async def test_an_archive_that_does_not_tell_modalities_is_not_compared_by_them() -> None:
    with queried(matches(3)) as here:
        settings = ReconcileSettings(against="vna", modalities="CT")
        outcome = await reconcile(node_at(here.port), node_at(here.port, "vna"), settings)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "does not return ModalitiesInStudy" in outcome.detail


async def test_studies_of_several_modalities_count_for_each() -> None:
    with queried(matches(3, ModalitiesInStudy="CT\\SR")) as here, queried(matches(3, ModalitiesInStudy="SR")) as there:
        settings = ReconcileSettings(against="vna", modalities=["CT", "SR"])
        outcome = await reconcile(node_at(here.port), node_at(there.port, "vna"), settings)
    assert "CT studies" in outcome.detail
    assert "SR studies" not in outcome.detail


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_what_differs_does_so_both_ways_and_counts_at_a_limit_never_do(one: int, other: int, tolerance: float) -> None:
    here, there = Day(one, None, capped=False), Day(other, None, capped=False)
    assert differ(here, there, tolerance) is differ(there, here, tolerance)
    assert not differ(here, here, tolerance)
    assert not differ(here._replace(capped=True), there, tolerance)
    assert differ(here, there, 0.0) is (one != other)


def test_a_run_takes_the_seats_of_both_in_one_order_for_all() -> None:
    def seats_of(here: Node, there: Node) -> list[Address]:
        check = Check(
            CheckId(here.name, "reconcile"), here, RECONCILE, SETTINGS, 60, 10, 10, Thresholds(), others=(there,)
        )
        return list(dict(sorted(limits_of(check).items())))

    here, there = node_at(104), node_at(105, "vna")
    assert seats_of(here, there) == seats_of(there, here) == [Address("127.0.0.1", 104), Address("127.0.0.1", 105)]
