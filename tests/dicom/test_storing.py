"""C-STORE: statuses, comments, large objects, faults of a real server, refused contexts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynetdicom import evt

from benchmarks.image import image as instance
from pacs_monitor.dicom import Association
from pacs_monitor.dicom.requests import EXPLICIT_VR_LITTLE_ENDIAN, contexts
from pacs_monitor.dicom.store import StoreStatus, store
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Flag, Phase, Reason
from pacs_monitor.net import NetFailure
from tests.dicom.objects import IMPLICIT, SECRET, associated, failure_at, failure_from, store_it
from tests.peers.dcmtk import Storescp
from tests.peers.scp import scp, status, stores
from tests.support.timing import HANGS


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
    assert association.trace.outcome().flags == flags


async def test_a_comment_of_the_peer_is_mentioned_and_dropped() -> None:
    failure = await failure_from(stores(status(0xA700, SECRET)), store_it)
    assert failure.detail == "C-STORE answered 0xA700 (refused: out of resources); the peer added a comment"


async def test_what_was_sent_is_what_arrives_however_large() -> None:
    arrived: list[bytes] = []
    sent = instance(size=4_000_000)

    def take(event: Any) -> int:
        arrived.append(event.request.DataSet.getvalue())
        return 0

    with scp({evt.EVT_C_STORE: take}) as port:
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
    with Storescp(tmp_path, "--sleep-during", "60") as storescp:
        failure = await failure_at(storescp.port, store_it, timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.DIMSE_TIMEOUT, Phase.OPERATION)


async def test_a_peer_that_does_not_read_a_large_object_is_dimse_timeout(tmp_path: Path) -> None:
    async def ask(association: Association) -> None:
        storescp.freeze()
        await store_it(association, instance(size=12_000_000))

    with Storescp(tmp_path) as storescp:
        failure = await failure_at(storescp.port, ask, timeout=HANGS)
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
