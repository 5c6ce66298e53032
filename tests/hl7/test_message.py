from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.hl7.message import (
    Acknowledgement,
    Code,
    MalformedError,
    Message,
    acknowledge,
    new_control_id,
    read_acknowledgement,
    timestamp,
)
from pacs_monitor.model import SECOND, Reason

ORDER = b"MSH|^~\\&|RIS|EAST|PACS|WEST|20261124080000||ORM^O01^ORM_O01|4711|P|2.3\rPID|1||1||DOE^JANE\rORC|NW\r"
AT = 1_795_507_200 * SECOND


def test_fields_have_the_numbers_of_the_standard() -> None:
    read = Message(ORDER)
    assert (read.type, read.control_id, read.receiver) == ("ORM^O01", "4711", ("PACS", "WEST"))
    assert (read.field("MSH", 3), read.field("ORC", 1), read.field("ORC", 9), read.field("ZZZ", 1)) == (
        *("RIS", "NW"),
        *("", ""),
    )


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_segments_end_as_senders_end_them(end: bytes) -> None:
    answer = end.join([b"", b"MSH|^~\\&|A|B|||1||ACK|2|P|2.7", b"MSA|CA|4711", b""])
    assert read_acknowledgement(answer) == Acknowledgement(Code.CA, "4711")


def test_other_separators_are_read_as_the_header_names_them() -> None:
    read = Message(b"MSH#*~\\&#RIS#EAST#PACS#WEST###ORU*R01#1#P#2.3\r")
    assert (read.type, read.receiver) == ("ORU^R01", ("PACS", "WEST"))


@pytest.mark.parametrize("field", [b"DOE^JANE", b"orm^o01", b"", b"ORM^O01X", b"OR"])
def test_what_is_no_message_type_is_none(field: bytes) -> None:
    assert Message(b"MSH|^~\\&|||||||" + field + b"|1|P|2.3\r").type is None


@pytest.mark.parametrize("answer", [b"MSH|^~\\&|A|B|||1||ADT^A01|2|P|2.7\r", b"MSH|^~\\&|\rMSA||\r"])
def test_a_message_without_msa_is_no_acknowledgement(answer: bytes) -> None:
    assert read_acknowledgement(answer) is None


def test_a_code_that_nobody_defined_is_none() -> None:
    assert read_acknowledgement(b"MSH|^~\\&|\rMSA|OK|1\r") == Acknowledgement(None, "1")


@given(st.binary(max_size=120) | st.binary(max_size=120).map(lambda data: b"MSH|^~\\&|" + data))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    try:
        read = Message(data)
    except MalformedError:
        return
    assert isinstance(read.control_id, str)
    assert read.type is None or len(read.type) <= 7
    assert acknowledge(read, True, AT) is None or hl7.parse(acknowledge(read, True, AT) or b"", encoding="latin-1")


@pytest.mark.parametrize(("accepted", "code"), [(True, Code.AA), (False, Code.AR)])
def test_our_answer_is_an_acknowledgement_to_another_reader(accepted: bool, code: Code) -> None:
    answer = hl7.parse((acknowledge(Message(ORDER), accepted, AT, "why") or b"").decode())
    header, msa = answer.segment("MSH"), answer.segment("MSA")
    assert [str(header[n]) for n in (3, 4, 5, 6, 7, 9, 11, 12)] == [
        *("PACS", "WEST", "RIS", "EAST"),
        *("20261124080000+0000", "ACK^O01", "P", "2.3"),
    ]
    assert [str(msa[n]) for n in (1, 2, 3)] == [code, "4711", "why"]


@pytest.mark.parametrize(
    ("accept", "application", "accepted", "code"),
    [
        *[("AL", "NE", True, Code.CA), ("AL", "NE", False, Code.CR), ("", "AL", True, Code.CA)],
        *[("NE", "AL", True, None), ("NE", "AL", False, None), ("ER", "", True, None), ("ER", "", False, Code.CR)],
        *[("SU", "", True, Code.CA), ("SU", "", False, None)],
    ],
)
def test_in_enhanced_mode_receipt_is_acknowledged_as_asked(
    accept: str, application: str, accepted: bool, code: Code | None
) -> None:
    message = ORDER.replace(b"|P|2.3", f"|P|2.3|||{accept}|{application}".encode())
    answer = acknowledge(Message(message), accepted, AT)
    assert (answer and read_acknowledgement(answer)) == (code and Acknowledgement(code, "4711"))


def test_refusals_have_their_reasons() -> None:
    assert {code: code.refusal for code in Code} == {
        Code.AA: None,
        Code.CA: None,
        Code.AE: Reason.NAK_AE,
        Code.CE: Reason.NAK_AE,
        Code.AR: Reason.NAK_AR,
        Code.CR: Reason.NAK_AR,
    }


def test_times_have_their_offset() -> None:
    assert timestamp(AT, UTC) == "20261124080000+0000"
    assert timestamp(AT, ZoneInfo("Europe/Berlin")) == "20261124090000+0100"


def test_control_ids_fit_old_versions_and_are_new() -> None:
    ids = {new_control_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(control_id) for control_id in ids} == {20}
