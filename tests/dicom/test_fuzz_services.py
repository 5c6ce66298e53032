"""Whatever a peer answers to a service, it ends well or with a named failure, and nothing else escapes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import reduce
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_FIND_RSP, C_GET_RSP, C_MOVE_RSP, C_STORE_RQ, C_STORE_RSP, N_EVENT_REPORT_RQ
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE, C_STORE, N_EVENT_REPORT

from benchmarks.image import image as instance
from pacs_monitor.dicom import Association
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE, report
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, count_matches, find
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, get, move
from pacs_monitor.dicom.store import store
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Reason
from pacs_monitor.net import NetFailure
from tests.dicom.objects import EACH_STUDY, EVERYTHING, IMPLICIT, WHOLE_STUDY, associated
from tests.dicom.test_fuzz import PATIENCE, damage, damaged
from tests.peers.scripted import Conversation, accept, message_of, release_response, scripted
from tests.support.timing import SOON

FIND, GET, MOVE, COMMITMENT, STORE = 3, 5, 7, 11, 13
"""IDs of what EVERYTHING proposes."""


def answer(kind: tuple[Any, Any], context_id: int, status: int, **more: Any) -> bytes:
    primitive = kind[0]()
    primitive.MessageIDBeingRespondedTo, primitive.Status = 1, status
    for name, value in more.items():
        setattr(primitive, name, value)
    return message_of(kind[1](), primitive, context_id)


def sub_operation() -> bytes:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 9, 0
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = SECONDARY_CAPTURE, "1.2.3"
    primitive.DataSet = BytesIO(instance().dataset)
    return message_of(C_STORE_RQ(), primitive, STORE)


def event_report() -> bytes:
    primitive = N_EVENT_REPORT()
    primitive.MessageID, primitive.EventTypeID = 1, 1
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE
    objects = [{"ReferencedSOPClassUID": SECONDARY_CAPTURE, "ReferencedSOPInstanceUID": "1.2.3"}]
    primitive.EventInformation = BytesIO(encode({"TransactionUID": "1.2.99", "ReferencedSOPSequence": objects}))
    return message_of(N_EVENT_REPORT_RQ(), primitive, COMMITMENT)


Ask = Callable[[Association], Awaitable[Any]]
PENDING = 0xFF00
COUNTS = {"NumberOfCompletedSuboperations": 1, "NumberOfFailedSuboperations": 0, "NumberOfWarningSuboperations": 0}
MATCH = answer((C_FIND, C_FIND_RSP), FIND, PENDING, Identifier=BytesIO(EACH_STUDY))
CASES: dict[str, tuple[Ask, bytes]] = {
    "store": (
        lambda it: store(it, SECONDARY_CAPTURE, "1.2.3", instance().dataset, IMPLICIT),
        answer((C_STORE, C_STORE_RSP), STORE, 0),
    ),
    "find": (
        lambda it: count_matches(find(it, STUDY_ROOT_FIND, EACH_STUDY)),
        MATCH * 3 + answer((C_FIND, C_FIND_RSP), FIND, 0),
    ),
    "find with a limit": (
        lambda it: count_matches(find(it, STUDY_ROOT_FIND, EACH_STUDY, limit=1)),
        MATCH * 3 + answer((C_FIND, C_FIND_RSP), FIND, 0xFE00),
    ),
    "get": (
        lambda it: get(it, STUDY_ROOT_GET, WHOLE_STUDY, lambda _object: 0),
        sub_operation() + answer((C_GET, C_GET_RSP), GET, 0, **COUNTS),
    ),
    "move": (
        lambda it: move(it, STUDY_ROOT_MOVE, WHOLE_STUDY, "PACSMON"),
        answer((C_MOVE, C_MOVE_RSP), MOVE, PENDING, **COUNTS) + answer((C_MOVE, C_MOVE_RSP), MOVE, 0, **COUNTS),
    ),
    "report": (lambda it: report(it, "1.2.99"), event_report()),
}


def outcome_of(ask: Ask, answers: bytes, thresholds: float = PATIENCE) -> object:
    """What becomes of a service whose peer says all this at once, then closes when nothing more is asked of it."""
    escaped: list[dict[str, Any]] = []

    async def script(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept({context.id: (0, IMPLICIT) for context in EVERYTHING}) + answers)
        try:
            async with asyncio.timeout(thresholds):
                while (await conversation.hear())[:1] != b"\x05":
                    pass
            await conversation.say(release_response())
        except TimeoutError:
            conversation.close()

    async def run() -> object:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: escaped.append(context))
        async with scripted(script) as peer:
            try:
                async with associated(peer.port) as association:
                    return await ask(association)
            except NetFailure as failure:
                return failure

    outcome = asyncio.run(run())
    assert escaped == []
    return outcome


@pytest.mark.parametrize("case", CASES)
def test_undamaged_it_goes_well(case: str) -> None:
    outcome = outcome_of(*CASES[case], thresholds=SOON)
    assert not isinstance(outcome, NetFailure), outcome


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=40, deadline=None)
@given(damages=st.lists(damage, min_size=1, max_size=3))
def test_damaged_it_ends_with_a_named_failure_or_well(case: str, damages: list[tuple[int, int, bytes]]) -> None:
    ask, answers = CASES[case]
    outcome = outcome_of(ask, reduce(lambda data, how: damaged(data or b"\0", *how), damages, answers))
    if isinstance(outcome, NetFailure):
        assert outcome.reason is not Reason.PROBE_ERROR
        assert outcome.detail
