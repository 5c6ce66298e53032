"""C-GET and C-MOVE (PS3.4 C.4.2 and C.4.3, PS3.7 9.1.3 and 9.1.4). Identifiers are in Implicit VR Little Endian."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import PENDING, Command, CommandField, Element, Message, write_response
from pacs_monitor.dicom.operation import MEDIUM, SUCCESS, Operation
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN
from pacs_monitor.model import Reason

STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_WARNING = 0xB000
"""Sub-operations complete, with failures or warnings (PS3.4 table C.4-2): which of them, the counters say."""


_UNABLE = range(0xC000, 0xD000)
"""Unable to process (PS3.4 table C.4-2)."""


class ReceivedObject(NamedTuple):
    """What a peer sent us by C-STORE: the data set as encoded in its transfer syntax."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    dataset: bytes


class SubOperations(NamedTuple):
    """How a retrieve ended (PS3.7 9.1.3.1): numbers of C-STORE sub-operations.

    They are conditional in every answer (PS3.7 tables 9.1-3 and 9.1-4): None is one that the peer did not send.
    """

    completed: int | None = None
    failed: int | None = None
    warning: int | None = None

    @property
    def sent(self) -> int | None:
        """Objects that went out, with a warning or without."""
        return None if self.completed is None else self.completed + (self.warning or 0)

    def __str__(self) -> str:
        numbers = zip(self, ("completed", "failed", "with a warning"), strict=True)
        return ", ".join(f"{number} {what}" for number, what in numbers if number is not None)


async def get(
    association: Association, sop_class: str, identifier: bytes, take: Callable[[ReceivedObject], int]
) -> SubOperations:
    """C-GET: the peer stores to us on this association, and `take` answers the status of each; raises NetFailure.

    Propose the storage classes with `scp` (requests.contexts); failed sub-operations are the failure `partial`.
    """
    operation = await _ask(association, CommandField.C_GET_RQ, sop_class, identifier, {})
    pending: Message | None = None
    while True:
        message = await association.receive()
        if message.command.field == CommandField.C_STORE_RQ:
            await association.send(message.context_id, _taken(association, message, take))
        elif operation.status_of(message) in PENDING:
            pending = message
        else:
            return _ended(association, operation, message, pending)


async def move(association: Association, sop_class: str, identifier: bytes, destination: str) -> SubOperations:
    """C-MOVE to an AE title that the peer knows; raises NetFailure. Failed sub-operations are the failure `partial`."""
    where = {Element.MOVE_DESTINATION: destination.encode("ascii") + b" " * (len(destination) % 2)}
    operation = await _ask(association, CommandField.C_MOVE_RQ, sop_class, identifier, where)
    pending: Message | None = None
    while operation.status_of(message := await operation.answer()) in PENDING:
        pending = message
    status = operation.status_of(message)
    return _ended(association, operation, message, pending, _hint(destination) if status in _UNABLE else "")


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


def _ended(
    association: Association, operation: Operation, message: Message, pending: Message | None, hint: str = ""
) -> SubOperations:
    status, done = operation.status_of(message), _numbers(message.command)
    counts = f": {done}" if any(done) else ""
    if status == _WARNING and done.failed == 0:
        return done
    if status != SUCCESS:
        raise operation.failure(message, counts + hint)
    if done.failed:
        detail = f"{operation.service} answered success although sub-operations failed{counts}"
        raise association.trace.failure(Reason.PARTIAL, detail)
    return done if done.completed is not None or pending is None else _completed(pending.command)


def _hint(destination: str) -> str:
    """Orthanc answers C000 for a destination that is not among its DicomModalities, where others answer A801."""
    return f"; check that the destination {destination} is registered there with address and port"


def _completed(pending: Command) -> SubOperations:
    """What a pending answer announced, all of it done by now: success says that nothing failed (PS3.4 C.4.2.1.5)."""
    before, remaining = _numbers(pending), pending.number(Element.REMAINING_SUB_OPERATIONS)
    if before.completed is None or remaining is None or before.failed:
        return SubOperations()
    return before._replace(completed=before.completed + remaining)


def _numbers(command: Command) -> SubOperations:
    return SubOperations(
        command.number(Element.COMPLETED_SUB_OPERATIONS),
        command.number(Element.FAILED_SUB_OPERATIONS),
        command.number(Element.WARNING_SUB_OPERATIONS),
    )
