"""The order and the ends of messages: an answer that came counts, whatever came with it or was left out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pacs_monitor.dicom import Association
from pacs_monitor.dicom.dimse import CommandField, Element, write_command
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, count_matches, find
from pacs_monitor.dicom.pdu import A_RELEASE_RQ, write_data
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, get, move
from pacs_monitor.dicom.verification import echo
from pacs_monitor.model import Flag, Reason
from pacs_monitor.net import NetFailure
from tests.dicom.objects import EACH_STUDY, EVERYTHING, IMPLICIT, WHOLE_STUDY, associated, store_it
from tests.dicom.support import failure_of, target
from tests.peers.scripted import Conversation, Script, abort, accept, release_response, scripted

ECHO, STORE, FIND, GET, MOVE, ACTION = (
    CommandField.C_ECHO_RQ,
    CommandField.C_STORE_RQ,
    CommandField.C_FIND_RQ,
    CommandField.C_GET_RQ,
    CommandField.C_MOVE_RQ,
    CommandField.N_ACTION_RQ,
)
CONTEXT = {ECHO: 1, FIND: 3, GET: 5, MOVE: 7, ACTION: 11, STORE: 13}
"""In `EVERYTHING`."""
ABORTED = abort(2, 0)


def response(field: CommandField, status: int = 0, *, announced: bool = False, answers: int = 1) -> bytes:
    """The command set of an answer, perhaps with a data set announced."""
    elements = {Element.MESSAGE_ID_BEING_RESPONDED_TO: answers, Element.STATUS: status}
    command = write_command(field.response, elements, has_data=announced)
    return b"".join(write_data(CONTEXT[field], True, command, 0))


def data_set(field: CommandField, data: bytes = EACH_STUDY) -> bytes:
    return b"".join(write_data(CONTEXT[field], False, data, 0))


def match(answers: int = 1) -> bytes:
    return response(FIND, 0xFF00, announced=True, answers=answers) + data_set(FIND)


def archive(*answers: bytes) -> Script:
    """Each request is answered with the next of these, each in one segment; after the last one it hears on."""
    contexts = {context.id: (0, IMPLICIT) for context in EVERYTHING}
    waiting = list(answers)

    async def script(conversation: Conversation) -> None:
        while heard := await conversation.hear():
            if heard[0] == 1:
                await conversation.say(accept(contexts))
            elif heard[0] == 5:
                await conversation.say(release_response())
            elif heard[0] == 4 and waiting and _ends_message(heard):
                await conversation.say(waiting.pop(0))

    return script


def _ends_message(pdu: bytes) -> bool:
    """The last fragment of a data set, or a command that announces none: (0000,0800) is 0101H (PS3.7 E.1)."""
    control, alone = pdu[11], b"\0\0\0\x08\2\0\0\0\1\1" in pdu
    return control == 2 or (control == 3 and alone)


async def finds(association: Association) -> int:
    return (await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY))).matches


async def gets(association: Association) -> Any:
    return await get(association, STUDY_ROOT_GET, WHOLE_STUDY, lambda _: 0)


async def moves(association: Association) -> Any:
    return await move(association, STUDY_ROOT_MOVE, WHOLE_STUDY, "PACSMON")


Ask = Callable[[Association], Awaitable[Any]]
SERVICES: dict[CommandField, Ask] = {ECHO: echo, STORE: store_it, FIND: finds, GET: gets, MOVE: moves}
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda field: field.service)


@each_service
@pytest.mark.parametrize("end", [ABORTED, A_RELEASE_RQ, b"nonsense"], ids=["A-ABORT", "A-RELEASE-RQ", "nonsense"])
async def test_an_answer_counts_that_came_with_the_end_of_the_association(service: CommandField, end: bytes) -> None:
    async with scripted(archive(response(service) + end)) as peer, associated(peer.port) as association:
        await SERVICES[service](association)
    assert association.trace.flags == []


@each_service
async def test_an_answer_counts_after_which_the_peer_closes(service: CommandField) -> None:
    async def script(conversation: Conversation) -> None:
        await archive(response(service))(_Closing(conversation))

    class _Closing(Conversation):
        """Closes behind its answer."""

        def __init__(self, of: Conversation) -> None:
            super().__init__(of._reader, of._writer)

        async def say(self, data: bytes) -> None:
            await super().say(data)
            if data[0] == 4:
                self.close()

    async with scripted(script) as peer, associated(peer.port) as association:
        await SERVICES[service](association)


async def test_every_answer_counts_that_came_before_the_end() -> None:
    whole = match() + match() + response(FIND) + ABORTED
    async with scripted(archive(whole)) as peer, associated(peer.port) as association:
        assert await finds(association) == 2


async def test_answers_that_ended_early_are_a_failure() -> None:
    async with scripted(archive(match() + match() + ABORTED)) as peer, associated(peer.port) as association:
        with pytest.raises(NetFailure) as failed:
            await finds(association)
    assert failed.value.reason is Reason.ABORTED_BY_PEER


async def test_an_accept_with_an_abort_is_no_answer() -> None:
    async def script(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept() + ABORTED)

    async with scripted(script) as peer:
        assert (await failure_of(target(peer.port))).reason is Reason.ABORTED_BY_PEER


@pytest.mark.parametrize("end", [ABORTED, b"nonsense"])
async def test_a_release_that_was_answered_is_no_timeout(end: bytes) -> None:
    async def script(conversation: Conversation) -> None:
        for answer in (accept(), response(ECHO), release_response() + end):
            await conversation.hear()
            await conversation.say(answer)

    async with scripted(script) as peer, associated(peer.port, proposed=EVERYTHING[:1]) as association:
        await echo(association)
    assert Flag.RELEASE_TIMEOUT not in association.trace.flags


# a data set that is announced and does not come


@each_service
async def test_an_announced_data_set_that_does_not_come_holds_up_nothing(service: CommandField) -> None:
    async with scripted(archive(response(service, announced=True))) as peer, associated(peer.port) as association:
        await SERVICES[service](association)


@each_service
async def test_a_refusal_with_an_announced_data_set_is_judged_by_its_status(service: CommandField) -> None:
    refusal = response(service, 0x0110, announced=True)
    async with scripted(archive(refusal)) as peer, associated(peer.port) as association:
        with pytest.raises(NetFailure) as failed:
            await SERVICES[service](association)
    assert failed.value.reason is Reason.DIMSE_STATUS


@each_service
@pytest.mark.parametrize("sent", [True, False], ids=["sent", "not sent"])
async def test_the_next_answer_is_read_whether_the_data_set_came_or_not(service: CommandField, sent: bool) -> None:
    first = response(service, announced=True) + (data_set(service) if sent else b"")
    script = archive(first, response(service, answers=2))
    async with scripted(script) as peer, associated(peer.port) as association:
        await SERVICES[service](association)
        await SERVICES[service](association)


async def test_a_pending_move_that_announces_a_data_set_and_sends_none_goes_on() -> None:
    told = response(MOVE, 0xFF00, announced=True) + response(MOVE)
    async with scripted(archive(told)) as peer, associated(peer.port) as association:
        await moves(association)


# after C-CANCEL


@pytest.mark.parametrize(
    "after",
    [
        ABORTED,
        A_RELEASE_RQ,
        response(FIND, 0xFE00),
        response(FIND, 0x0110),
        response(FIND, 0xA700),
        response(FIND, 0xC000),
        response(FIND, 0xFE00, announced=True),
        match() + response(FIND, 0xA900),
        response(ECHO),
        b"nonsense",
    ],
    ids=["abort", "release", "FE00", "0110", "A700", "C000", "announced", "a match and A900", "another", "nonsense"],
)
async def test_whatever_ends_a_query_after_our_cancel_is_our_doing(after: bytes) -> None:
    async with scripted(archive(match() * 4, after)) as peer, associated(peer.port) as association:
        counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=3))
    assert (counted.matches, counted.capped) == (3, True)
    assert association.trace.flags == [Flag.CAPPED]


async def test_a_peer_that_closes_on_our_cancel_is_not_blamed() -> None:
    async def script(conversation: Conversation) -> None:
        contexts = {context.id: (0, IMPLICIT) for context in EVERYTHING}
        for answer in (accept(contexts), b"", match() * 4):
            await conversation.hear()
            await conversation.say(answer)
        await conversation.hear()
        conversation.reset()

    async with scripted(script) as peer, associated(peer.port) as association:
        counted = await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=3))
    assert (counted.matches, counted.capped) == (3, True)


async def test_what_is_asked_over_an_association_that_we_left_fails_at_once() -> None:
    async with scripted(archive(match() * 4, response(ECHO))) as peer, associated(peer.port) as association:
        await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY, limit=3))
        with pytest.raises(NetFailure):
            await echo(association)
