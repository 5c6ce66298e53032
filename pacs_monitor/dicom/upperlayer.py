"""What both sides of an association share (PS3.8 9.2), for asyncio.

Theory of operation. The protocol object is the state machine: bytes become PDUs, each PDU moves the state, messages are
queued and whoever waits is woken. One timer fails whatever is awaited when it expires. An ending (rejection, abort,
loss, nonsense, deadline) is noted once and raised to every later wait as NetFailure. The state is left either by the
peer, or by A-RELEASE or A-ABORT of ours, and then the socket is closed.

Flow control. `send` hands over one PDU after the other and waits while the transport holds more than it can write, so
that an object of any size costs little more than itself; messages that nobody has fetched yet stop the reading. Many
peers write the header and the rest of a PDU apart, with Nagle's algorithm (RFC 896): a delayed acknowledgement of ours
(RFC 1122 4.2.3.2) would then add 40 ms to each answer, which say nothing of the peer, so the first part is acknowledged
at once where the system lets us.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from enum import Enum, auto
from typing import NoReturn, cast

from pacs_monitor.dicom import pdu, reasons
from pacs_monitor.dicom.dimse import DATA_LIMIT, Assembler, Message
from pacs_monitor.dicom.pdu import Malformed, PduType
from pacs_monitor.model import Flag, Phase, Reason
from pacs_monitor.net import NetFailure, Trace, refusal, refuses_us

RELEASE_WITHIN = 1.0
"""Seconds for A-RELEASE-RP: the operation is over, so a peer that does not answer costs a flag and no more time."""
BACKLOG = 1024 * 1024
"""Bytes of messages that nobody has fetched yet, beyond which no more is read from the peer."""
_MESSAGE_COST = 512
WRITTEN_AT_ONCE = 128 * 1024
"""Bytes that are handed to the transport together."""


class State(Enum):
    AWAITING_REQUEST = auto()
    """Sta2."""
    ANSWERING = auto()
    """Sta3."""
    AWAITING_ACCEPT = auto()
    """Sta5."""
    OPEN = auto()
    """Sta6."""
    AWAITING_RELEASE = auto()
    """Sta7."""
    OVER = auto()
    """Sta13 and Sta1."""


class UpperLayer(asyncio.Protocol):
    """One association, or what became of it."""

    def __init__(self, state: State, deadline: float, trace: Trace, data_limit: int = DATA_LIMIT) -> None:
        self.trace = trace
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._state = state
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ending: tuple[Reason, str] | None = None
        self._framer, self._assembler = pdu.Framer(), Assembler(data_limit)
        self._messages: deque[Message] = deque()
        self._backlog = 0
        self._holding = self._congested = False
        self._peer_maximum_length = 0

    @property
    def is_open(self) -> bool:
        """Whether a request can still be made."""
        return self._state is State.OPEN

    @property
    def peer(self) -> str:
        """The peer, for sentences."""
        raise NotImplementedError

    async def send(self, context_id: int, command: bytes, data: bytes = b"") -> None:
        """One message; should the association end on the way, the next `receive` says why."""
        self.trace.begin(Phase.OPERATION)
        if not data:
            self._write(b"".join(pdu.write_data(context_id, True, command, self._peer_maximum_length)))
            return
        parts = ((True, command), (False, data))
        waiting, size = [], 0
        for fragment in (f for part in parts for f in pdu.write_data(context_id, *part, self._peer_maximum_length)):
            waiting.append(fragment)
            size += len(fragment)
            if size >= WRITTEN_AT_ONCE:
                await self._write_through(b"".join(waiting))
                waiting, size = [], 0
                if self._ending is not None:
                    return
        self._write(b"".join(waiting))

    def extend(self, deadline: float) -> None:
        """Another deadline from now on, where an association waits for something that is not the peer's."""
        self._deadline = deadline
        if self._state is State.OPEN:
            self._expire_at(deadline)

    async def _write_through(self, data: bytes) -> None:
        """Write, hear what the peer may have to say meanwhile, and wait until it can take more."""
        self._write(data)
        await asyncio.sleep(0)
        while self._congested and self._ending is None:
            await self._happening()
            self.trace.begin(Phase.OPERATION)

    async def receive(self) -> Message:
        """The next message; raises NetFailure. One that came before the end counts, also in the same segment."""
        if not self._messages:
            self.trace.begin(Phase.OPERATION)
        while not self._messages:
            if self._ending is not None:
                raise self.trace.failure(*self._ending)
            await self._happening()
        self.trace.end()
        message = self._messages.popleft()
        self._backlog -= _cost(message)
        if self._holding and self._backlog <= BACKLOG and self._transport is not None:
            self._holding = False
            self._transport.resume_reading()
        return message

    def abort(self) -> None:
        """A-ABORT, and close; safe at any time, also when nothing was connected yet. Whoever asks afterwards fails."""
        if self._state is not State.OVER:
            self._ending = Reason.CLOSED, f"we have ended the association with {self.peer}"
        self._leave(pdu.A_ABORT)

    async def release(self) -> None:
        """A-RELEASE; a peer that does not answer it costs a flag, since the operation is over."""
        if self._state is not State.OPEN:
            return
        self._state = State.AWAITING_RELEASE
        self._expire_at(min(self._deadline, self._loop.time() + RELEASE_WITHIN))
        self.trace.begin(Phase.RELEASE)
        try:
            self._write(pdu.A_RELEASE_RQ)
            await self._turn()
        except NetFailure:
            self.trace.flags.append(Flag.RELEASE_TIMEOUT)
        except BaseException:
            self.abort()
            raise

    def _expire_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._expire)

    async def _turn(self) -> None:
        """Until something has happened; raises what ended the association."""
        if self._ending is None:
            await self._happening()
        if self._ending is not None:
            raise self.trace.failure(*self._ending)

    async def _happening(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter
        self._waiter = None

    def _wake(self) -> None:
        """Wake who waits, and stop the watch of the phase: whatever was awaited has arrived now."""
        if self._waiter is not None and not self._waiter.done():
            self.trace.end()
            self._waiter.set_result(None)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and self._state is not State.OVER and not self._transport.is_closing():
            self._transport.write(data)

    def _end(self, reason: Reason, detail: str, parting: bytes = b"") -> None:
        """The association is over: for this reason, with these last bytes to the peer."""
        if self._state is not State.OVER:
            self._ending = reason, detail
            self._leave(parting)
            self._wake()

    def _leave(self, parting: bytes) -> None:
        if self._timer is not None:
            self._timer.cancel()
        before, self._state = self._state, State.OVER
        if before is State.OVER or self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # the peer does not read: closing politely would wait for it
            return
        if parting:
            self._transport.write(parting)
        self._transport.close()

    def _expire(self) -> None:
        match self._state:
            case State.AWAITING_ACCEPT:
                reason, what = Reason.ACSE_TIMEOUT, "did not answer the association request in time"
            case State.OPEN:
                reason, what = Reason.DIMSE_TIMEOUT, "accepted the association, then did not answer the request in time"
            case State.AWAITING_RELEASE:
                reason, what = Reason.ACSE_TIMEOUT, "did not answer the release request in time"
            case _:
                reason, what = Reason.ACSE_TIMEOUT, "connected, then did not request an association in time"
        partly = " (only part of an answer arrived)" if self._framer.unfinished else ""
        self._end(reason, f"{self.peer} {what}{partly}", pdu.A_ABORT)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods, not by its class

    def connection_lost(self, exc: Exception | None) -> None:
        how = "reset" if exc is not None else "closed"
        if refuses_us(exc):
            self._end(*refusal(self.peer))
        elif self._state is State.AWAITING_ACCEPT:
            self._end(
                Reason.CLOSED_BEFORE_ACCEPT,
                f"{self.peer} {how} the connection without answering the association request: wrong port or protocol?"
                " If not, does the port require TLS, an allowed address, or a free association?",
            )
        else:
            cut = "reset the connection mid-operation" if exc else "closed the connection mid-operation"
            self._end(Reason.CLOSED, f"{self.peer} {cut}")

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        self._wake()

    def data_received(self, data: bytes) -> None:
        if self._state is State.OVER:
            return
        try:
            for kind, body in self._framer.feed(data):
                self._take(kind, body)
        except Malformed as error:
            self._not_understood(data, str(error))
        if self._waiter is not None and not self._waiter.done():
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Only a part of what is awaited came: acknowledge it at once, lest the peer holds back the rest."""
        if self._transport is not None and self._state is not State.OVER and hasattr(socket, "TCP_QUICKACK"):
            ours = self._transport.get_extra_info("socket")
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _not_understood(self, data: bytes, why: str) -> None:
        if self._state is State.AWAITING_ACCEPT and pdu.is_tls(data):
            self._end(Reason.CLOSED_BEFORE_ACCEPT, f"{self.peer} answered with TLS: set tls under dicom for this port")
            return
        is_stranger = self._state in (State.AWAITING_ACCEPT, State.AWAITING_REQUEST)
        what = "does not speak DICOM; wrong port or protocol?" if is_stranger else "violates the DICOM protocol:"
        self._end(Reason.NOT_DICOM, f"{self.peer} {what} {why}", pdu.A_ABORT_BY_PROVIDER)

    def _take(self, kind: int, body: bytes) -> None:
        match kind:
            case PduType.P_DATA_TF:
                self._take_data(body)
            case PduType.A_ASSOCIATE_RQ:
                self._take_request(body)
            case PduType.A_ASSOCIATE_AC:
                self._take_accept(body)
            case PduType.A_ASSOCIATE_RJ:
                self._take_reject(body)
            case PduType.A_RELEASE_RQ:
                self._take_release_request()
            case PduType.A_RELEASE_RP:
                self._take_release_response()
            case PduType.A_ABORT:
                self._take_abort(body)

    def _take_request(self, _body: bytes) -> None:
        self._take_unexpected()

    def _take_accept(self, _body: bytes) -> None:
        self._take_unexpected()

    def _take_reject(self, _body: bytes) -> None:
        self._take_unexpected()

    def _take_data(self, body: bytes) -> None:
        if self._state not in (State.OPEN, State.AWAITING_RELEASE):
            self._take_unexpected()
        for pdv in pdu.read_data(body):
            message = self._assembler.add(pdv)
            if message is not None and self._state is State.OPEN:
                self._keep(message)

    def _keep(self, message: Message) -> None:
        self._messages.append(message)
        self._backlog += _cost(message)
        if self._backlog > BACKLOG and not self._holding and self._transport is not None:
            self._holding = True
            self._transport.pause_reading()
        self._wake()

    def _take_release_request(self) -> None:
        """The peer leaves (AR-2); while we release, both do, and we answer and wait on (AR-8)."""
        match self._state:
            case State.OPEN:
                detail = f"{self.peer} released the association mid-operation"
                self._end(Reason.CLOSED, detail, pdu.A_RELEASE_RP)
            case State.AWAITING_RELEASE:
                self._write(pdu.A_RELEASE_RP)
            case _:
                self._take_unexpected()

    def _take_release_response(self) -> None:
        if self._state is not State.AWAITING_RELEASE:
            self._take_unexpected()
        self._leave(b"")
        self._wake()

    def _take_abort(self, body: bytes) -> None:
        where = "before accepting it" if self._state is State.AWAITING_ACCEPT else "in mid-operation"
        self._end(Reason.ABORTED_BY_PEER, reasons.of_abort(pdu.read_abort(body), self.peer, where))

    def _take_unexpected(self) -> NoReturn:
        raise Malformed("a PDU arrived out of sequence (PS3.8 9.2)")


def _cost(message: Message) -> int:
    return len(message.data) + _MESSAGE_COST
