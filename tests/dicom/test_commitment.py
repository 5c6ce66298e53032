"""Storage commitment: refusals, and the report on the same association."""

from __future__ import annotations

from io import BytesIO

import pytest
from pynetdicom import evt
from pynetdicom.dimse_messages import N_ACTION_RSP, N_EVENT_REPORT_RQ
from pynetdicom.dimse_primitives import N_ACTION, N_EVENT_REPORT

from pacs_monitor.dicom import Association
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE, report, request_commitment
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.dimse import read_command
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Reason
from tests.dicom.objects import IMPLICIT, associated, failure_from
from tests.peers.scripted import Conversation, accept, message_of, release_response, scripted

COMMITMENT_CONTEXT = 11


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


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "not answered"])
async def test_a_report_before_the_answer_to_the_request_counts(answered: bool) -> None:
    """The two are independent of each other (PS3.4 J.3.3)."""

    async def archive(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept({COMMITMENT_CONTEXT: (0, IMPLICIT)}))
        for _command_and_data in range(2):
            await conversation.hear()
        primitive = N_ACTION()
        primitive.MessageIDBeingRespondedTo, primitive.Status = 1, 0
        answer = message_of(N_ACTION_RSP(), primitive, COMMITMENT_CONTEXT) if answered else b""
        await conversation.say(event_report("1.2.98", 7) + event_report("1.2.99", 8) + answer)
        for _ in range(3):
            await conversation.hear()
        await conversation.say(release_response())

    async with scripted(archive) as peer, associated(peer.port) as association:
        commitment = await request_commitment(association, "1.2.99", [(SECONDARY_CAPTURE, "1.2.3")])
    assert commitment is not None
    assert commitment.committed == ((SECONDARY_CAPTURE, "1.2.3"),)
    commands = [read_command(pdu[12:]) for pdu in peer.last.heard[3:5]]
    assert [(command.answers, command.status) for command in commands] == [(7, 0x0124), (8, 0x0000)]
    assert association.trace.flags == []
