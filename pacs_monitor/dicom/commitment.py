"""Storage commitment, the push model (PS3.4 J, PS3.7 10.1.1 and 10.1.4): N-ACTION asks, N-EVENT-REPORT answers.

The report comes on the same association, or on a new one to our listener (acceptor.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.dimse import CommandField, Element, Message, write_response
from pacs_monitor.dicom.operation import SUCCESS, Operation
from pacs_monitor.dicom.pdu import Malformed
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN
from pacs_monitor.model import Reason

STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
"""The Storage Commitment Push Model SOP Class, and its well-known instance (PS3.4 J.3)."""
WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"
_REQUEST_STORAGE_COMMITMENT = 1
NOT_OURS = 0x0124
"""Our answer to anything not about our objects: refused, not authorised (PS3.7 C.5)."""


class Commitment(NamedTuple):
    """What the peer says that it will keep (PS3.4 J.3.3): pairs of SOP class and SOP instance."""

    transaction: str
    committed: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str, int], ...]
    """With the failure reason (0008,1197): 0110, 0112, 0119, 0122, 0131 or 0213 (PS3.3 C.14.1.1)."""


async def request_commitment(
    association: Association, transaction: str, objects: Sequence[tuple[str, str]]
) -> Commitment | None:
    """N-ACTION: ask to keep these (SOP class, SOP instance); raises NetFailure. `transaction` is a new UID.

    Answers with the report, where the peer sends it before its N-ACTION-RSP: the two are independent (PS3.4 J.3.3).
    """
    context_id = association.context(STORAGE_COMMITMENT, IMPLICIT_VR_LITTLE_ENDIAN)
    operation = Operation(association, CommandField.N_ACTION_RQ, context_id)
    references = [
        {"ReferencedSOPClassUID": sop_class, "ReferencedSOPInstanceUID": sop_instance}
        for sop_class, sop_instance in objects
    ]
    await operation.ask(
        {
            Element.REQUESTED_SOP_CLASS_UID: STORAGE_COMMITMENT,
            Element.REQUESTED_SOP_INSTANCE_UID: WELL_KNOWN_INSTANCE,
            Element.ACTION_TYPE_ID: _REQUEST_STORAGE_COMMITMENT,
        },
        encode({"TransactionUID": transaction, "ReferencedSOPSequence": references}),
    )
    while (message := await association.receive()).command.field == CommandField.N_EVENT_REPORT_RQ:
        if (early := await _answered(association, message, transaction)) is not None:
            return early
    if operation.status_of(message) != SUCCESS:
        raise operation.failure(message)
    return None


async def report(association: Association, transaction: str) -> Commitment:
    """The N-EVENT-REPORT of a peer that sends it on the same association; raises NetFailure."""
    while True:
        message = await association.receive()
        if message.command.field != CommandField.N_EVENT_REPORT_RQ:
            detail = "a different message arrived instead of N-EVENT-REPORT"
            raise association.trace.failure(Reason.NOT_DICOM, detail)
        commitment = await _answered(association, message, transaction)
        if commitment is not None:
            return commitment


async def _answered(association: Association, message: Message, transaction: str) -> Commitment | None:
    """The report in an N-EVENT-REPORT-RQ, now answered; None where it is about another transaction."""
    try:
        commitment = read_report(message, association.transfer_syntax(message.context_id))
    except Malformed as error:
        raise association.trace.failure(Reason.NOT_DICOM, f"N-EVENT-REPORT: {error}") from None
    is_ours = commitment.transaction == transaction
    await association.send(message.context_id, report_response(message, SUCCESS if is_ours else NOT_OURS))
    return commitment if is_ours else None


def read_report(message: Message, transfer_syntax: str) -> Commitment:
    """The data set of an N-EVENT-REPORT-RQ (PS3.4 table J.3-2); raises Malformed."""
    keywords = ("TransactionUID", "ReferencedSOPSequence", "FailedSOPSequence", "FailureReason", *_REFERENCE)
    values = decode(message.data, keywords, transfer_syntax)
    return Commitment(
        values.get("TransactionUID", ""),
        tuple(_reference(item) for item in values.get("ReferencedSOPSequence", ())),
        tuple((*_reference(item), item.get("FailureReason", 0)) for item in values.get("FailedSOPSequence", ())),
    )


def report_response(message: Message, status: int) -> bytes:
    """N-EVENT-REPORT-RSP (PS3.7 10.3.1.2)."""
    command = message.command
    return write_response(
        command,
        status,
        {
            Element.AFFECTED_SOP_INSTANCE_UID: command.uid(Element.AFFECTED_SOP_INSTANCE_UID),
            Element.EVENT_TYPE_ID: command.number(Element.EVENT_TYPE_ID) or 0,
        },
    )


_REFERENCE = ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")


def _reference(item: dict[str, Any]) -> tuple[str, str]:
    sop_class, sop_instance = (item.get(keyword, "") for keyword in _REFERENCE)
    return sop_class, sop_instance
