"""Our own listener: it never says success to data that is not ours, and hands over what was expected."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pynetdicom import AE, build_role
from pynetdicom.association import Association as TheirAssociation
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    SecondaryCaptureImageStorage,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from benchmarks.image import Image as Instance
from benchmarks.image import image as instance
from pacs_monitor.dicom import acceptor, associate
from pacs_monitor.dicom.acceptor import KnownNodes, Listener
from pacs_monitor.dicom.commitment import WELL_KNOWN_INSTANCE
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.requests import associate_request, contexts
from pacs_monitor.dicom.retrieve import ReceivedObject
from pacs_monitor.dicom.store import StoreStatus, store
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.model import DicomEndpoint, LedgerError, Node, Reason, Tls
from pacs_monitor.net import NetFailure, Resolver
from tests.dicom.objects import IMPLICIT, associated
from tests.dicom.support import failure_of, target
from tests.peers.certificates import certificate, server_context
from tests.peers.scripted import accept, echo_response
from tests.support.timing import SOON

NOT_AUTHORISED = 0x0124
OURS = instance(1)
ARCHIVE = Node("archive", host="127.0.0.1", dicom=DicomEndpoint(104, "ARCHIVE", "PACSMON"))


async def in_ledger(uid: str) -> bool:
    return uid == OURS.uid


@asynccontextmanager
async def listening(node: Node = ARCHIVE) -> AsyncIterator[Listener]:
    listener = Listener("PACSMON", known=KnownNodes(lambda: [node], Resolver()).caller, ours=in_ledger)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


def call(listener: Listener, calling: str = "ARCHIVE", called: str = "PACSMON", **more: Any) -> TheirAssociation:
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = SOON
    for sop_class in (SecondaryCaptureImageStorage, CTImageStorage):
        ae.add_requested_context(sop_class, IMPLICIT)
    for sop_class in (Verification, StorageCommitmentPushModel, StudyRootQueryRetrieveInformationModelFind):
        ae.add_requested_context(sop_class)
    for _ in range(5):
        association = ae.associate("127.0.0.1", listener.port, ae_title=called, **more)
        if not association.is_aborted or association.acceptor.primitive is not None:
            break  # else pynetdicom took the end of the connection before the answer that came first: it is asked again
    return association


def stored_by(association: TheirAssociation, what: Instance) -> int | None:
    """The status of their C-STORE; None when there was none."""
    data = read_dataset(BytesIO(what.dataset), True, True)
    data.file_meta = read_dataset(BytesIO(b""), True, True)  # type: ignore[assignment]  # it is asked for one element
    data.file_meta.TransferSyntaxUID = UID(IMPLICIT)
    status = association.send_c_store(data).get("Status")
    association.release()
    return None if status is None else int(status)


def rejected(association: TheirAssociation) -> tuple[int, int, int]:
    assert association.is_rejected
    answer: Any = association.acceptor.primitive
    return answer.result, answer.result_source, answer.diagnostic


async def test_what_is_expected_is_handed_over_and_answered_with_success() -> None:
    async with listening() as listener:
        arriving = listener.expect(OURS.uid)
        status = await asyncio.to_thread(lambda: stored_by(call(listener), OURS))
        got = await arriving
    assert status == 0
    assert (got.sop_class, got.sop_instance, got.transfer_syntax, got.dataset) == (
        SECONDARY_CAPTURE,
        OURS.uid,
        IMPLICIT,
        OURS.dataset,
    )


async def test_ours_that_comes_late_is_answered_with_success_and_dropped() -> None:
    async with listening() as listener:
        listener.expect(OURS.uid).cancel()
        await asyncio.sleep(0)
        assert await asyncio.to_thread(lambda: stored_by(call(listener), OURS)) == 0


async def test_ours_that_comes_in_the_moment_in_which_it_is_not_awaited_any_more_is_answered_too() -> None:
    async with listening() as listener:
        listener.expect(OURS.uid).cancel()
        assert await listener._take_object(ReceivedObject(SECONDARY_CAPTURE, OURS.uid, IMPLICIT, OURS.dataset)) == 0


async def test_nobody_is_told_success_while_the_ledger_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    async def unreadable(_uid: str) -> bool:
        raise LedgerError("database is locked")

    listener = Listener("PACSMON", known=KnownNodes(lambda: [ARCHIVE], Resolver()).caller, ours=unreadable)
    await listener.start()
    try:
        assert await asyncio.to_thread(lambda: stored_by(call(listener), OURS)) is None
    finally:
        await listener.stop()
    gc.collect()
    assert caplog.messages == []


async def test_data_that_is_not_ours_never_gets_success_also_from_a_peer_that_we_know() -> None:
    async with listening() as listener:
        listener.expect(OURS.uid)
        assert await asyncio.to_thread(lambda: stored_by(call(listener), instance(2))) == NOT_AUTHORISED


@settings(max_examples=30, deadline=None)
@given(st.from_regex(r"[0-9.]{0,64}", fullmatch=True).filter(lambda uid: uid != OURS.uid))
def test_no_uid_but_ours_gets_success(uid: str) -> None:
    async def attempt() -> StoreStatus | NetFailure:
        async with listening() as listener:
            node = ARCHIVE.dicom
            assert node is not None
            try:
                async with associated(listener.port, "PACSMON", proposed, calling=node.ae_title) as association:
                    return await store(association, SECONDARY_CAPTURE, uid, OURS.dataset, IMPLICIT)
            except NetFailure as failure:
                return failure

    proposed = contexts([(SECONDARY_CAPTURE, [IMPLICIT])])
    outcome = asyncio.run(attempt())
    assert isinstance(outcome, NetFailure)
    assert outcome.reason is Reason.NOT_AUTHORISED


@pytest.mark.parametrize(
    ("node", "calling"),
    [
        (ARCHIVE, "STRANGER"),
        (Node("elsewhere", host="192.0.2.1", dicom=DicomEndpoint(104, "ARCHIVE", "PACSMON")), "ARCHIVE"),
        (Node("nowhere", host="no-such-host.invalid", dicom=DicomEndpoint(104, "ARCHIVE", "PACSMON")), "ARCHIVE"),
        (Node("silent", host="127.0.0.1"), "ARCHIVE"),
    ],
    ids=["AE title", "address", "unresolvable", "no DICOM"],
)
async def test_a_stranger_is_rejected_as_not_recognized(node: Node, calling: str) -> None:
    async with listening(node) as listener:
        association = await asyncio.to_thread(lambda: call(listener, calling))
    assert rejected(association) == (1, 1, 3)


async def test_a_stranger_learns_nothing_of_our_ae_title() -> None:
    async with listening() as listener:
        association = await asyncio.to_thread(lambda: call(listener, "STRANGER", "WRONG"))
    assert rejected(association) == (1, 1, 3)


async def test_a_wrong_called_ae_title_is_not_recognized() -> None:
    async with listening() as listener:
        association = await asyncio.to_thread(lambda: call(listener, called="WRONG"))
    assert rejected(association) == (1, 1, 7)


async def test_a_host_by_name_is_known_by_its_addresses() -> None:
    node = Node("archive", host="localhost", dicom=DicomEndpoint(104, "ARCHIVE", "PACSMON"))
    async with listening(node) as listener:
        association = await asyncio.to_thread(lambda: call(listener))
        assert association.is_established
        await asyncio.to_thread(association.release)


async def test_more_than_it_takes_at_once_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor, "AT_ONCE", 1)
    async with listening() as listener:
        first = await asyncio.to_thread(lambda: call(listener))
        second = await asyncio.to_thread(lambda: call(listener))
        assert rejected(second) == (2, 3, 2)
        await asyncio.to_thread(first.release)


async def test_silent_connections_keep_nobody_out() -> None:
    async with listening() as listener, AsyncExitStack() as stack:
        for _ in range(2 * acceptor.CONNECTIONS.known):
            _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            stack.callback(writer.close)
        association = await asyncio.to_thread(lambda: call(listener))
        answer = await asyncio.to_thread(association.send_c_echo)
        await asyncio.to_thread(association.release)
    assert answer.Status == 0


async def test_an_echo_of_a_peer_that_we_know_is_answered() -> None:
    async with listening() as listener:
        association = await asyncio.to_thread(lambda: call(listener))
        answer = await asyncio.to_thread(association.send_c_echo)
        await asyncio.to_thread(association.release)
    assert answer.Status == 0


async def test_what_we_do_not_serve_is_not_accepted() -> None:
    async with listening() as listener:
        association = await asyncio.to_thread(lambda: call(listener))
        refused = [context.abstract_syntax for context in association.rejected_contexts]
        await asyncio.to_thread(association.release)
    assert refused == [StudyRootQueryRetrieveInformationModelFind]


async def reported(listener: Listener, transaction: str) -> int:
    """The status of a report that a peer makes as the SCP of storage commitment."""

    def tell() -> int:
        role = build_role(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        association = call(listener, ext_neg=[role])
        reference = {"ReferencedSOPClassUID": SECONDARY_CAPTURE, "ReferencedSOPInstanceUID": OURS.uid}
        lost = reference | {"ReferencedSOPInstanceUID": "1.2.3", "FailureReason": 0x0112}
        values = {"TransactionUID": transaction, "ReferencedSOPSequence": [reference], "FailedSOPSequence": [lost]}
        information = read_dataset(BytesIO(encode(values)), True, True)
        status, _ = association.send_n_event_report(information, 2, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE)
        association.release()
        return int(status.Status)

    return await asyncio.to_thread(tell)


async def test_a_report_on_our_transaction_is_handed_over() -> None:
    async with listening() as listener:
        expected = listener.expect_commitment("1.2.99")
        assert await reported(listener, "1.2.99") == 0
        commitment = await expected
    assert commitment == ("1.2.99", ((SECONDARY_CAPTURE, OURS.uid),), ((SECONDARY_CAPTURE, "1.2.3", 0x0112),))


async def test_a_report_on_another_transaction_is_refused() -> None:
    async with listening() as listener:
        listener.expect_commitment("1.2.99")
        assert await reported(listener, "1.2.98") == NOT_AUTHORISED


@pytest.mark.parametrize(
    "nonsense", [b"GET / HTTP/1.1\r\n\r\n", accept(), echo_response(), b"\x01\0\xff\xff\xff\xff", bytes(100)]
)
async def test_nonsense_ends_in_an_abort_and_a_closed_socket(nonsense: bytes) -> None:
    async with listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(nonsense)
        async with asyncio.timeout(SOON):
            answer = await reader.read()
        writer.close()
    assert answer[:1] == b"\x07"


async def test_a_caller_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor, "REQUEST_WITHIN", 0.1)
    async with listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        async with asyncio.timeout(SOON):
            assert (await reader.read())[:1] == b"\x07"
        writer.close()


async def test_stopping_leaves_no_connection_and_no_task() -> None:
    before = len(asyncio.all_tasks())
    async with listening() as listener:
        association = await asyncio.to_thread(lambda: call(listener))
        assert association.is_established
    await asyncio.to_thread(association.join, SOON)
    assert not association.is_established
    assert len(asyncio.all_tasks()) == before
    failure = await failure_of(target(listener.port))
    assert failure.reason is Reason.TCP_REFUSED


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4))
def test_a_damaged_request_never_breaks_the_listener(damages: list[tuple[int, bytes]]) -> None:
    request = bytearray(associate_request("PACSMON", "ARCHIVE", contexts([(SECONDARY_CAPTURE, [IMPLICIT])])))
    for at, noise in damages:
        start = at % len(request)
        request[start : start + len(noise)] = noise
    escaped: list[Any] = []

    async def attempt() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: escaped.append(context))
        async with listening() as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(bytes(request))
            writer.write_eof()
            async with asyncio.timeout(SOON):
                await reader.read()
            writer.close()

    asyncio.run(attempt())
    assert escaped == []


async def test_a_certificate_may_be_shown(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    known = KnownNodes(lambda: [ARCHIVE], Resolver()).caller
    listener = Listener("PACSMON", known=known, ours=in_ledger, tls=server_context(made))
    await listener.start()
    secured = target(listener.port, called="PACSMON")._replace(tls=Tls(ca=str(made)), calling="ARCHIVE")
    async with await associate(secured, CONTEXTS, resolver=Resolver(), deadline=time.monotonic() + SOON) as association:
        await echo(association)
    await listener.stop()
    assert association.trace.flags == []


async def test_a_node_whose_name_was_looked_up_is_near_before_it_has_ever_called() -> None:
    resolver = Resolver()
    nodes = [replace(ARCHIVE, host=host) for host in ("localhost", "::ffff:10.0.0.1", "never-asked.invalid")]
    peers = KnownNodes(lambda: nodes, resolver)
    addresses = ("127.0.0.1", "10.0.0.1", "10.0.0.2")
    assert [peers.near(address) for address in addresses] == [False, True, False]
    await resolver.resolve("localhost")
    assert [peers.near(address) for address in addresses] == [True, True, False]
