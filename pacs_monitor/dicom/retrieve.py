"""C-GET and C-MOVE (PS3.4 C.4.2 and C.4.3, PS3.7 9.1.3 and 9.1.4). Identifiers are in Implicit VR Little Endian."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import Command, CommandField, Element, Message, write_response
from pacs_monitor.dicom.operation import MEDIUM, PENDING, SUCCESS, Operation
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN
from pacs_monitor.model import Reason

STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"


class ReceivedObject(NamedTuple):
    """What a peer sent us by C-STORE: the data set as encoded in its transfer syntax."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    dataset: bytes


class SubOperations(NamedTuple):
    """How a retrieve ended (PS3.7 9.1.3.1): numbers of C-STORE sub-operations."""

    completed: int = 0
    failed: int = 0
    warning: int = 0


async def get(
    association: Association, sop_class: str, identifier: bytes, take: Callable[[ReceivedObject], int]
) -> SubOperations:
    """C-GET: the peer stores to us on this association, and `take` answers the status of each; raises NetFailure.

    Propose the storage classes with `scp` (requests.contexts); failed sub-operations are the failure `partial`.
    """
    operation = await _ask(association, CommandField.C_GET_RQ, sop_class, identifier, {})
    while True:
        message = await association.receive()
        if message.command.field == CommandField.C_STORE_RQ:
            await association.send(message.context_id, _taken(association, message, take))
        elif operation.status_of(message) not in PENDING:
            return _ended(association, operation, message)


async def move(association: Association, sop_class: str, identifier: bytes, destination: str) -> SubOperations:
    """C-MOVE to an AE title that the peer knows; raises NetFailure. Failed sub-operations are the failure `partial`."""
    where = {Element.MOVE_DESTINATION: destination.encode("ascii") + b" " * (len(destination) % 2)}
    operation = await _ask(association, CommandField.C_MOVE_RQ, sop_class, identifier, where)
    while operation.status_of(message := await operation.answer()) in PENDING:
        pass
    return _ended(association, operation, message)


async def _ask(
    association: Association, field: CommandField, sop_class: str, identifier: bytes, more: dict[Element, bytes]
) -> Operation:
    operation = Operation(association, field, association.context(sop_class, IMPLICIT_VR_LITTLE_ENDIAN))
    await operation.ask({Element.AFFECTED_SOP_CLASS_UID: sop_class, Element.PRIORITY: MEDIUM, **more}, identifier)
    return operation


def _taken(association: Association, message: Message, take: Callable[[ReceivedObject], int]) -> bytes:
    transfer_syntax = association.transfer_syntax(message.context_id)
    return store_response(message, take(received(message, transfer_syntax)))


def received(message: Message, transfer_syntax: str) -> ReceivedObject:
    """The object of a C-STORE-RQ."""
    command = message.command
    sop_class, sop_instance = map(command.uid, (Element.AFFECTED_SOP_CLASS_UID, Element.AFFECTED_SOP_INSTANCE_UID))
    return ReceivedObject(sop_class, sop_instance, transfer_syntax, message.data)


def store_response(message: Message, status: int) -> bytes:
    """C-STORE-RSP (PS3.7 9.3.1.2)."""
    command = message.command
    instance = command.uid(Element.AFFECTED_SOP_INSTANCE_UID)
    return write_response(command, status, {Element.AFFECTED_SOP_INSTANCE_UID: instance})


def _ended(association: Association, operation: Operation, message: Message) -> SubOperations:
    done = _numbers(message.command)
    counts = f": {done.completed} completed, {done.failed} failed, {done.warning} with a warning"
    if operation.status_of(message) != SUCCESS:
        raise operation.failure(message, counts if done != SubOperations() else "")
    if done.failed:
        detail = f"{operation.service} answered success although sub-operations failed{counts}"
        raise association.passage.failure(Reason.PARTIAL, detail)
    return done


def _numbers(command: Command) -> SubOperations:
    elements = (
        Element.COMPLETED_SUB_OPERATIONS,
        Element.FAILED_SUB_OPERATIONS,
        Element.WARNING_SUB_OPERATIONS,
    )
    return SubOperations(*(command.number(element) or 0 for element in elements))
