"""C-FIND (PS3.4 C.4.1 and K.4.1, PS3.7 9.1.2), with C-CANCEL.

Identifiers and answers are in Implicit VR Little Endian, so propose the query classes with this transfer syntax alone.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import NamedTuple, Self

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import PENDING, CommandField, Element, Message
from pacs_monitor.dicom.operation import MEDIUM, SUCCESS, Operation
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN
from pacs_monitor.model import Flag
from pacs_monitor.net import NetFailure

PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"
LIMIT_REACHED = 0xB001
"""The peer stopped at a limit of its own (PS3.4 table C.4-1)."""
CANCEL_WITHIN = 2.0
"""Seconds for the end of the answers after C-CANCEL; if the peer continues, we send A-ABORT."""


class FindAnswer(NamedTuple):
    """One match: its identifier, and the seconds since the request."""

    dataset: bytes
    elapsed: float


def find(association: Association, sop_class: str, identifier: bytes, *, limit: int | None = None) -> Find:
    """The matches, for `async for`; raises NetFailure from there. After `limit` matches the rest is cancelled.

    Leave the loop early only with the association, or name a `limit`: answers that are on their way go on coming.
    """
    return Find(association, sop_class, identifier, limit)


class Find:
    """The answers to one C-FIND, and what is known of them so far."""

    def __init__(self, association: Association, sop_class: str, identifier: bytes, limit: int | None) -> None:
        self.matches = 0
        self.capped = False
        """There are, or may be, more matches: we cancelled, or the peer said that it stopped at a limit of its own."""
        self.optional_keys_unsupported = False
        """The peer does not match by some optional key (FF01)."""
        self._association, self._sop_class, self._identifier, self._limit = association, sop_class, identifier, limit
        self._operation: Operation | None = None
        self._asked = 0.0
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FindAnswer:
        if self._operation is None:
            self._operation = await self._ask()
        message = None if self._over else await self._next(self._operation)
        if message is None:
            raise StopAsyncIteration
        self.matches += 1
        return FindAnswer(message.data, monotonic() - self._asked)

    async def _next(self, operation: Operation) -> Message | None:
        """The next match, None after the last one that is wanted."""
        message = await operation.answer()
        if not self._is_match(operation, message):
            return None
        if self.matches == self._limit:
            await self._cancel(operation)
            return None
        return message

    async def _ask(self) -> Operation:
        context_id = self._association.context(self._sop_class, IMPLICIT_VR_LITTLE_ENDIAN)
        operation = Operation(self._association, CommandField.C_FIND_RQ, context_id)
        self._asked = monotonic()
        await operation.ask(
            {Element.AFFECTED_SOP_CLASS_UID: self._sop_class, Element.PRIORITY: MEDIUM}, self._identifier
        )
        return operation

    def _is_match(self, operation: Operation, message: Message) -> bool:
        """Whether this answer is a match; else it was the last. Raises NetFailure."""
        status = operation.status_of(message)
        if status in PENDING:
            self.optional_keys_unsupported |= status == PENDING[1]
            return True
        self._over = True
        if status == LIMIT_REACHED:
            self._cap()
        elif status != SUCCESS:
            raise operation.failure(message)
        return False

    async def _cancel(self, operation: Operation) -> None:
        """Ask the peer to stop, since there is more than was wanted, and drop what it had sent until then.

        However the answers end after that, with any status, an abort or nothing at all, is our doing and no failure.
        """
        self._over = True
        self._cap()
        await operation.cancel()
        try:
            async with asyncio.timeout(CANCEL_WITHIN):
                while operation.status_of(await operation.answer()) in PENDING:
                    pass
        except (TimeoutError, NetFailure):
            self._association.abort()

    def _cap(self) -> None:
        if not self.capped:
            self.capped = True
            self._association.trace.flags.append(Flag.CAPPED)


class MatchCount(NamedTuple):
    """What is left of answers that were counted and dropped; seconds since the request."""

    matches: int
    first: float | None
    last: float | None
    capped: bool


async def count_matches(answers: Find) -> MatchCount:
    """Count the matches, and drop what the peer says of its patients; raises NetFailure."""
    first = last = None
    async for answer in answers:
        last = answer.elapsed
        first = last if first is None else first
    return MatchCount(answers.matches, first, last, answers.capped)
