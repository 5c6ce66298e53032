"""C-STORE, C-FIND, C-GET, C-MOVE and storage commitment, against real archives and servers that answer anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import evt
from pynetdicom.dimse_messages import C_FIND_RSP, N_ACTION_RSP, N_EVENT_REPORT_RQ
from pynetdicom.dimse_primitives import C_FIND, N_ACTION, N_EVENT_REPORT

from pacs_monitor.dicom import Association
from pacs_monitor.dicom import find as finding
from pacs_monitor.dicom.acceptor import Listener
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE, report, request_commitment
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.dimse import read_command
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, find, tally
from pacs_monitor.dicom.requests import EXPLICIT_VR_LITTLE_ENDIAN, contexts
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, ReceivedObject, SubOperations, get, move
from pacs_monitor.dicom.store import StoreStatus, store
from pacs_monitor.dicom.upperlayer import BACKLOG
from pacs_monitor.model import Flag, Phase, Reason
from pacs_monitor.net import NetFailure
from tests.dicom.objects import (
    EACH_IMAGE,
    EACH_STUDY,
    FETCHING,
    IMPLICIT,
    SECONDARY_CAPTURE,
    WHOLE_STUDY,
    Instance,
    associated,
    failure_at,
    instance,
)
from tests.peers.dcmtk import Dcmqrscp, Storescp
from tests.peers.orthanc import Orthanc
from tests.peers.scp import Handlers, finds, matches, scp, status, stores
from tests.peers.scripted import Conversation, accept, message_of, release_response, scripted

FIND_CONTEXT, COMMITMENT_CONTEXT = 3, 11
SECRET = "SECRET^NAME 4711"


async def store_it(association: Association, what: Instance | None = None) -> StoreStatus:
    uid, dataset = what or instance()
    return await store(association, SECONDARY_CAPTURE, uid, dataset, IMPLICIT)


async def failure_from(handlers: Handlers, ask: Callable[[Association], Awaitable[Any]]) -> NetFailure:
    """What a service meets at a server with these handlers; the association ends in a release all the same."""
    with scp(handlers) as port:
        failure = await failure_at(port, ask)
    assert (failure.phase, failure.passage.flags) == (Phase.OPERATION, [])
    return failure


# C-STORE


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0xA700, Reason.OUT_OF_RESOURCES),
        (0xA7FF, Reason.OUT_OF_RESOURCES),
        (0xA900, Reason.DATASET_REFUSED),
        (0xA9FF, Reason.DATASET_REFUSED),
        (0xC000, Reason.DATASET_REFUSED),
        (0xCFFF, Reason.DATASET_REFUSED),
        (0x0110, Reason.DIMSE_STATUS),
        (0x0111, Reason.DUPLICATE),
        (0x0122, Reason.SOP_CLASS_REJECTED),
        (0x0124, Reason.NOT_AUTHORISED),
        (0x0213, Reason.OUT_OF_RESOURCES),
        (0x0117, Reason.DIMSE_STATUS),
        (0xFF00, Reason.DIMSE_STATUS),
    ],
)
async def test_a_failure_of_c_store_has_its_reason(code: int, reason: Reason) -> None:
    failure = await failure_from(stores(code), store_it)
    assert failure.reason is reason
    assert failure.detail.startswith(f"C-STORE answered 0x{code:04X}")


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        (0x0000, ()),
        (0xB000, (Flag.COERCED,)),
        (0xB006, (Flag.ELEMENTS_DISCARDED,)),
        (0xB007, (Flag.STORED_WITH_WARNING,)),
        (0xB123, (Flag.STORED_WITH_WARNING,)),
        (0x0107, (Flag.STORED_WITH_WARNING,)),
    ],
)
async def test_a_warning_of_c_store_is_success_with_a_flag(code: int, flags: tuple[Flag, ...]) -> None:
    with scp(stores(code)) as port:
        async with associated(port) as association:
            assert await store_it(association) == StoreStatus(code, flags)
    assert association.passage.outcome().flags == flags


async def test_a_comment_of_the_peer_is_mentioned_and_dropped() -> None:
    failure = await failure_from(stores(status(0xA700, SECRET)), store_it)
    assert failure.detail == "C-STORE answered 0xA700 (refused: out of resources); the peer added a comment"


async def test_what_was_sent_is_what_arrives_however_large() -> None:
    arrived: list[bytes] = []
    sent = instance(size=4_000_000)
    with scp({evt.EVT_C_STORE: lambda event: arrived.append(event.request.DataSet.getvalue()) or 0}) as port:
        async with associated(port) as association:
            await store_it(association, sent)
    assert arrived == [sent.dataset]


@pytest.mark.parametrize("option", ["--abort-after", "--abort-during"])
async def test_storescp_that_aborts_is_told(tmp_path: Path, option: str) -> None:
    async def ask(association: Association) -> None:
        await store_it(association, instance(size=4_000_000))

    with Storescp(tmp_path, option) as storescp:
        failure = await failure_at(storescp.port, ask)
    assert failure.phase is Phase.OPERATION
    if option == "--abort-after":
        assert failure.reason is Reason.ABORTED_BY_PEER
    else:  # it does not read the rest, so that a reset may overtake its A-ABORT
        assert failure.reason in (Reason.ABORTED_BY_PEER, Reason.CLOSED)


async def test_storescp_that_sleeps_is_dimse_timeout(tmp_path: Path) -> None:
    with Storescp(tmp_path, "--sleep-during", "5") as storescp:
        failure = await failure_at(storescp.port, store_it, timeout=0.5)
    assert (failure.reason, failure.phase) == (Reason.DIMSE_TIMEOUT, Phase.OPERATION)


async def test_a_peer_that_does_not_read_a_large_object_is_dimse_timeout(tmp_path: Path) -> None:
    async def ask(association: Association) -> None:
        storescp.freeze()
        await store_it(association, instance(size=12_000_000))

    with Storescp(tmp_path) as storescp:
        failure = await failure_at(storescp.port, ask, timeout=1.0)
    assert (failure.reason, failure.phase) == (Reason.DIMSE_TIMEOUT, Phase.OPERATION)


async def test_a_transfer_syntax_is_refused_by_its_own_context(tmp_path: Path) -> None:
    proposed = contexts([(SECONDARY_CAPTURE, [EXPLICIT_VR_LITTLE_ENDIAN]), (SECONDARY_CAPTURE, [IMPLICIT])])
    with Storescp(tmp_path, "+xi") as storescp:
        async with associated(storescp.port, proposed=proposed) as association:
            assert await store_it(association) == StoreStatus(0)
            with pytest.raises(NetFailure) as failed:
                await store(association, SECONDARY_CAPTURE, "1.2.3", b"", EXPLICIT_VR_LITTLE_ENDIAN)
    assert failed.value.reason is Reason.TRANSFER_SYNTAX_REJECTED


async def test_a_sop_class_that_only_one_context_lost_is_found_in_the_other() -> None:
    proposed = contexts([(SECONDARY_CAPTURE, ["1.2.840.10008.1.2.4.50"]), (SECONDARY_CAPTURE, [IMPLICIT])])
    with scp(stores(0)) as port:
        async with associated(port, proposed=proposed) as association:
            assert association.context(SECONDARY_CAPTURE, IMPLICIT) == 3


# C-FIND


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0xA700, Reason.OUT_OF_RESOURCES),
        (0xA900, Reason.QUERY_REFUSED),
        (0xC000, Reason.QUERY_REFUSED),
        (0xCFFF, Reason.QUERY_REFUSED),
        (0xFE00, Reason.QUERY_REFUSED),
        (0x0110, Reason.DIMSE_STATUS),
        (0x0122, Reason.SOP_CLASS_REJECTED),
        (0x0124, Reason.NOT_AUTHORISED),
    ],
)
async def test_a_failure_of_c_find_has_its_reason_also_after_matches(code: int, reason: Reason) -> None:
    async def ask(association: Association) -> None:
        await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY))

    failure = await failure_from(finds(*matches(3), (status(code, SECRET), None)), ask)
    assert failure.reason is reason
    assert failure.detail.startswith(f"C-FIND answered 0x{code:04X}")
    assert SECRET not in failure.detail


async def test_matches_are_counted_and_timed_to_the_first_and_the_last() -> None:
    with scp(finds(*matches(100))) as port:
        async with associated(port) as association:
            counted = await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY))
    assert (counted.matches, counted.capped) == (100, False)
    assert counted.first is not None
    assert counted.last is not None
    assert 0 < counted.first <= counted.last
    assert association.passage.flags == []


async def test_zero_matches_are_no_failure() -> None:
    with scp(finds()) as port:
        async with associated(port) as association:
            assert await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY)) == (0, None, None, False)


async def test_optional_keys_that_the_peer_does_not_know_are_noticed() -> None:
    with scp(finds(*matches(2, 0xFF01))) as port:
        async with associated(port) as association:
            answers = find(association, STUDY_ROOT_FIND, EACH_STUDY)
            assert (await tally(answers)).matches == 2
    assert answers.optional_keys_unsupported


async def test_a_limit_of_the_peer_is_capped() -> None:
    with scp(finds(*matches(2), (0xB001, None))) as port:
        async with associated(port) as association:
            counted = await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY))
    assert (counted.matches, counted.capped, association.passage.flags) == (2, True, [Flag.CAPPED])


@pytest.mark.parametrize(("there", "capped"), [(9, False), (10, False), (11, True), (50, True)])
async def test_a_limit_of_ours_ends_the_answers(there: int, capped: bool) -> None:
    with scp(stores(0) | finds(*matches(there))) as port:
        async with associated(port) as association:
            counted = await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=10))
            await store_it(association)  # the association is good for more
    assert (counted.matches, counted.capped) == (min(there, 10), capped)
    assert association.passage.flags == [Flag.CAPPED] * capped


async def test_a_peer_that_understands_cancel_stops() -> None:
    def answers(event: Any) -> Any:
        yield from matches(11)
        end = time.monotonic() + 10
        while not event.is_cancelled:
            assert time.monotonic() < end
            time.sleep(0.005)
        yield 0xFE00, None

    with scp({evt.EVT_C_FIND: answers}) as port:
        async with associated(port) as association:
            counted = await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=10))
    assert (counted.matches, counted.capped, association.passage.flags) == (10, True, [Flag.CAPPED])


async def test_a_peer_that_ignores_the_cancel_is_left_and_the_matches_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "CANCEL_WITHIN", 0.2)
    left = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(_event: Any) -> Any:
        while True:
            yield from matches(100)

    handlers = {evt.EVT_C_FIND: endless, evt.EVT_ABORTED: lambda _event: loop.call_soon_threadsafe(left.set)}
    with scp(handlers) as port:
        async with associated(port) as association:
            counted = await tally(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=3))
        async with asyncio.timeout(5):
            await left.wait()
    assert (counted.matches, counted.capped) == (3, True)


async def test_answers_that_nobody_fetches_stop_the_reading() -> None:
    """A peer that floods us fills its own buffers, not our memory."""
    count = 3000
    match = finding_answer(0xFF00, EACH_STUDY + encode({"PatientComments": "x" * 4000}))
    said = 0

    async def flood(conversation: Conversation) -> None:
        nonlocal said
        await conversation.hear()
        await conversation.say(accept({FIND_CONTEXT: (0, IMPLICIT)}))
        await conversation.hear()
        for _ in range(count):
            await conversation.say(match)
            said += 1
        await conversation.say(finding_answer(0x0000))
        while (await conversation.hear())[:1] != b"\x05":
            pass
        await conversation.say(release_response())

    async with scripted(flood) as peer, associated(peer.port) as association:
        answers = find(association, STUDY_ROOT_FIND, EACH_STUDY)
        await anext(answers)
        before = -1
        while before != said:
            before = said
            await asyncio.sleep(0.05)
        assert said < count
        assert association._backlog < 2 * BACKLOG
        assert (await tally(answers)).matches == count
    assert association.passage.flags == []


def finding_answer(code: int, identifier: bytes | None = None) -> bytes:
    primitive = C_FIND()
    primitive.MessageIDBeingRespondedTo, primitive.Status = 1, code
    if identifier is not None:
        primitive.Identifier = BytesIO(identifier)
    return message_of(C_FIND_RSP(), primitive, FIND_CONTEXT)


# C-GET and C-MOVE


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
    made.file_meta.TransferSyntaxUID = IMPLICIT
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


# real archives


async def test_a_real_dcmqrscp_stores_finds_and_gives_back(tmp_path: Path) -> None:
    sent = [instance(number, size=40_000 * number) for number in range(1, 6)]
    got: list[ReceivedObject] = []
    with Dcmqrscp(tmp_path) as archive:
        async with associated(archive.port, "QR") as association:
            for one in sent:
                assert await store_it(association, one) == StoreStatus(0)
            found = {
                decode(answer.dataset, ["SOPInstanceUID"])["SOPInstanceUID"]
                async for answer in find(association, STUDY_ROOT_FIND, EACH_IMAGE)
            }
        async with associated(archive.port, "QR", FETCHING) as association:
            done = await get(association, STUDY_ROOT_GET, WHOLE_STUDY, lambda one: got.append(one) or 0)  # type: ignore[func-returns-value]  # both in one
    assert found == {one.uid for one in sent}
    assert done == SubOperations(completed=5)
    assert {(one.sop_instance, one.dataset) for one in got} == set(sent)


async def test_a_real_orthanc_stores_finds_gives_back_moves_and_commits(tmp_path: Path) -> None:
    sent, got = [instance(number) for number in range(1, 4)], []

    async def yes(_uid: str, _more: str = "") -> bool:
        return True

    listener = Listener("PACSMON", known=yes, ours=yes)
    await listener.start()
    allowed = {f"DicomAlwaysAllow{service}": True for service in ("Find", "Get", "Move")}
    allowed["DicomAssociationCloseDelay"] = 0
    try:
        with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", listener.port]}, **allowed) as orthanc:
            port = orthanc.dicom_port
            async with associated(port, "ORTHANC") as association:
                for one in sent:
                    assert await store_it(association, one) == StoreStatus(0)
                assert (await tally(find(association, STUDY_ROOT_FIND, EACH_IMAGE, limit=2))).capped
                arriving = [listener.expect(one.uid) for one in sent]
                assert (await move(association, STUDY_ROOT_MOVE, WHOLE_STUDY, "PACSMON")).completed == 3
                moved = {(await one).sop_instance for one in arriving}
                reported = listener.expect_commitment("1.2.99")
                asked = [(SECONDARY_CAPTURE, sent[0].uid), (SECONDARY_CAPTURE, "1.2.3.4")]
                await request_commitment(association, "1.2.99", asked)
                commitment = await reported
            async with associated(port, "ORTHANC", FETCHING) as association:
                await get(association, STUDY_ROOT_GET, WHOLE_STUDY, lambda one: got.append(one.sop_instance) or 0)  # type: ignore[func-returns-value]  # both in one
    finally:
        await listener.stop()
    assert moved == set(got) == {one.uid for one in sent}
    assert commitment.committed == ((SECONDARY_CAPTURE, sent[0].uid),)
    assert [uid for _, uid, _ in commitment.failed] == ["1.2.3.4"]


# storage commitment on the same association


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0x0110, Reason.DIMSE_STATUS), (0x0122, Reason.SOP_CLASS_REJECTED), (0x0213, Reason.OUT_OF_RESOURCES)],
)
async def test_a_refused_commitment_has_its_reason(code: int, reason: Reason) -> None:
    async def ask(association: Association) -> None:
        await request_commitment(association, "1.2.99", [(SECONDARY_CAPTURE, "1.2.3")])

    failure = await failure_from({evt.EVT_N_ACTION: lambda _event: (code, None)}, ask)
    assert failure.reason is reason


def event_report(transaction: str, message_id: int) -> bytes:
    """N-EVENT-REPORT-RQ, by pynetdicom."""
    primitive = N_EVENT_REPORT()
    primitive.MessageID, primitive.EventTypeID = message_id, 1
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE
    objects = [{"ReferencedSOPClassUID": SECONDARY_CAPTURE, "ReferencedSOPInstanceUID": "1.2.3"}]
    information = encode({"TransactionUID": transaction, "ReferencedSOPSequence": objects})
    primitive.EventInformation = BytesIO(information)
    return message_of(N_EVENT_REPORT_RQ(), primitive, COMMITMENT_CONTEXT)


async def test_a_report_on_the_same_association_is_read_and_others_are_refused() -> None:
    async def archive(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept({COMMITMENT_CONTEXT: (0, IMPLICIT)}))
        for _command_and_data in range(2):
            await conversation.hear()
        primitive = N_ACTION()
        primitive.MessageIDBeingRespondedTo, primitive.Status = 1, 0
        await conversation.say(message_of(N_ACTION_RSP(), primitive, COMMITMENT_CONTEXT))
        for message_id, transaction in ((7, "1.2.1"), (8, "1.2.99")):
            await conversation.say(event_report(transaction, message_id))
            await conversation.hear()
        await conversation.hear()
        await conversation.say(release_response())

    async with scripted(archive) as peer, associated(peer.port) as association:
        await request_commitment(association, "1.2.99", [(SECONDARY_CAPTURE, "1.2.3")])
        commitment = await report(association, "1.2.99")
    assert commitment.committed == ((SECONDARY_CAPTURE, "1.2.3"),)
    commands = [read_command(pdu[12:]) for pdu in peer.last.heard[3:5]]
    assert [(command.answers, command.status) for command in commands] == [(7, 0x0124), (8, 0x0000)]
