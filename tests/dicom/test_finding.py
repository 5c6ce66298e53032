"""C-FIND: statuses, counts, limits of theirs and ours, C-CANCEL, floods."""

from __future__ import annotations

import asyncio
import time
from io import BytesIO
from typing import Any

import pytest
from pynetdicom import evt
from pynetdicom.dimse_messages import C_FIND_RSP
from pynetdicom.dimse_primitives import C_FIND

from pacs_monitor.dicom import Association
from pacs_monitor.dicom import find as finding
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, count_matches, find
from pacs_monitor.dicom.upperlayer import BACKLOG
from pacs_monitor.model import Flag, Reason
from tests.dicom.objects import (
    EACH_STUDY,
    IMPLICIT,
    SECRET,
    associated,
    failure_from,
    store_it,
)
from tests.peers.scp import finds, matches, scp, status, stores
from tests.peers.scripted import Conversation, accept, message_of, release_response, scripted
from tests.support.timing import SOON

FIND_CONTEXT = 3


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
        await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY))

    failure = await failure_from(finds(*matches(3), (status(code, SECRET), None)), ask)
    assert failure.reason is reason
    assert failure.detail.startswith(f"C-FIND answered 0x{code:04X}")
    assert SECRET not in failure.detail


async def test_matches_are_counted_and_timed_to_the_first_and_the_last() -> None:
    with scp(finds(*matches(100))) as port:
        async with associated(port) as association:
            counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY))
    assert (counted.matches, counted.capped) == (100, False)
    assert counted.first is not None
    assert counted.last is not None
    assert 0 < counted.first <= counted.last
    assert association.trace.flags == []


async def test_zero_matches_are_no_failure() -> None:
    with scp(finds()) as port:
        async with associated(port) as association:
            assert await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY)) == (0, None, None, False)


async def test_optional_keys_that_the_peer_does_not_know_are_noticed() -> None:
    with scp(finds(*matches(2, 0xFF01))) as port:
        async with associated(port) as association:
            answers = find(association, STUDY_ROOT_FIND, EACH_STUDY)
            assert (await count_matches(answers)).matches == 2
    assert answers.optional_keys_unsupported


async def test_a_limit_of_the_peer_is_capped() -> None:
    with scp(finds(*matches(2), (0xB001, None))) as port:
        async with associated(port) as association:
            counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY))
    assert (counted.matches, counted.capped, association.trace.flags) == (2, True, [Flag.CAPPED])


@pytest.mark.parametrize(("there", "capped"), [(9, False), (10, False), (11, True), (50, True)])
async def test_a_limit_of_ours_ends_the_answers(there: int, capped: bool) -> None:
    with scp(stores(0) | finds(*matches(there))) as port:
        async with associated(port) as association:
            counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=10))
            await store_it(association)  # the association is good for more
    assert (counted.matches, counted.capped) == (min(there, 10), capped)
    assert association.trace.flags == [Flag.CAPPED] * capped


async def test_a_peer_that_understands_cancel_stops() -> None:
    def answers(event: Any) -> Any:
        yield from matches(11)
        end = time.monotonic() + SOON
        while not event.is_cancelled:
            assert time.monotonic() < end
            time.sleep(0.005)
        yield 0xFE00, None

    with scp({evt.EVT_C_FIND: answers}) as port:
        async with associated(port) as association:
            counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=10))
    assert (counted.matches, counted.capped, association.trace.flags) == (10, True, [Flag.CAPPED])


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
            counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=3))
        async with asyncio.timeout(SOON):
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
        assert (await count_matches(answers)).matches == count
    assert association.trace.flags == []


def finding_answer(code: int, identifier: bytes | None = None) -> bytes:
    primitive = C_FIND()
    primitive.MessageIDBeingRespondedTo, primitive.Status = 1, code
    if identifier is not None:
        primitive.Identifier = BytesIO(identifier)
    return message_of(C_FIND_RSP(), primitive, FIND_CONTEXT)
