"""The requestor's side of one association (PS3.8 9.2): who is called, what is proposed, what the peer accepted.

A reset between connect and A-ASSOCIATE-AC is `closed_before_accept`, not `tcp_reset`: the peer was reached, so it is
no failure to connect, which checks of the same address would inherit and a network parent explain.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import NamedTuple, Self

from pacs_monitor.dicom import negotiation, pdu, reasons, requests
from pacs_monitor.dicom.context_results import facts
from pacs_monitor.dicom.dimse import DATA_LIMIT
from pacs_monitor.dicom.negotiation import Accepted
from pacs_monitor.dicom.upperlayer import State, UpperLayer
from pacs_monitor.model import Address, Phase, Reason, Resolver, Tls
from pacs_monitor.net import NetFailure, Trace, connect, refusal_behind


class Target(NamedTuple):
    """Whom to call and as whom (PS3.8 9.3.2)."""

    address: Address
    called: str
    calling: str
    tls: Tls | None = None

    def __str__(self) -> str:
        return f"{self.called} at {self.address}"


async def associate(
    target: Target,
    contexts: tuple[requests.Context, ...],
    *,
    resolver: Resolver,
    deadline: float,
    data_limit: int = DATA_LIMIT,
    trace: Trace | None = None,
) -> Association:
    """An open association, to be used in `async with`; raises NetFailure. `deadline` is on time.monotonic().

    `data_limit`: bytes that one data set of the peer may have, where images are fetched (C-GET). `trace`: that of an
    earlier association, which this one continues.
    """
    trace = trace or Trace()
    association = Association(target, contexts, deadline, trace, data_limit)
    try:
        transport, _ = await connect(
            lambda: association,
            target.address,
            resolver=resolver,
            deadline=deadline,
            trace=trace,
            tls=target.tls,
        )
        peername = transport.get_extra_info("peername") if target.tls else None
        reached = Address(*peername[:2]) if peername else target.address
        await association.negotiate(transport)
    except NetFailure as failure:
        association.abort()
        if target.tls is None or failure.reason is not Reason.CLOSED_BEFORE_ACCEPT:
            raise
        name = target.tls.server_name or target.address.host
        raise await refusal_behind(failure, target, reached, name=name, tls=target.tls, deadline=deadline) from None
    except BaseException:
        association.abort()
        raise
    return association


class Association(UpperLayer):
    """Made by `associate`. Leaving its block releases the association, or aborts it after anything unforeseen."""

    accepted: Accepted

    def __init__(
        self,
        target: Target,
        contexts: tuple[requests.Context, ...],
        deadline: float,
        trace: Trace,
        data_limit: int = DATA_LIMIT,
    ) -> None:
        super().__init__(State.AWAITING_ACCEPT, deadline, trace, data_limit)
        self._target, self._contexts = target, contexts
        self._message_id = 0

    @property
    def peer(self) -> str:
        return str(self._target)

    @property
    def certificate(self) -> bytes | None:
        """The certificate that the peer has shown, in DER; None without TLS."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport else None
        return tls.getpeercert(binary_form=True) if tls else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, NetFailure):
            await self.release()
        else:
            self.abort()

    async def negotiate(self, transport: asyncio.Transport) -> None:
        """Propose the contexts; returns when the peer has accepted the association."""
        self._transport = transport
        self._expire_at(self._deadline)
        self.trace.begin(Phase.ASSOCIATE)
        self._write(requests.associate_request(self._target.called, self._target.calling, self._contexts))
        await self._turn()

    def context(self, abstract_syntax: str, transfer_syntax: str | None = None) -> int:
        """The ID of the accepted presentation context for a SOP class (and, if given, this transfer syntax).

        Raises NetFailure with the result's reason when there is none.
        """
        refused, other = None, None
        for context in self._contexts:
            if context.abstract_syntax != abstract_syntax or context.id not in self.accepted.contexts:
                continue
            result, accepted = self.accepted.contexts[context.id]
            if result == 0 and transfer_syntax in (None, accepted):
                return context.id
            if transfer_syntax is None or transfer_syntax in context.transfer_syntaxes:
                refused, other = (result, other) if result else (refused, accepted)
        if other is not None and not refused and transfer_syntax is not None:
            why = reasons.of_other_syntax(self.peer, abstract_syntax, accepted=other, wanted=transfer_syntax)
            raise self.trace.failure(*why)
        raise self.trace.failure(*reasons.of_context_result(refused, self.peer, abstract_syntax))

    def transfer_syntax(self, context_id: int) -> str:
        """The transfer syntax of an accepted context, "" of any other."""
        return self.accepted.contexts.get(context_id, (None, ""))[1]

    def next_message_id(self) -> int:
        """1 to 65535, over and over (PS3.7 9.1.1.1.1)."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def _take_accept(self, body: bytes) -> None:
        if self._state is not State.AWAITING_ACCEPT:
            self._take_unexpected()
        self.accepted = negotiation.read_accept(body)
        self.trace.terminal = facts(self.accepted, self._contexts)
        self._peer_maximum_length = self.accepted.maximum_length
        self._state = State.OPEN
        self._wake()

    def _take_reject(self, body: bytes) -> None:
        if self._state is not State.AWAITING_ACCEPT or self._transport is None:
            self._take_unexpected()
        source_address = self._transport.get_extra_info("sockname")[0]
        self._end(*reasons.of_rejection(pdu.read_reject(body), self.peer, self._target.calling, source_address))
