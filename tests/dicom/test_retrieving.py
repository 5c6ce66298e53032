"""C-GET and C-MOVE, and every service in turn against real archives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import evt

from benchmarks.image import image as instance
from pacs_monitor.dicom import Association
from pacs_monitor.dicom.acceptor import Listener
from pacs_monitor.dicom.commitment import request_commitment
from pacs_monitor.dicom.datasets import decode
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, count_matches, find
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, ReceivedObject, SubOperations, get, move
from pacs_monitor.dicom.store import StoreStatus
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Reason
from pacs_monitor.net import NetFailure
from tests.dicom.objects import EACH_IMAGE, FETCHING, IMPLICIT, SECRET, WHOLE_STUDY, associated, failure_from, store_it
from tests.peers.dcmtk import Dcmqrscp
from tests.peers.orthanc import Orthanc
from tests.peers.scp import scp, status


def retrieved(*answers: Any) -> Callable[[Any], Any]:
    """A handler of C-GET: how many sub-operations there are, then these answers."""

    def handler(_event: Any) -> Any:
        yield len(answers)
        yield from answers

    return handler


def image(number: int) -> Dataset:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = SECONDARY_CAPTURE, f"1.2.3.{number}"
    made.file_meta = Dataset()  # type: ignore[assignment]  # pynetdicom asks it for the transfer syntax alone
    made.file_meta.TransferSyntaxUID = UID(IMPLICIT)
    return made


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0xA701, Reason.OUT_OF_RESOURCES),
        (0xA702, Reason.OUT_OF_RESOURCES),
        (0xA900, Reason.QUERY_REFUSED),
        (0xC001, Reason.QUERY_REFUSED),
        (0x0122, Reason.SOP_CLASS_REJECTED),
        (0x0124, Reason.NOT_AUTHORISED),
        (0x0110, Reason.DIMSE_STATUS),
    ],
)
async def test_a_failure_of_c_get_has_its_reason(code: int, reason: Reason) -> None:
    async def ask(association: Association) -> None:
        await get(association, STUDY_ROOT_GET, WHOLE_STUDY, lambda _object: 0)

    failure = await failure_from({evt.EVT_C_GET: retrieved((status(code, SECRET), None))}, ask)
    assert failure.reason is reason
    assert SECRET not in failure.detail


async def test_what_we_do_not_take_makes_a_retrieve_partial() -> None:
    handlers = {evt.EVT_C_GET: retrieved((0xFF00, image(1)), (0xFF00, image(2)), (0xFF00, image(3)))}
    with scp(handlers) as port, pytest.raises(NetFailure) as failed:
        async with associated(port, proposed=FETCHING) as association:
            await get(
                association, STUDY_ROOT_GET, WHOLE_STUDY, lambda got: 0xA700 if got.sop_instance == "1.2.3.2" else 0
            )
    assert failed.value.reason is Reason.PARTIAL
    assert "2 completed, 1 failed" in failed.value.detail


async def test_a_move_to_an_unknown_destination_is_ours_to_register() -> None:
    async def ask(association: Association) -> None:
        await move(association, STUDY_ROOT_MOVE, WHOLE_STUDY, "PACSMON")

    def nowhere(_event: Any) -> Any:
        yield None, None

    failure = await failure_from({evt.EVT_C_MOVE: nowhere}, ask)
    assert (failure.reason, failure.detail) == (
        Reason.MOVE_DESTINATION_UNKNOWN,
        "C-MOVE answered 0xA801 (refused: move destination unknown)",
    )


async def test_a_real_dcmqrscp_stores_finds_and_gives_back(tmp_path: Path) -> None:
    sent = [instance(number, size=40_000 * number) for number in range(1, 6)]
    got: list[ReceivedObject] = []

    def take(received: ReceivedObject) -> int:
        got.append(received)
        return 0

    with Dcmqrscp(tmp_path) as archive:
        async with associated(archive.port, "QR") as association:
            for one in sent:
                assert await store_it(association, one) == StoreStatus(0)
            found = {
                decode(answer.dataset, ["SOPInstanceUID"])["SOPInstanceUID"]
                async for answer in find(association, STUDY_ROOT_FIND, EACH_IMAGE)
            }
        async with associated(archive.port, "QR", FETCHING) as association:
            done = await get(association, STUDY_ROOT_GET, WHOLE_STUDY, take)
    assert found == {one.uid for one in sent}
    assert done == SubOperations(completed=5, failed=0, warning=0)
    assert {(one.sop_instance, one.dataset) for one in got} == set(sent)


async def test_a_real_orthanc_stores_finds_gives_back_moves_and_commits(tmp_path: Path) -> None:
    sent, got = [instance(number) for number in range(1, 4)], list[str]()

    def take(received: ReceivedObject) -> int:
        got.append(received.sop_instance)
        return 0

    async def yes(_uid: str, _more: str = "") -> bool:
        return True

    listener = Listener("PACSMON", known=yes, ours=yes)
    await listener.start()
    allowed: dict[str, Any] = {f"DicomAlwaysAllow{service}": True for service in ("Find", "Get", "Move")}
    allowed["DicomAssociationCloseDelay"] = 0
    try:
        with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", listener.port]}, **allowed) as orthanc:
            port = orthanc.dicom_port
            async with associated(port, "ORTHANC") as association:
                for one in sent:
                    assert await store_it(association, one) == StoreStatus(0)
                assert (await count_matches(find(association, STUDY_ROOT_FIND, EACH_IMAGE, limit=2))).capped
                arriving = [listener.expect(one.uid) for one in sent]
                assert (await move(association, STUDY_ROOT_MOVE, WHOLE_STUDY, "PACSMON")).completed == 3
                moved = {(await one).sop_instance for one in arriving}
                reported = listener.expect_commitment("1.2.99")
                asked = [(SECONDARY_CAPTURE, sent[0].uid), (SECONDARY_CAPTURE, "1.2.3.4")]
                await request_commitment(association, "1.2.99", asked)
                commitment = await reported
            async with associated(port, "ORTHANC", FETCHING) as association:
                await get(association, STUDY_ROOT_GET, WHOLE_STUDY, take)
    finally:
        await listener.stop()
    assert moved == set(got) == {one.uid for one in sent}
    assert commitment.committed == ((SECONDARY_CAPTURE, sent[0].uid),)
    assert [uid for _, uid, _ in commitment.failed] == ["1.2.3.4"]
