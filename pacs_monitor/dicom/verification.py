"""C-ECHO (PS3.4 A, PS3.7 9.1.5)."""

from __future__ import annotations

from functools import lru_cache

from pacs_monitor.dicom import requests
from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import CommandField, Element, write_command
from pacs_monitor.dicom.operation import SUCCESS, Operation

CONTEXTS = (requests.Context(1, requests.VERIFICATION),)
"""What an association proposes that is there for a C-ECHO alone."""


async def echo(association: Association) -> None:
    """One C-ECHO; returns when it was answered with success, raises NetFailure."""
    operation = Operation(association, CommandField.C_ECHO_RQ, association.context(requests.VERIFICATION))
    await association.send(operation.context_id, _request(operation.message_id))
    message = await operation.answer()
    if operation.status_of(message) != SUCCESS:
        raise operation.failure(message)


@lru_cache(1024)
def _request(message_id: int) -> bytes:
    """C-ECHO-RQ (PS3.7 9.3.5.1): the same for every peer, so that it is encoded once."""
    return write_command(
        CommandField.C_ECHO_RQ,
        {Element.MESSAGE_ID: message_id, Element.AFFECTED_SOP_CLASS_UID: requests.VERIFICATION},
    )
