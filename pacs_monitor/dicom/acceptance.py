"""The acceptor's side of one association (PS3.8 9.2), and what we accept of what is proposed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts

from pacs_monitor.dicom import negotiation, pdu
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT
from pacs_monitor.dicom.negotiation import Requested, Roles
from pacs_monitor.dicom.pdu import Malformed, Rejected
from pacs_monitor.dicom.requests import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    SOP_CLASS_NOT_SUPPORTED,
    TRANSFER_SYNTAXES_NOT_SUPPORTED,
    VERIFICATION,
)
from pacs_monitor.dicom.upperlayer import State, UpperLayer
from pacs_monitor.net import Trace
from pacs_monitor.net.admission import Connection

_ACCEPTANCE = 0
_PREFERRED = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
STORAGE = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts)
SERVICES = frozenset({VERIFICATION, STORAGE_COMMITMENT})
OF_STORAGE = frozenset(map(str, ALL_TRANSFER_SYNTAXES)) - {_BIG_ENDIAN}
"""Objects are returned in the transfer syntax in which the archive keeps them; big endian is retired."""


class Incoming(UpperLayer):
    """An association that a peer wants of us."""

    requested: Requested

    def __init__(self, connection: Connection, request_within: float, serve: Callable[[Incoming], None]) -> None:
        trace = Trace()
        super().__init__(State.AWAITING_REQUEST, 0.0, trace)
        self._syntaxes: dict[int, str] = {}
        self.connection, self._request_within, self._serve = connection, request_within, serve

    @property
    def peer(self) -> str:
        return f"the caller at {self.source}"

    @property
    def source(self) -> str:
        """The peer's address."""
        return self.connection.address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.expire_in(self._request_within)
        self._serve(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost()
        super().connection_lost(exc)

    def expire_in(self, seconds: float) -> None:
        """From now on, the peer has so many seconds."""
        self._deadline = self._loop.time() + seconds
        self._expire_at(self._deadline)

    async def request(self) -> None:
        """Until the peer has proposed an association; raises NetFailure."""
        if self._state is State.AWAITING_REQUEST:
            await self._turn()

    def reject(self, why: Rejected) -> None:
        """A-ASSOCIATE-RJ."""
        self._leave(pdu.write_reject(why))

    def accept(self) -> None:
        """A-ASSOCIATE-AC."""
        results = {number: _result(*proposed) for number, proposed in self.requested.contexts.items()}
        self._syntaxes = {number: syntax for number, (result, syntax) in results.items() if result == _ACCEPTANCE}
        self._peer_maximum_length = self.requested.maximum_length
        if self._state is State.ANSWERING:
            self._write(negotiation.write_accept(self.requested, results, _roles(self.requested)))
            self._state = State.OPEN

    def transfer_syntax(self, context_id: int) -> str:
        """That of an accepted context; raises Malformed for any other."""
        if context_id not in self._syntaxes:
            raise Malformed("a message arrived on a presentation context that was not accepted")
        return self._syntaxes[context_id]

    def _take_request(self, body: bytes) -> None:
        if self._state is not State.AWAITING_REQUEST:
            self._take_unexpected()
        self.requested = negotiation.read_request(body)
        self._state = State.ANSWERING
        self._wake()


def _result(abstract_syntax: str, transfer_syntaxes: tuple[str, ...]) -> tuple[int, str]:
    """PS3.8 9.3.3.2: the result for a proposed context, and the transfer syntax chosen."""
    if abstract_syntax not in STORAGE | SERVICES:
        return SOP_CLASS_NOT_SUPPORTED, ""
    acceptable = OF_STORAGE if abstract_syntax in STORAGE else _PREFERRED
    for syntax in (*_PREFERRED, *transfer_syntaxes):
        if syntax in transfer_syntaxes and syntax in acceptable:
            return _ACCEPTANCE, syntax
    return TRANSFER_SYNTAXES_NOT_SUPPORTED, ""


def _roles(requested: Requested) -> dict[str, Roles]:
    """A peer that reports on a commitment is its SCP (PS3.4 J.3.3); of everything else it can only be the SCU."""
    return {
        sop_class: roles if sop_class == STORAGE_COMMITMENT else Roles(scu=roles.scu, scp=False)
        for sop_class, roles in requested.roles.items()
    }
