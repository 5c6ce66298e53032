"""What we write is what pynetdicom reads, and what a requestor of pynetdicom's writes is what we read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import (
    C_CANCEL_RQ,
    C_ECHO_RQ,
    C_FIND_RQ,
    C_GET_RQ,
    C_MOVE_RQ,
    C_STORE_RQ,
    C_STORE_RSP,
    N_ACTION_RQ,
    N_EVENT_REPORT_RSP,
)
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA_TF

from pacs_monitor.dicom import negotiation, pdu
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.dimse import Assembler, CommandField, Element, Value, read_command, write_command
from pacs_monitor.dicom.negotiation import Requested, Roles
from pacs_monitor.dicom.pdu import Framer, Malformed, PduType, Rejected
from pacs_monitor.dicom.requests import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    associate_request,
    contexts,
)

unhurried = settings(deadline=None)
UIDS = st.from_regex(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){1,8}", fullmatch=True)
SHORTS = st.integers(0, 0xFFFF)
TITLES = st.text("ABCXYZ019_-", min_size=1, max_size=16)
SYNTAXES = st.sampled_from([IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.50"])
ROLES = st.dictionaries(UIDS, st.builds(Roles, st.booleans(), st.booleans()), max_size=3)
CONTEXT_IDS = st.integers(0, 127).map(lambda n: 2 * n + 1)
CLASS, INSTANCE = Element.AFFECTED_SOP_CLASS_UID, Element.AFFECTED_SOP_INSTANCE_UID
NAMES = {
    CLASS: "AffectedSOPClassUID",
    Element.REQUESTED_SOP_CLASS_UID: "RequestedSOPClassUID",
    Element.MESSAGE_ID: "MessageID",
    Element.MESSAGE_ID_BEING_RESPONDED_TO: "MessageIDBeingRespondedTo",
    Element.MOVE_DESTINATION: "MoveDestination",
    Element.PRIORITY: "Priority",
    Element.STATUS: "Status",
    INSTANCE: "AffectedSOPInstanceUID",
    Element.REQUESTED_SOP_INSTANCE_UID: "RequestedSOPInstanceUID",
    Element.EVENT_TYPE_ID: "EventTypeID",
    Element.ACTION_TYPE_ID: "ActionTypeID",
}
REQUESTS = [
    (CommandField.C_ECHO_RQ, C_ECHO_RQ, (CLASS, Element.MESSAGE_ID)),
    (CommandField.C_STORE_RQ, C_STORE_RQ, (CLASS, Element.MESSAGE_ID, Element.PRIORITY, INSTANCE)),
    (CommandField.C_FIND_RQ, C_FIND_RQ, (CLASS, Element.MESSAGE_ID, Element.PRIORITY)),
    (CommandField.C_GET_RQ, C_GET_RQ, (CLASS, Element.MESSAGE_ID, Element.PRIORITY)),
    (CommandField.C_MOVE_RQ, C_MOVE_RQ, (CLASS, Element.MESSAGE_ID, Element.PRIORITY, Element.MOVE_DESTINATION)),
    (CommandField.C_CANCEL_RQ, C_CANCEL_RQ, (Element.MESSAGE_ID_BEING_RESPONDED_TO,)),
    (
        CommandField.N_ACTION_RQ,
        N_ACTION_RQ,
        (
            Element.REQUESTED_SOP_CLASS_UID,
            Element.MESSAGE_ID,
            Element.REQUESTED_SOP_INSTANCE_UID,
            Element.ACTION_TYPE_ID,
        ),
    ),
    (
        CommandField.C_STORE_RQ.response,
        C_STORE_RSP,
        (CLASS, Element.MESSAGE_ID_BEING_RESPONDED_TO, Element.STATUS, INSTANCE),
    ),
    (
        CommandField.N_EVENT_REPORT_RQ.response,
        N_EVENT_REPORT_RSP,
        (CLASS, Element.MESSAGE_ID_BEING_RESPONDED_TO, Element.STATUS, INSTANCE, Element.EVENT_TYPE_ID),
    ),
]


def value_of(element: Element) -> st.SearchStrategy[Value]:
    if element.name.endswith("UID"):
        return UIDS
    return TITLES.map(lambda title: f"{title:16}".encode()) if element is Element.MOVE_DESTINATION else SHORTS


@unhurried
@pytest.mark.parametrize(("field", "theirs", "elements"), REQUESTS, ids=lambda value: getattr(value, "__name__", None))
@given(st.data(), CONTEXT_IDS, st.integers(8, 300), st.binary(max_size=500))
def test_a_message_reads_as_meant(
    field: int,
    theirs: Any,
    elements: tuple[Element, ...],
    data: st.DataObject,
    context_id: int,
    maximum_length: int,
    data_set: bytes,
) -> None:
    values = {element: data.draw(value_of(element), element.name) for element in elements}
    command = write_command(field, values, has_data=bool(data_set))
    message = theirs()
    pdus = [*pdu.write_data(context_id, True, command, maximum_length)]
    pdus += pdu.write_data(context_id, False, data_set, maximum_length)
    for encoded in pdus:
        assert len(encoded) <= maximum_length + 6
        part = P_DATA_TF()
        part.decode(encoded)
        over = message.decode_msg(part.to_primitive())
    assert over
    assert (message.context_id, message.command_set.CommandField) == (context_id, field)
    assert message.data_set.getvalue() == data_set
    for element, value in values.items():
        read = getattr(message.command_set, NAMES[element])
        assert read == (value.decode().strip() if isinstance(value, bytes) else value)
    assert len(command) == 12 + message.command_set.CommandGroupLength


@unhurried
@given(CONTEXT_IDS, st.binary(min_size=1, max_size=2000), st.integers(8, 400))
def test_what_we_write_in_fragments_we_read_back(context_id: int, data_set: bytes, maximum_length: int) -> None:
    command = write_command(CommandField.C_STORE_RQ, {Element.MESSAGE_ID: 7}, has_data=True)
    stream = b"".join(
        [
            *pdu.write_data(context_id, True, command, maximum_length),
            *pdu.write_data(context_id, False, data_set, maximum_length),
        ]
    )
    assembler = Assembler()
    whole = [assembler.add(pdv) for _, body in Framer().feed(stream) for pdv in pdu.read_data(body)]
    assert [message for message in whole if message is not None] == [whole[-1]]
    assert whole[-1] == (context_id, read_command(command), data_set)


@unhurried
@given(
    TITLES,
    TITLES,
    st.dictionaries(CONTEXT_IDS, st.tuples(st.integers(0, 4), SYNTAXES), min_size=1, max_size=6),
    ROLES,
)
def test_our_accept_reads_as_meant(
    called: str, calling: str, results: dict[int, tuple[int, str]], roles: dict[str, Roles]
) -> None:
    requested = Requested(1, called, calling, "1.2.840.10008.3.1.1.1", {}, 0, {})
    encoded = negotiation.write_accept(requested, results, roles)
    theirs = A_ASSOCIATE_AC()
    theirs.decode(encoded)
    assert theirs.application_context_name == "1.2.840.10008.3.1.1.1"
    assert {item.context_id: item.result for item in theirs.presentation_context} == {
        number: result for number, (result, _) in results.items()
    }
    assert (theirs.reserved_aet.strip(), theirs.reserved_aec.strip()) == (called, calling)
    ours = negotiation.read_accept(encoded[6:])
    assert ours.roles == roles
    assert ours.contexts == {n: (result, "" if result else syntax) for n, (result, syntax) in results.items()}


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_our_reject_reads_as_meant(result: int, source: int, diagnostic: int) -> None:
    theirs = A_ASSOCIATE_RJ()
    theirs.decode(pdu.write_reject(Rejected(result, source, diagnostic)))
    assert (theirs.result, theirs.source, theirs.reason_diagnostic) == (result, source, diagnostic)


PROPOSED = st.lists(st.tuples(UIDS, st.lists(SYNTAXES, min_size=1, max_size=3, unique=True)), min_size=1, max_size=8)


@unhurried
@given(TITLES, TITLES, PROPOSED, st.data())
def test_a_request_reads_as_it_was_written(
    called: str, calling: str, pairs: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    scp = data.draw(st.sets(st.sampled_from([sop_class for sop_class, _ in pairs])))
    encoded = associate_request(called, calling, contexts(pairs, scp=scp))
    requested = negotiation.read_request(encoded[6:])
    assert (requested.called, requested.calling, requested.protocol_version) == (called, calling, 1)
    assert requested.contexts == {
        2 * n + 1: (sop_class, tuple(syntaxes)) for n, (sop_class, syntaxes) in enumerate(pairs)
    }
    assert requested.roles == dict.fromkeys(scp, Roles(scu=False, scp=True))


@unhurried
@given(st.integers(6, 400), st.binary(min_size=1, max_size=8))
def test_a_damaged_request_is_read_or_malformed(at: int, noise: bytes) -> None:
    request = bytearray(associate_request("PACSMON", "ARCHIVE", contexts([("1.2.3", [IMPLICIT_VR_LITTLE_ENDIAN])])))
    request[at : at + len(noise)] = noise
    with suppress(Malformed):
        requested = negotiation.read_request(bytes(request[6:]))
        assert requested.calling.isprintable()
        negotiation.write_accept(requested, dict.fromkeys(requested.contexts, (3, "")), requested.roles)


@given(st.binary(max_size=200))
def test_noise_is_no_request(noise: bytes) -> None:
    with suppress(Malformed):
        negotiation.read_request(noise)


@pytest.mark.parametrize("count", [0, 129])
def test_an_association_proposes_1_to_128_contexts(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 128"):
        contexts([("1.2.3", [IMPLICIT_VR_LITTLE_ENDIAN])] * count)


@pytest.mark.parametrize("length", range(1, 8))
def test_a_maximum_length_without_room_is_malformed(length: int) -> None:
    item = bytes((0x50, 0, 0, 8, 0x51, 0, 0, 4)) + length.to_bytes(4)
    with pytest.raises(Malformed, match="no room"):
        negotiation.read_accept(bytes(68) + item)


@unhurried
@given(st.binary(max_size=300), st.sampled_from([IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN]))
def test_a_data_set_of_noise_is_read_or_malformed(noise: bytes, transfer_syntax: str) -> None:
    with suppress(Malformed):
        decode(noise, ("StudyInstanceUID", "ReferencedSOPSequence", "ReferencedSOPInstanceUID"), transfer_syntax)


ANSWER = {
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "SECRET^NAME",
    "StudyInstanceUID": "1.2.3",
    "ModalitiesInStudy": ["CT", "SR"],
    "NumberOfStudyRelatedInstances": 12,
    "ReferencedSOPSequence": [{"ReferencedSOPInstanceUID": "1.2.3.4", "PatientName": "SECRET^NAME"}],
}


def test_only_what_is_asked_for_is_read() -> None:
    keywords = (
        "StudyInstanceUID",
        "ModalitiesInStudy",
        "ReferencedSOPSequence",
        "ReferencedSOPInstanceUID",
        "Nonsense",
    )
    assert decode(encode(ANSWER), keywords) == {
        "StudyInstanceUID": "1.2.3",
        "ModalitiesInStudy": ["CT", "SR"],
        "ReferencedSOPSequence": [{"ReferencedSOPInstanceUID": "1.2.3.4"}],
    }


@unhurried
@given(st.integers(0, 250), st.binary(min_size=1, max_size=6))
def test_a_damaged_data_set_is_read_or_malformed_and_nothing_is_printed(at: int, noise: bytes) -> None:
    data = bytearray(encode(ANSWER))
    data[at : at + len(noise)] = noise
    with suppress(Malformed):
        decode(bytes(data), tuple(ANSWER))


def test_a_release_is_a_pdu_of_its_own() -> None:
    assert [kind for kind, _ in Framer().feed(pdu.A_RELEASE_RQ + pdu.A_RELEASE_RP + pdu.A_ABORT)] == [
        PduType.A_RELEASE_RQ,
        PduType.A_RELEASE_RP,
        PduType.A_ABORT,
    ]
