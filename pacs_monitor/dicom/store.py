"""C-STORE (PS3.4 B, PS3.7 9.1.1)."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import CommandField, Element
from pacs_monitor.dicom.operation import MEDIUM, SUCCESS, Operation
from pacs_monitor.model import Flag

_FLAGS = {0xB000: Flag.COERCED, 0xB006: Flag.ELEMENTS_DISCARDED}
_GENERAL_WARNINGS = (0x0001, 0x0107, 0x0116)
"""PS3.7 C."""


class StoreStatus(NamedTuple):
    """How an object was taken (PS3.4 table B.2-1): with success, or with a warning that is a flag."""

    status: int
    flags: tuple[Flag, ...] = ()


async def store(
    association: Association, sop_class: str, sop_instance: str, dataset: bytes, transfer_syntax: str
) -> StoreStatus:
    """One C-STORE of a data set encoded in `transfer_syntax`; raises NetFailure unless the peer says that it stored it.

    Flags of a warning are noted in the association's trace too, so that its outcome carries them.
    """
    context_id = association.context(sop_class, transfer_syntax)
    operation = Operation(association, CommandField.C_STORE_RQ, context_id)
    await operation.ask(
        {
            Element.AFFECTED_SOP_CLASS_UID: sop_class,
            Element.PRIORITY: MEDIUM,
            Element.AFFECTED_SOP_INSTANCE_UID: sop_instance,
        },
        dataset,
    )
    message = await operation.answer()
    status = operation.status_of(message)
    if status == SUCCESS:
        return StoreStatus(status)
    if status >> 12 != 0xB and status not in _GENERAL_WARNINGS:
        raise operation.failure(message)
    flag = _FLAGS.get(status, Flag.STORED_WITH_WARNING)
    association.trace.flags.append(flag)
    return StoreStatus(status, (flag,))
