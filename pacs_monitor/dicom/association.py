"""The requestor's side of one association (PS3.8 9.2), for asyncio.

Theory of operation. The protocol object is the state machine: bytes become PDUs, each PDU moves the state, answers are
queued and whoever waits is woken. One timer, set to the run's deadline, fails whatever phase is running then. An ending
(rejection, abort, loss, nonsense, deadline) is noted once and raised to every later wait as NetFailure. The state is
left either by the peer, or by A-RELEASE or A-ABORT of ours, and then the socket is closed.

A reset between connect and A-ASSOCIATE-AC is `closed_before_accept`, not `tcp_reset`: the peer was reached, so it is
no failure to connect, which checks of the same address would inherit and a network parent explain.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from types import TracebackType
from typing import NamedTuple, NoReturn, Self, cast

from pacs_monitor.dicom import pdu, reasons, requests
from pacs_monitor.dicom.dimse import Assembler, Message
from pacs_monitor.dicom.pdu import Accepted, Malformed, PduType
from pacs_monitor.model import Address, Flag, Phase, Reason, Resolver, Tls
from pacs_monitor.net import NetFailure, Passage, connect

RELEASE_WITHIN = 1.0
"""Seconds for A-RELEASE-RP: the operation is over, so a peer that does not answer costs a flag and no more time."""


class Target(NamedTuple):
    """Whom to call and as whom (PS3.8 9.3.2)."""

    address: Address
    called: str
    calling: str
    tls: Tls | None = None

    def __str__(self) -> str:
        return f"{self.called} at {self.address}"


class _State(Enum):
    AWAITING_ACCEPT = auto()
    """Sta5."""
    OPEN = auto()
    """Sta6."""
    AWAITING_RELEASE = auto()
    """Sta7."""
    OVER = auto()
    """Sta13 and Sta1."""


async def associate(
    target: Target, contexts: tuple[requests.Context, ...], *, resolver: Resolver, deadline: float
) -> Association:
    """An open association, to be used in `async with`; raises NetFailure. `deadline` is on time.monotonic()."""
    passage = Passage()
    association = Association(target, contexts, deadline, passage)
    try:
        transport, _ = await connect(
            lambda: association,
            target.address,
            resolver=resolver,
            deadline=deadline,
            passage=passage,
            tls=target.tls,
        )
        await association.negotiate(transport)
    except BaseException:
        association.abort()
        raise
    return association


class Association(asyncio.Protocol):
    """Made by `associate`. Leaving its block releases the association, or aborts it after anything unforeseen."""

    accepted: Accepted

    def __init__(
        self, target: Target, contexts: tuple[requests.Context, ...], deadline: float, passage: Passage
    ) -> None:
        self.passage = passage
        self._target, self._contexts, self._deadline = target, contexts, deadline
        self._loop = asyncio.get_running_loop()
        self._state = _State.AWAITING_ACCEPT
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ending: tuple[Reason, str] | None = None
        self._framer, self._assembler = pdu.Framer(), Assembler()
        self._messages: deque[Message] = deque()
        self._message_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, NetFailure):
            await self._release()
        else:
            self.abort()

    async def negotiate(self, transport: asyncio.Transport) -> None:
        """Propose the contexts; returns when the peer has accepted the association."""
        self._transport = transport
        self._timer = self._loop.call_at(self._deadline, self._expire)
        self.passage.begin(Phase.ASSOCIATE)
        self._write(requests.associate_request(self._target.called, self._target.calling, self._contexts))
        await self._turn()

    def context(self, abstract_syntax: str) -> int:
        """The ID of the accepted presentation context for a SOP class; raises NetFailure when there is none."""
        result: int | None = None
        for context in self._contexts:
            if context.abstract_syntax == abstract_syntax and context.id in self.accepted.contexts:
                result, _ = self.accepted.contexts[context.id]
                if result == 0:
                    return context.id
        raise self.passage.failure(*reasons.of_context_result(result, str(self._target), abstract_syntax))

    def next_message_id(self) -> int:
        self._message_id += 1
        return self._message_id

    async def exchange(self, request: bytes) -> Message:
        """Send a request, and wait for the next message."""
        self.passage.begin(Phase.OPERATION)
        self._write(request)
        while not self._messages:
            await self._turn()
        return self._messages.popleft()

    def abort(self) -> None:
        """A-ABORT, and close; safe at any time, also when nothing was connected yet."""
        self._leave(pdu.A_ABORT)

    async def _release(self) -> None:
        """A-RELEASE; a peer that does not answer it costs a flag, since the operation is over."""
        if self._state is not _State.OPEN:
            return
        self._state = _State.AWAITING_RELEASE
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(min(self._deadline, self._loop.time() + RELEASE_WITHIN), self._expire)
        self.passage.begin(Phase.RELEASE)
        try:
            self._write(pdu.A_RELEASE_RQ)
            await self._turn()
            self._leave(b"")
        except NetFailure:
            self.passage.flags.append(Flag.RELEASE_TIMEOUT)
        except BaseException:
            self.abort()
            raise

    async def _turn(self) -> None:
        """Until something has happened; raises what ended the association."""
        if self._ending is None:
            self._waiter = self._loop.create_future()
            await self._waiter
            self._waiter = None
        if self._ending is not None:
            raise self.passage.failure(*self._ending)

    def _wake(self) -> None:
        """Tell who waits, and stop the watch of the phase: whatever was awaited has arrived now."""
        if self._waiter is not None and not self._waiter.done():
            self.passage.end()
            self._waiter.set_result(None)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and self._state is not _State.OVER:
            self._transport.write(data)

    def _end(self, reason: Reason, detail: str, parting: bytes = b"") -> None:
        """The association is over: for this reason, with these last bytes to the peer."""
        if self._state is not _State.OVER:
            self._ending = reason, detail
            self._leave(parting)
            self._wake()

    def _leave(self, parting: bytes) -> None:
        if self._timer is not None:
            self._timer.cancel()
        before, self._state = self._state, _State.OVER
        if before is _State.OVER or self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # the peer does not read: closing politely would wait for it
            return
        if parting:
            self._transport.write(parting)
        self._transport.close()

    def _expire(self) -> None:
        match self._state:
            case _State.AWAITING_ACCEPT:
                reason, what = Reason.ACSE_TIMEOUT, "did not answer the association request in time"
            case _State.OPEN:
                reason, what = Reason.DIMSE_TIMEOUT, "accepted the association, then did not answer the request in time"
            case _:
                reason, what = Reason.ACSE_TIMEOUT, "did not answer the release request in time"
        partly = " (only a part of an answer came)" if self._framer.unfinished else ""
        self._end(reason, f"{self._target} {what}{partly}", pdu.A_ABORT)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods, not by its class

    def connection_lost(self, exc: Exception | None) -> None:
        how = "reset" if exc is not None else "closed"
        if self._state is _State.AWAITING_ACCEPT:
            self._end(
                Reason.CLOSED_BEFORE_ACCEPT,
                f"{self._target} {how} the connection without answering the association request: perhaps an allow-list"
                " of addresses, no free association, or a port that wants TLS",
            )
        else:
            self._end(Reason.CLOSED, f"{self._target} {how} the connection in mid-operation")

    def data_received(self, data: bytes) -> None:
        if self._state is _State.OVER:
            return
        try:
            for kind, body in self._framer.feed(data):
                _TAKE[kind](self, body)
        except Malformed as error:
            self._not_understood(data, str(error))

    def _not_understood(self, data: bytes, why: str) -> None:
        if self._state is _State.AWAITING_ACCEPT and pdu.is_tls(data):
            detail = f"{self._target} answered in TLS: this port wants tls under dicom"
            self._end(Reason.CLOSED_BEFORE_ACCEPT, detail)
        else:
            self._end(Reason.NOT_DICOM, f"{self._target} does not speak DICOM: {why}", pdu.A_ABORT_BY_PROVIDER)

    def _take_accept(self, body: bytes) -> None:
        if self._state is not _State.AWAITING_ACCEPT:
            self._take_unexpected()
        self.accepted = pdu.read_accept(body)
        self._state = _State.OPEN
        self._wake()

    def _take_reject(self, body: bytes) -> None:
        if self._state is not _State.AWAITING_ACCEPT or self._transport is None:
            self._take_unexpected()
        source_address = self._transport.get_extra_info("sockname")[0]
        rejected = pdu.read_reject(body)
        self._end(*reasons.of_rejection(rejected, str(self._target), self._target.calling, source_address))

    def _take_data(self, body: bytes) -> None:
        if self._state is _State.AWAITING_ACCEPT:
            self._take_unexpected()
        for pdv in pdu.read_data(body):
            message = self._assembler.add(pdv)
            if message is not None and self._state is _State.OPEN:
                self._messages.append(message)
                self._wake()

    def _take_release_request(self, _body: bytes) -> None:
        """In mid-operation the peer leaves (AR-2); while we release, both do, and we answer and wait on (AR-8)."""
        if self._state is _State.AWAITING_ACCEPT:
            self._take_unexpected()
        if self._state is _State.OPEN:
            detail = f"{self._target} released the association in mid-operation"
            self._end(Reason.CLOSED, detail, pdu.A_RELEASE_RP)
        else:
            self._write(pdu.A_RELEASE_RP)

    def _take_release_response(self, _body: bytes) -> None:
        if self._state is not _State.AWAITING_RELEASE:
            self._take_unexpected()
        self._wake()

    def _take_abort(self, body: bytes) -> None:
        where = "before accepting it" if self._state is _State.AWAITING_ACCEPT else "in mid-operation"
        self._end(Reason.ABORTED_BY_PEER, reasons.of_abort(pdu.read_abort(body), str(self._target), where))

    def _take_unexpected(self, _body: bytes = b"") -> NoReturn:
        raise Malformed("a PDU came out of turn (PS3.8 9.2)")


_TAKE: dict[PduType, Callable[[Association, bytes], None]] = {
    PduType.A_ASSOCIATE_RQ: Association._take_unexpected,
    PduType.A_ASSOCIATE_AC: Association._take_accept,
    PduType.A_ASSOCIATE_RJ: Association._take_reject,
    PduType.P_DATA_TF: Association._take_data,
    PduType.A_RELEASE_RQ: Association._take_release_request,
    PduType.A_RELEASE_RP: Association._take_release_response,
    PduType.A_ABORT: Association._take_abort,
}
