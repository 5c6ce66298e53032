"""C-ECHO (PS3.4 A, PS3.7 9.1.5)."""

from __future__ import annotations

from pacs_monitor.dicom import requests
from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import CommandField, Element
from pacs_monitor.dicom.operation import SUCCESS, Operation

CONTEXTS = (requests.Context(1, requests.VERIFICATION),)
"""What an association proposes that is there for a C-ECHO alone."""


async def echo(association: Association) -> None:
    """One C-ECHO; returns when it was answered with success, raises NetFailure."""
    operation = Operation(association, CommandField.C_ECHO_RQ, association.context(requests.VERIFICATION))
    await operation.ask({Element.AFFECTED_SOP_CLASS_UID: requests.VERIFICATION})
    message = await operation.answer()
    if operation.status_of(message) != SUCCESS:
        raise operation.failure(message)
