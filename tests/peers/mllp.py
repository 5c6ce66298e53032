"""MLLP peers: one that follows a script, and servers that others wrote (python-hl7, hl7apy)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import hl7
import hl7.mllp
from hl7apy.core import Message
from hl7apy.mllp import AbstractHandler, MLLPServer

from tests.peers.scripted import Conversation, Peer, Script, scripted

NMD = "NMD^N02^NMD_N02"


class MllpConversation(Conversation):
    """Hears whole frames, without 0B and 1C 0D."""

    async def hear(self) -> bytes:
        try:
            raw = await self._reader.readuntil(b"\x1c\r")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.heard.append(raw[1:-2])
        return raw[1:-2]


def mllp(script: Script, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[Peer]:
    """A peer that runs `script` for every connection, then hears whatever comes until the client closes."""
    return scripted(script, tls=tls, conversing=MllpConversation)


def control_id(message: bytes) -> bytes:
    """MSH-10."""
    return message.split(b"\r")[0].split(b"|")[9]


def ack(answers: bytes, code: bytes = b"AA", version: bytes = b"2.3", rest: bytes = b"") -> bytes:
    return b"MSH|^~\\&|THEM||US||20260101||ACK|1|P|" + version + b"\rMSA|" + code + b"|" + answers + rest + b"\r"


def framed(message: bytes) -> bytes:
    return b"\x0b" + message + b"\x1c\r"


def answering(make: Callable[[bytes], bytes]) -> Script:
    """Answers every message by whatever bytes `make` has for its control ID; closes on b""."""

    async def script(conversation: Conversation) -> None:
        while message := await conversation.hear():
            answer = make(control_id(message))
            if not answer:
                conversation.close()
                return
            await conversation.say(answer)

    return script


good = answering(lambda ours: framed(ack(ours)))
"""What a healthy receiver does."""


@asynccontextmanager
async def python_hl7(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The server of the package hl7, which acknowledges everything; its port."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: Any, writer: Any) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                writer.writemessage((await reader.readmessage()).create_ack())
                await writer.drain()
        writer.close()
        await writer.wait_closed()

    def connected(reader: Any, writer: Any) -> None:
        talking.add(asyncio.get_running_loop().create_task(talk(reader, writer)))

    server = await hl7.mllp.start_hl7_server(connected, host="127.0.0.1", port=0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*talking, return_exceptions=True)


class Acknowledges(AbstractHandler):  # type: ignore[misc]  # hl7apy has no types
    """Answers AA."""

    def reply(self) -> str:
        asked = Message("ACK", version="2.5")
        asked.msh.msh_9 = "ACK"
        asked.msa.msa_1 = "AA"
        asked.msa.msa_2 = self.incoming_message.split("\r")[0].split("|")[9]
        return str(asked.to_mllp())


@contextmanager
def hl7apy_server(message_type: str = NMD) -> Iterator[int]:
    """hl7apy's server; it closes the connection on a message type that it has no handler for. Its port."""
    server = MLLPServer("127.0.0.1", 0, {message_type: (Acknowledges,)})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def sent(port: int, *messages: str) -> list[str]:
    """Send messages by python-hl7's client; MSA-1 of what comes back."""
    reader, writer = await hl7.mllp.open_hl7_connection("127.0.0.1", port, encoding="latin-1")
    codes = []
    try:
        for message in messages:
            writer.writemessage(hl7.parse(message))
            await writer.drain()
            codes.append(str((await reader.readmessage()).segment("MSA")[1]))
    finally:
        writer.close()
    await writer.wait_closed()
    return codes


@asynccontextmanager
async def sending_on(to: int, *, loses: bool = False) -> AsyncIterator[int]:
    """A stand-in for an interface engine: acknowledges, then sends each message on to another port. Its port."""

    async def pass_on(conversation: Conversation) -> None:
        while message := await conversation.hear():
            await conversation.say(framed(ack(control_id(message))))
            if not loses:
                await sent(to, message.decode())

    async with mllp(pass_on) as peer:
        yield peer.port
