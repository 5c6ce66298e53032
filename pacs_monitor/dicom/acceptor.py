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
from pacs_monitor.model import LedgerError, Node, Resolver
from pacs_monitor.net import NetFailure, plain

AT_ONCE = 16
"""Associations; one more is told to come back later (2/3/2)."""
REQUEST_WITHIN = 10.0
"""Seconds from connect to A-ASSOCIATE-RQ (the ARTIM timer, PS3.8 9.1.5)."""
IDLE = 60.0
"""Seconds without a message until we leave."""

CALLING_AE_TITLE_NOT_RECOGNIZED = Rejected(1, 1, 3)
CALLED_AE_TITLE_NOT_RECOGNIZED = Rejected(1, 1, 7)
APPLICATION_CONTEXT_NOT_SUPPORTED = Rejected(1, 1, 2)
PROTOCOL_VERSION_NOT_SUPPORTED = Rejected(1, 2, 2)
LOCAL_LIMIT_EXCEEDED = Rejected(2, 3, 2)
"""PS3.8 table 9-21."""

Known = Callable[[str, str], Awaitable[bool]]
"""Whether a peer with this address may call by this AE title."""
Ours = Callable[[str], Awaitable[bool]]
"""Whether the ledger holds this SOP instance."""
T = TypeVar("T")


def known_nodes(nodes: Callable[[], Iterable[Node]], resolver: Resolver) -> Known:
    """The estate's nodes, as they are now: each by its AE title and the addresses of its host."""

    async def known(source: str, calling: str) -> bool:
        for node in nodes():
            if node.dicom is not None and node.dicom.ae_title == calling:
                try:
                    addresses, _ = await resolver.resolve(node.host)
                except NetFailure:
                    continue
                if source in map(_plain, addresses):
                    return True
        return False

    return known


class Listener:
    """The acceptor of C-STORE, N-EVENT-REPORT and C-ECHO at one port; on loopback unless told otherwise."""

    def __init__(
        self,
        ae_title: str,
        *,
        known: Known,
        ours: Ours,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.ae_title, self.host, self.port = ae_title, host, port
        self._known, self._ours, self._tls = known, ours, tls
        self._objects: dict[str, asyncio.Future[ReceivedObject]] = {}
        self._commitments: dict[str, asyncio.Future[Commitment]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises OSError. A port 0 is replaced by the one that the system chose."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connected, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Abort what is open, and close the port."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def expect(self, sop_instance: str) -> asyncio.Future[ReceivedObject]:
        """The object, when a peer has sent it; cancel it when it is not awaited any more."""
        return _awaited(self._objects, sop_instance)

    def expect_commitment(self, transaction: str) -> asyncio.Future[Commitment]:
        """What a peer reports on a transaction; cancel it when it is not awaited any more."""
        return _awaited(self._commitments, transaction)

    def _connected(self) -> Incoming:
        incoming = Incoming(REQUEST_WITHIN)
        task = asyncio.get_running_loop().create_task(self._serve(incoming))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return incoming

    async def _serve(self, incoming: Incoming) -> None:
        try:
            await incoming.request()
            refusal = await self._refusal(incoming)
            if refusal is not None:
                incoming.reject(refusal)
                return
            incoming.accept()
            while True:
                incoming.expire_in(IDLE)
                await self._answer(incoming, await incoming.receive())
        except (NetFailure, Malformed, LedgerError):
            pass  # the peer left, or spoke nonsense, or we do not know what is ours: an abort says enough
        finally:
            incoming.abort()

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
        return LOCAL_LIMIT_EXCEEDED if len(self._tasks) > AT_ONCE else None

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
                raise Malformed("a request that nobody may make of us")
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
