"""Byte-scripted peers: they do whatever a script says, on a real socket, and keep what they were told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from pynetdicom.dimse_messages import C_ECHO_RSP
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_RELEASE_RP, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from tests.peers.accepting import accepting

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
VERIFICATION = "1.2.840.10008.1.1"


class Conversation:
    """One connection, from the peer's side; it hears PDUs unless a subclass frames otherwise."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard: list[bytes] = []
        """The PDUs that came, whole, in order."""
        self.over = asyncio.Event()
        """The client has closed the connection, or this side has."""

    async def hear(self) -> bytes:
        """The next PDU; b"" when the client has closed the connection."""
        try:
            header = await self._reader.readexactly(6)
            pdu = header + await self._reader.readexactly(int.from_bytes(header[2:6]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.heard.append(pdu)
        return pdu

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def reset(self) -> None:
        """Close by RST: SO_LINGER 0."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script = Callable[[Conversation], Awaitable[Any]]


class Peer:
    """Where a scripted peer listens, and the conversations that it had."""

    def __init__(self) -> None:
        self.port = 0
        self.conversations: list[Conversation] = []

    @property
    def last(self) -> Conversation:
        return self.conversations[-1]


@asynccontextmanager
async def scripted(
    script: Script,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    port: int = 0,
    conversing: type[Conversation] = Conversation,
) -> AsyncIterator[Peer]:
    """Runs `script` for every connection, then hears whatever comes until the client closes."""
    peer = Peer()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Coroutine[None, None, None]:
        conversation = conversing(reader, writer)
        peer.conversations.append(conversation)
        return serve(conversation)

    async def serve(conversation: Conversation) -> None:
        try:
            await script(conversation)
            while await conversation.hear():
                pass
        finally:
            conversation.close()
            conversation.over.set()

    try:
        async with accepting(meet, host, port, tls) as peer.port:
            yield peer
    finally:
        for conversation in peer.conversations:
            conversation.close()
        await asyncio.gather(*(conversation.closed() for conversation in peer.conversations))


async def hang(_conversation: Conversation) -> None:
    """Accept the connection, say nothing."""
    await asyncio.Event().wait()


async def answer_echo(conversation: Conversation) -> None:
    """What a healthy peer does."""
    await conversation.hear()
    await conversation.say(accept())
    await conversation.hear()
    await conversation.say(echo_response())
    await conversation.hear()
    await conversation.say(release_response())


@contextmanager
def full_accept_queue() -> Iterator[int]:
    """A port whose accept queue is full: the kernel drops further connection requests without a word."""
    with contextlib.ExitStack() as kept:
        server = kept.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = server.getsockname()[1]
        for _ in range(4):
            waiting = kept.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


def accept(
    contexts: dict[int, tuple[int, str]] | None = None, *, maximum_length: int = 16382, version: str = "PEER_1"
) -> bytes:
    """A-ASSOCIATE-AC: context ID → (result, transfer syntax)."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "PACSMON", "PEER"
    results = []
    for context_id, (result, syntax) in ({1: (0, IMPLICIT)} if contexts is None else contexts).items():
        context = build_context(VERIFICATION, syntax)
        context.context_id, context.result = context_id, result
        results.append(context)
    primitive.presentation_context_definition_results_list = results
    length, uid, name = (
        MaximumLengthNotification(),
        ImplementationClassUIDNotification(),
        ImplementationVersionNameNotification(),
    )
    length.maximum_length_received = maximum_length
    uid.implementation_class_uid = "1.2.3.4"
    name.implementation_version_name = version
    primitive.user_information = [length, uid, name]
    return _encoded(A_ASSOCIATE_AC(), primitive)


def reject(result: int, source: int, diagnostic: int) -> bytes:
    """A-ASSOCIATE-RJ, also by triples that the standard does not have."""
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = result, source, diagnostic
    return pdu.encode()


def abort(source: int, reason: int) -> bytes:
    primitive: Any = A_ABORT() if source == 0 else A_P_ABORT()
    if source == 0:
        primitive.abort_source = 0
    else:
        primitive.provider_reason = reason
    return _encoded(A_ABORT_RQ(), primitive)


def release_response() -> bytes:
    primitive = A_RELEASE()
    primitive.result = "affirmative"
    return _encoded(A_RELEASE_RP(), primitive)


def echo_response(status: int = 0, *, context_id: int = 1, answers: int = 1, fragment: int = 16382) -> bytes:
    """C-ECHO-RSP as P-DATA-TF PDUs of at most `fragment` bytes."""
    primitive = C_ECHO()
    primitive.AffectedSOPClassUID = VERIFICATION
    primitive.MessageIDBeingRespondedTo = answers
    primitive.Status = status
    return message_of(C_ECHO_RSP(), primitive, context_id, fragment)


def message_of(message: Any, primitive: Any, context_id: int, fragment: int = 16382) -> bytes:
    """Any DIMSE message as P-DATA-TF PDUs of at most `fragment` bytes."""
    message.primitive_to_message(primitive)
    return b"".join(_encoded(P_DATA_TF(), data) for data in message.encode_msg(context_id, fragment))


def _encoded(pdu: Any, primitive: Any) -> bytes:
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())
