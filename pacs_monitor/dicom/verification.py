"""C-ECHO (PS3.4 A, PS3.7 9.1.5)."""

from __future__ import annotations

from pacs_monitor.dicom import reasons, requests
from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import CommandField
from pacs_monitor.model import Reason

CONTEXTS = (requests.Context(1, requests.VERIFICATION),)
"""What an association proposes that is there for a C-ECHO alone."""
SUCCESS = 0x0000


async def echo(association: Association) -> None:
    """One C-ECHO; returns when it was answered with success, raises NetFailure."""
    context_id, message_id = association.context(requests.VERIFICATION), association.next_message_id()
    message = await association.exchange(requests.echo_request(context_id, message_id))
    command = message.command
    answered = (message.context_id, command.field, command.answers)
    if answered != (context_id, CommandField.C_ECHO_RSP, message_id) or command.status is None:
        raise association.passage.failure(Reason.NOT_DICOM, "C-ECHO was answered with another message than C-ECHO-RSP")
    if command.status != SUCCESS:
        raise association.passage.failure(*reasons.of_status("C-ECHO", command.status))
