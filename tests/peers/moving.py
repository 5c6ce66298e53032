"""A scripted archive: it takes objects, finds them, and answers C-MOVE with any status, any counters, at any time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from pacs_monitor.dicom import Target, associate
from pacs_monitor.dicom.acceptor import Listener
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.dimse import Assembler, CommandField, Element, Message, Value, write_command, write_response
from pacs_monitor.dicom.negotiation import read_request
from pacs_monitor.dicom.pdu import read_data, write_data
from pacs_monitor.dicom.requests import contexts
from pacs_monitor.dicom.retrieve import received
from pacs_monitor.dicom.store import store
from pacs_monitor.model import Address
from pacs_monitor.net import NetFailure, Resolver
from tests.peers.scripted import IMPLICIT, Conversation, accept, release_response
from tests.support.timing import SOON

ASSOCIATE_RQ, DATA, RELEASE_RQ, ABORT = 1, 4, 5, 7
PENDING, SUCCESS = 0xFF00, 0x0000
Held = tuple[str, str, str, bytes]
"""SOP class, SOP instance, series and data set, in Implicit VR Little Endian."""


@dataclass
class Mover:
    """A script for `scripted`."""

    to: Listener | None = None
    """Where it sends what it is asked to move; nowhere unless given."""
    status: int = SUCCESS
    counters: Mapping[Element, Value] = field(default_factory=dict)
    """What the final C-MOVE-RSP tells of its sub-operations (PS3.7 9.3.4.2: they are conditional)."""
    pending: Mapping[Element, Value] | None = None
    """Those of one pending C-MOVE-RSP before it; there is none unless given."""
    late: float = 0.0
    """Seconds after its answer in which it sends; before the answer unless given."""
    syntax: str = IMPLICIT
    """The transfer syntax in which it claims to send."""
    find_status: int = SUCCESS
    finds: bool = True
    """Whether C-FIND names what it holds; else it is answered with other objects, or with none."""
    report: str = ""
    """`before` or `instead` of its N-ACTION-RSP it reports on a commitment, on another association."""
    held: list[Held] = field(default_factory=list)
    moves: int = 0
    reported: list[int | None] = field(default_factory=list)
    """How its reports were answered."""

    async def __call__(self, conversation: Conversation) -> None:
        assembler, sending = Assembler(), set()
        while pdu := await conversation.hear():
            if pdu[0] == ASSOCIATE_RQ:
                proposed = read_request(pdu[6:]).contexts
                answers = {n: (0 if IMPLICIT in syntaxes else 4, IMPLICIT) for n, (_, syntaxes) in proposed.items()}
                await conversation.say(accept(answers))
            elif pdu[0] == DATA:
                for message in filter(None, map(assembler.add, read_data(pdu[6:]))):
                    sending.add(await self._answer(conversation, message))
            elif pdu[0] == RELEASE_RQ:
                await conversation.say(release_response())
            elif pdu[0] == ABORT:
                break
        await asyncio.gather(*filter(None, sending))

    async def _answer(self, conversation: Conversation, message: Message) -> asyncio.Task[None] | None:
        async def say(command: bytes, data: bytes = b"") -> None:
            for is_command, value in ((True, command), (False, data)):
                await conversation.say(b"".join(write_data(message.context_id, is_command, value, 0)))

        command = message.command
        match command.field:
            case CommandField.C_STORE_RQ:
                thing = received(message, IMPLICIT)
                series = str(decode(message.data, ("SeriesInstanceUID",))["SeriesInstanceUID"])
                self.held.append((thing.sop_class, thing.sop_instance, series, thing.dataset))
                await say(write_response(command, SUCCESS))
            case CommandField.C_FIND_RQ:
                for _, instance, series, _ in self.held if self.finds else ():
                    found = encode({"SeriesInstanceUID": series, "SOPInstanceUID": instance})
                    await say(_announced(command.number(Element.MESSAGE_ID) or 0), found)
                await say(write_response(command, self.find_status))
            case CommandField.C_MOVE_RQ:
                self.moves += 1
                if self.pending is not None:
                    await say(write_response(command, PENDING, self.pending))
                if not self.late:
                    await self._send()
                await say(write_response(command, self.status, self.counters))
                return asyncio.ensure_future(self._send(self.late)) if self.late else None
            case CommandField.N_ACTION_RQ:
                transaction = str(decode(message.data, ("TransactionUID",))["TransactionUID"])
                await self._report(transaction)
                if self.report != "instead":
                    await say(write_response(command, SUCCESS))
        return None

    async def _report(self, transaction: str) -> None:
        """N-EVENT-REPORT (PS3.4 J.3.3) on an association of its own."""
        assert self.to is not None
        target = Target(Address("127.0.0.1", self.to.port), self.to.ae_title, "ARCHIVE")
        kept = [{"ReferencedSOPClassUID": held[0], "ReferencedSOPInstanceUID": held[1]} for held in self.held]
        elements: dict[Element, Value] = {
            Element.AFFECTED_SOP_CLASS_UID: STORAGE_COMMITMENT,
            Element.MESSAGE_ID: 1,
            Element.AFFECTED_SOP_INSTANCE_UID: WELL_KNOWN_INSTANCE,
            Element.EVENT_TYPE_ID: 1,
        }
        proposed = contexts([(STORAGE_COMMITMENT, [IMPLICIT])], scp=[STORAGE_COMMITMENT])
        async with await associate(
            target, proposed, resolver=Resolver(), deadline=time.monotonic() + SOON
        ) as association:
            command = write_command(CommandField.N_EVENT_REPORT_RQ, elements, has_data=True)
            await association.send(1, command, encode({"TransactionUID": transaction, "ReferencedSOPSequence": kept}))
            self.reported.append((await association.receive()).command.status)

    async def _send(self, after: float = 0.0) -> None:
        if self.to is None:
            return
        await asyncio.sleep(after)
        target = Target(Address("127.0.0.1", self.to.port), self.to.ae_title, "ARCHIVE")
        proposed = contexts((sop_class, [self.syntax]) for sop_class in {held[0] for held in self.held})
        with suppress(NetFailure):
            async with await associate(
                target, proposed, resolver=Resolver(), deadline=time.monotonic() + SOON
            ) as association:
                for sop_class, instance, _, data in self.held:
                    await store(association, sop_class, instance, data, self.syntax)


def _announced(answers: int) -> bytes:
    """A pending C-FIND-RSP that announces its data set."""
    elements = {Element.MESSAGE_ID_BEING_RESPONDED_TO: answers, Element.STATUS: PENDING}
    return write_command(CommandField.C_FIND_RQ.response, elements, has_data=True)
