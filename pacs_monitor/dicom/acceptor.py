"""Our own DICOM listener: what we asked a peer to send us arrives here (C-MOVE, storage commitment), nothing else.

Only known addresses with known AE titles get an association; others are rejected 1/1/3. Only objects of our ledger are
answered with success, and kept only while somebody expects them: data that is not ours gets a failure status and is
dropped unread. So nobody ever learns "stored" from us about an image that we do not keep.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from pacs_monitor.dicom.acceptance import Incoming
from pacs_monitor.dicom.commitment import NOT_OURS, Commitment, read_report, report_response
from pacs_monitor.dicom.dimse import CommandField, Message, write_response
from pacs_monitor.dicom.operation import SUCCESS
from pacs_monitor.dicom.pdu import Malformed, Rejected
from pacs_monitor.dicom.requests import APPLICATION_CONTEXT
from pacs_monitor.dicom.retrieve import ReceivedObject, received, store_response
from pacs_monitor.model import LedgerError, Node, Reason, RememberingResolver
from pacs_monitor.net import NetFailure, plain
from pacs_monitor.net.admission import Limits, RefusalCause
from pacs_monitor.net.connection_server import Refusals, Server, bind

AT_ONCE = 16
"""Associations; any more are rejected as transient, local limit exceeded (2/3/2)."""
CONNECTIONS = Limits(known=32, strangers=8, per_address=24)
"""Connections without an association may be closed to make room."""
REQUEST_WITHIN = 5.0
"""Seconds from connect to A-ASSOCIATE-RQ (the ARTIM timer, PS3.8 9.1.5)."""
IDLE = 60.0
"""Seconds without a message until we abort."""

CALLING_AE_TITLE_NOT_RECOGNIZED = Rejected(1, 1, 3)
CALLED_AE_TITLE_NOT_RECOGNIZED = Rejected(1, 1, 7)
APPLICATION_CONTEXT_NOT_SUPPORTED = Rejected(1, 1, 2)
PROTOCOL_VERSION_NOT_SUPPORTED = Rejected(1, 2, 2)
LOCAL_LIMIT_EXCEEDED = Rejected(2, 3, 2)
"""PS3.8 table 9-21."""

Known = Callable[[str, str], Awaitable[bool]]
"""Whether a peer with this address may call by this AE title."""
Near = Callable[[str], bool]
"""Whether an address is known to be that of some peer, as far as that can be said at once."""
Ours = Callable[[str], Awaitable[bool]]
"""Whether the ledger holds this SOP instance."""
_OF_STRANGERS = {
    Reason.NOT_DICOM: (RefusalCause.MALFORMED, "wrong port or protocol? It does not speak DICOM"),
    Reason.ACSE_TIMEOUT: (RefusalCause.SILENT, "it did not request an association in time"),
}
T = TypeVar("T")


class KnownNodes:
    """The estate's nodes, as they are now: each by its AE title and the addresses of its host."""

    def __init__(self, nodes: Callable[[], Iterable[Node]], resolver: RememberingResolver) -> None:
        self._nodes, self._resolver = nodes, resolver

    async def caller(self, address: str, ae_title: str) -> bool:
        for node in self._nodes():
            if node.dicom is not None and node.dicom.ae_title == ae_title:
                try:
                    addresses, _ = await self._resolver.resolve(node.host)
                except NetFailure:
                    continue
                if address in map(_plain, addresses):
                    return True
        return False

    def near(self, address: str) -> bool:
        """By numeric hosts, and by the last good addresses of each name, without looking any up."""
        return any(
            address in map(_plain, self._resolver.known(node.host)) for node in self._nodes() if node.dicom is not None
        )


class Listener:
    """The acceptor of C-STORE, N-EVENT-REPORT and C-ECHO at one port; on loopback by default."""

    def __init__(
        self,
        ae_title: str,
        *,
        known: Known,
        ours: Ours,
        near: Near = lambda _: False,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.ae_title, self.host, self.port = ae_title, host, port
        self._known, self._ours = known, ours
        self._objects: dict[str, asyncio.Future[ReceivedObject]] = {}
        self._commitments: dict[str, asyncio.Future[Commitment]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._associations = 0
        self._server = Server(
            "DICOM",
            lambda one: Incoming(one, REQUEST_WITHIN, self._connected),
            CONNECTIONS,
            known=lambda address: near(_plain(address)),
            tls=tls,
            refusals=refusals,
        )

    async def start(self) -> None:
        """Listen; raises OSError. A port 0 is replaced by the one that the system chose."""
        sockets = bind(self.host, self.port)
        self.port = sockets[0].getsockname()[1]
        self._server.start(sockets)

    async def stop(self) -> None:
        """Abort what is open, and close the port."""
        await self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.abort()

    def expect(self, sop_instance: str) -> asyncio.Future[ReceivedObject]:
        """The object, when a peer has sent it; cancel it when it is not awaited any more."""
        return _awaited(self._objects, sop_instance)

    def expect_commitment(self, transaction: str) -> asyncio.Future[Commitment]:
        """What a peer reports on a transaction; cancel it when it is not awaited any more."""
        return _awaited(self._commitments, transaction)

    def _connected(self, incoming: Incoming) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(incoming))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, incoming: Incoming) -> None:
        try:
            await incoming.request()
            refusal = await self._refusal(incoming)
            if refusal is not None:
                incoming.connection.refused(RefusalCause.REJECTED, "A-ASSOCIATE-RJ {}/{}/{}".format(*refusal))
                incoming.reject(refusal)
                return
            await self._associate(incoming)
        except Malformed:
            incoming.connection.refused(RefusalCause.MALFORMED, "it sent a request that this listener does not serve")
        except NetFailure as failure:
            if failure.reason in _OF_STRANGERS:
                incoming.connection.refused(*_OF_STRANGERS[failure.reason])
        except LedgerError:
            pass  # we do not know what is ours: an abort says enough
        finally:
            incoming.abort()

    async def _associate(self, incoming: Incoming) -> None:
        """Answer whatever comes over an association that we have accepted."""
        self._associations += 1
        try:
            incoming.connection.served()
            incoming.accept()
            while True:
                incoming.expire_in(IDLE)
                await self._answer(incoming, await incoming.receive())
        finally:
            self._associations -= 1

    async def _refusal(self, incoming: Incoming) -> Rejected | None:
        """Strangers first, so that they learn nothing else."""
        requested = incoming.requested
        if not await self._known(_plain(incoming.source), requested.calling):
            return CALLING_AE_TITLE_NOT_RECOGNIZED
        if requested.called != self.ae_title:
            return CALLED_AE_TITLE_NOT_RECOGNIZED
        if requested.application_context != APPLICATION_CONTEXT:
            return APPLICATION_CONTEXT_NOT_SUPPORTED
        if not requested.protocol_version & 1:
            return PROTOCOL_VERSION_NOT_SUPPORTED
        return LOCAL_LIMIT_EXCEEDED if self._associations >= AT_ONCE else None

    async def _answer(self, incoming: Incoming, message: Message) -> None:
        transfer_syntax = incoming.transfer_syntax(message.context_id)
        match message.command.field:
            case CommandField.C_STORE_RQ:
                response = store_response(message, await self._take_object(received(message, transfer_syntax)))
            case CommandField.N_EVENT_REPORT_RQ:
                response = report_response(message, self._take_report(read_report(message, transfer_syntax)))
            case CommandField.C_ECHO_RQ:
                response = write_response(message.command, SUCCESS)
            case _:
                raise Malformed("a request that this listener does not serve")
        await incoming.send(message.context_id, response)

    async def _take_object(self, got: ReceivedObject) -> int:
        expected = self._objects.get(got.sop_instance)
        if expected is not None and not expected.done():
            expected.set_result(got)
        return SUCCESS if expected is not None or await self._ours(got.sop_instance) else NOT_OURS

    def _take_report(self, commitment: Commitment) -> int:
        expected = self._commitments.get(commitment.transaction)
        if expected is None:
            return NOT_OURS
        if not expected.done():
            expected.set_result(commitment)
        return SUCCESS


def _awaited(expected: dict[str, asyncio.Future[T]], uid: str) -> asyncio.Future[T]:
    """One future per UID, which leaves as soon as it is done or cancelled."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    expected[uid] = future
    future.add_done_callback(lambda done: expected.pop(uid) if expected.get(uid) is done else None)
    return future


def _plain(address: str) -> str:
    try:
        return str(plain(address))
    except ValueError:
        return address
