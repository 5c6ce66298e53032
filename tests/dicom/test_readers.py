"""The small readers against pynetdicom's, and against whatever bytes hypothesis thinks of."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_ECHO_RSP, C_FIND_RSP, C_STORE_RSP
from pynetdicom.dimse_primitives import C_ECHO, C_FIND, C_STORE
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, P_DATA_TF

from pacs_monitor.dicom import negotiation, pdu
from pacs_monitor.dicom.dimse import (
    COMMAND_LIMIT,
    HEADER_SIZE,
    Assembler,
    CommandField,
    Element,
    Message,
    read_command,
    write_command,
)
from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAXIMUM_LENGTH
from pacs_monitor.dicom.pdu import Framer, Malformed, PduType, Pdv
from pacs_monitor.dicom.requests import Context, associate_request
from tests.peers.scripted import abort, accept, echo_response, reject, release_response

SYNTAXES = st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.3"])
CONTEXTS = st.dictionaries(
    st.integers(0, 127).map(lambda n: 2 * n + 1), st.tuples(st.integers(0, 4), SYNTAXES), min_size=1, max_size=8
)
VERSIONS = st.text("ABCxyz019._- ", min_size=1, max_size=16).filter(lambda text: text.strip() == text)
STATUSES = st.integers(0, 0xFFFF)
IDS = st.integers(0, 0xFFFF)
unhurried = settings(deadline=None)

CONVERSATION = accept() + echo_response() + release_response() + reject(1, 1, 7) + abort(0, 0)


@unhurried
@given(CONTEXTS, st.integers(8, 2**32 - 1) | st.just(0), VERSIONS)
def test_an_accept_reads_as_pynetdicom_reads_it(
    contexts: dict[int, tuple[int, str]], maximum_length: int, version: str
) -> None:
    encoded = accept(contexts, maximum_length=maximum_length, version=version)
    theirs = A_ASSOCIATE_AC()
    theirs.decode(encoded)
    ours = negotiation.read_accept(encoded[6:])
    assert {number: result for number, (result, _) in ours.contexts.items()} == {
        item.context_id: item.result for item in theirs.presentation_context
    }
    assert {syntax for result, syntax in ours.contexts.values() if result == 0} == {
        str(item.transfer_syntax) for item in theirs.presentation_context if item.result == 0
    }
    assert theirs.user_information is not None
    assert ours.maximum_length == theirs.user_information.maximum_length
    assert ours.implementation_class_uid == theirs.user_information.implementation_class_uid
    assert ours.implementation_version_name == theirs.user_information.implementation_version_name


@unhurried
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_a_reject_reads_as_pynetdicom_reads_it(result: int, source: int, diagnostic: int) -> None:
    encoded = reject(result, source, diagnostic)
    theirs = A_ASSOCIATE_RJ()
    theirs.decode(encoded)
    assert pdu.read_reject(encoded[6:]) == (theirs.result, theirs.source, theirs.reason_diagnostic)


@unhurried
@given(st.sampled_from([(0, 0), (2, 0), (2, 1), (2, 2), (2, 4), (2, 5), (2, 6)]))
def test_an_abort_reads_as_pynetdicom_reads_it(said: tuple[int, int]) -> None:
    encoded = abort(*said)
    theirs = A_ABORT_RQ()
    theirs.decode(encoded)
    assert pdu.read_abort(encoded[6:]) == (theirs.source, theirs.reason_diagnostic) == said


RESPONSES = st.sampled_from([(C_ECHO, C_ECHO_RSP), (C_STORE, C_STORE_RSP), (C_FIND, C_FIND_RSP)])


@unhurried
@given(RESPONSES, STATUSES, IDS, st.integers(16, 200))
def test_a_command_set_reads_as_pynetdicom_reads_it(
    kind: tuple[Any, Any], status: int, answers: int, size: int
) -> None:
    primitive, message = kind[0](), kind[1]()
    primitive.AffectedSOPClassUID = "1.2.840.10008.1.1"
    primitive.MessageIDBeingRespondedTo = answers
    primitive.Status = status
    message.primitive_to_message(primitive)
    ours, theirs = Assembler(), kind[1]()
    for data in message.encode_msg(5, size):
        over = theirs.decode_msg(data)
        for context_id, value in data.presentation_data_value_list:
            whole = ours.add(Pdv(context_id, bool(value[0] & 1), bool(value[0] & 2), value[1:]))
    assert isinstance(whole, Message)
    assert over
    command = whole.command
    assert (whole.context_id, command.field, command.answers, command.status, command.has_data) == (
        theirs.context_id,
        theirs.command_set.CommandField,
        theirs.command_set.MessageIDBeingRespondedTo,
        theirs.command_set.Status,
        theirs.command_set.CommandDataSetType != 0x0101,
    )


@unhurried
@given(st.binary(min_size=1, max_size=3000), st.integers(1, 500))
def test_a_data_set_in_fragments_is_joined(data: bytes, size: int) -> None:
    command = bytearray(echo_response()[12:])
    at = command.index(b"\0\0\0\x08\2\0\0\0")
    command[at + 8 : at + 10] = b"\1\0"  # a data set follows
    field = command.index(b"\x30\x80")
    command[field : field + 2] = b"\x01\x00"  # C-STORE-RQ, whose data set is read
    assembler = Assembler()
    assert assembler.add(Pdv(1, True, True, bytes(command))) is None
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    last = len(pieces) - 1
    messages = [assembler.add(Pdv(1, False, n == last, piece)) for n, piece in enumerate(pieces)]
    assert messages[:-1] == [None] * (len(pieces) - 1)
    assert messages[-1] is not None
    assert messages[-1].data == data


def test_a_message_longer_than_its_limit_is_malformed() -> None:
    assembler = Assembler(data_limit=100 + HEADER_SIZE)
    command = bytearray(echo_response()[12:])
    at = command.index(b"\0\0\0\x08\2\0\0\0")
    command[at + 8 : at + 10] = b"\1\0"
    assembler.add(Pdv(1, True, True, bytes(command)))
    assembler.add(Pdv(1, False, False, bytes(100)))
    with pytest.raises(Malformed, match="longer"):
        assembler.add(Pdv(1, False, False, b"1"))


def test_endless_command_fragments_are_malformed() -> None:
    assembler = Assembler()
    assembler.add(Pdv(1, True, False, bytes(COMMAND_LIMIT - HEADER_SIZE)))
    with pytest.raises(Malformed, match="longer"):
        assembler.add(Pdv(1, True, False, b"1"))


@unhurried
@given(st.lists(st.integers(1, len(CONVERSATION) - 1), max_size=20))
def test_pdus_are_cut_alike_however_the_bytes_arrive(cuts: list[int]) -> None:
    whole = list(Framer().feed(CONVERSATION))
    framer = Framer()
    pieces: list[tuple[int, bytes]] = []
    edges = [0, *sorted(cuts), len(CONVERSATION)]
    for start, end in pairwise(edges):
        pieces += framer.feed(CONVERSATION[start:end])
    assert pieces == whole
    assert [kind for kind, _ in whole] == [
        PduType.A_ASSOCIATE_AC,
        PduType.P_DATA_TF,
        PduType.A_RELEASE_RP,
        PduType.A_ASSOCIATE_RJ,
        PduType.A_ABORT,
    ]
    assert not framer.unfinished


@unhurried
@given(st.binary(max_size=300))
def test_whatever_the_bytes_the_readers_raise_nothing_but_malformed(data: bytes) -> None:
    readers: tuple[Callable[[bytes], object], ...] = (
        negotiation.read_accept,
        pdu.read_reject,
        pdu.read_abort,
        lambda body: list(pdu.read_data(body)),
        read_command,
        lambda stream: list(Framer().feed(stream)),
    )
    for read in readers:
        with suppress(Malformed):
            read(data)


@unhurried
@given(st.integers(0, len(accept()) - 7), st.integers(0, 255))
def test_a_damaged_accept_is_read_or_malformed(at: int, value: int) -> None:
    body = bytearray(accept()[6:])
    body[at] = value
    try:
        accepted = negotiation.read_accept(bytes(body))
    except Malformed:
        return
    assert accepted.implementation_version_name.isprintable()


@pytest.mark.parametrize("is_command", [True, False])
def test_fragments_that_hold_nothing_come_to_an_end_too(is_command: bool) -> None:
    assembler = Assembler(data_limit=COMMAND_LIMIT)
    if not is_command:
        command_set = struct.pack("<HHLHHHLH", 0, 0x0100, 2, 0x0001, 0, 0x0800, 2, 0)
        assert assembler.add(Pdv(1, True, True, command_set)) is None
    empty = repeat(Pdv(1, is_command, False, b""), COMMAND_LIMIT)
    with pytest.raises(Malformed, match="longer"):
        any(map(assembler.add, empty))


def test_a_version_name_cannot_write_to_a_terminal() -> None:
    body = accept(version="ABCDEFGH")[6:].replace(b"ABCDEFGH", b"\x1b[31m\xff\n\0")
    assert negotiation.read_accept(body).implementation_version_name == "?[31m??"


def test_our_association_request_reads_as_meant() -> None:
    contexts = (Context(1, "1.2.840.10008.1.1"), Context(3, "1.2.840.10008.5.1.4.1.1.7", ("1.2.840.10008.1.2",)))
    request = A_ASSOCIATE_RQ()
    request.decode(associate_request("PEER", "PACSMON", contexts))
    assert (request.called_ae_title.strip(), request.calling_ae_title.strip()) == ("PEER", "PACSMON")
    assert [
        Context(item.context_id or 0, str(item.abstract_syntax), tuple(map(str, item.transfer_syntax)))
        for item in request.presentation_context
    ] == list(contexts)
    assert request.user_information is not None
    assert request.user_information.maximum_length == MAXIMUM_LENGTH
    assert request.user_information.implementation_class_uid == IMPLEMENTATION_CLASS_UID
    assert request.user_information.implementation_version_name == IMPLEMENTATION_VERSION_NAME


@unhurried
@given(st.integers(0, 127).map(lambda n: 2 * n + 1), IDS)
def test_our_echo_request_reads_as_meant(context_id: int, message_id: int) -> None:
    data = P_DATA_TF()
    command: dict[Element, int | str | bytes] = {
        Element.AFFECTED_SOP_CLASS_UID: "1.2.840.10008.1.1",
        Element.MESSAGE_ID: message_id,
    }
    (encoded,) = pdu.write_data(context_id, True, write_command(CommandField.C_ECHO_RQ, command), 16384)
    data.decode(encoded)
    message = C_ECHO_RSP()
    assert message.decode_msg(data.to_primitive())
    assert message.context_id == context_id
    assert (message.command_set.CommandField, message.command_set.MessageID) == (0x0030, message_id)


def test_our_own_uid_is_a_uid() -> None:
    assert len(IMPLEMENTATION_CLASS_UID) <= 64
    assert 0 < int(IMPLEMENTATION_CLASS_UID.removeprefix("2.25.")) < 2**128
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16
