"""One request of ours, and the answers to it (PS3.7 7.5, 8)."""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor.dicom import reasons
from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.dimse import CommandField, Element, Message, Value, write_command
from pacs_monitor.model import Reason
from pacs_monitor.net import NetFailure

SUCCESS = 0x0000
"""PS3.7 C."""
MEDIUM = 0x0000
"""(0000,0700) Priority."""


class Operation:
    """Knows its answers from other messages, and what to call it in sentences."""

    def __init__(self, association: Association, field: CommandField, context_id: int) -> None:
        self._association, self._field = association, field
        self.service = field.service
        self.context_id = context_id
        self.message_id = association.next_message_id()

    async def ask(self, elements: Mapping[Element, Value], data: bytes = b"") -> None:
        """Send the request."""
        command = write_command(self._field, {Element.MESSAGE_ID: self.message_id, **elements}, has_data=bool(data))
        await self._association.send(self.context_id, command, data)

    async def cancel(self) -> None:
        """C-CANCEL (PS3.7 9.3.2.3): the answers end early, with status FE00."""
        cancel = write_command(CommandField.C_CANCEL_RQ, {Element.MESSAGE_ID_BEING_RESPONDED_TO: self.message_id})
        await self._association.send(self.context_id, cancel)

    async def answer(self) -> Message:
        """The next message, which must be an answer to this request; raises NetFailure."""
        message = await self._association.receive()
        self.status_of(message)
        return message

    def status_of(self, message: Message) -> int:
        """The status of an answer; raises NetFailure where the message is none to this request."""
        command = message.command
        is_ours = (message.context_id, command.field, command.answers) == (
            self.context_id,
            self._field.response,
            self.message_id,
        )
        if not is_ours or command.status is None:
            detail = f"{self.service} was answered with a message other than {self.service}-RSP"
            raise self._association.trace.failure(Reason.NOT_DICOM, detail)
        return command.status

    def failure(self, message: Message, also: str = "") -> NetFailure:
        """What an answer's status means. A comment of the peer is dropped, since it can hold anything."""
        reason, detail = reasons.of_status(self.service, self.status_of(message))
        comment = (
            "; the peer added a comment" if message.command.elements.get(Element.ERROR_COMMENT, b"").strip() else ""
        )
        return self._association.trace.failure(reason, detail + also + comment)
