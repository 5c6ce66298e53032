"""Our own MLLP listener: copies of feeds, and heartbeats that come back, are counted here and dropped.

It never acknowledges an order that it would lose: only messages from the addresses that it is told, to the application
and facility that it is told (MSH-5, MSH-6), are taken; anything else is rejected (AR, or CR in enhanced mode). Of what
is taken it keeps the message type, the time and the count, nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_network

from pacs_monitor.hl7.framing import Deframer, FramingError, frame
from pacs_monitor.hl7.message import MalformedError, Message, acknowledge
from pacs_monitor.model import Clock, Heard
from pacs_monitor.net import plain

log = logging.getLogger(__name__)
AT_ONCE = 64
"""Connections."""
STRANGERS_AT_ONCE = 8
"""So many connections are left to those who are not known; more would keep the known senders out."""
NOWHERE = ("::",)
"""The address of a sender that has gone before it was accepted."""
STRANGERS_STAY = 10.0
"""Seconds for one message, so that its sender learns that it is rejected."""
MOST_TYPES = 200
"""Message types that are told apart; a sender with more of them is confused."""
_TOLD = 100
"""Different rejections that the log tells of, each once."""


class Listener:
    """Listens on loopback unless told otherwise."""

    def __init__(
        self,
        clock: Clock,
        receiver: tuple[str, str],
        sources: Iterable[str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host, self.port = host, port
        self.heard: dict[str, Heard] = {}
        self.connections: set[Incoming] = set()
        self.tls = tls
        self._clock, self._receiver = clock, receiver
        self._sources = tuple(ip_network(source, strict=False) for source in sources)
        self._expected: dict[str, asyncio.Future[float]] = {}
        self._told: set[tuple[str, str]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises OSError. A port 0 is replaced by the one that the system chose."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Incoming(self), self.host, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.leave()
        await asyncio.sleep(0)

    def expect(self, control_id: str) -> asyncio.Future[float]:
        """When a message of this MSH-10 comes in; cancel it when it is not awaited any more."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._expected[control_id] = future
        future.add_done_callback(lambda _: self._expected.pop(control_id, None))
        return future

    def knows(self, address: str) -> bool:
        """Whether messages may come from an address."""
        sender = plain(address)
        return any(sender in network for network in self._sources)

    def take(self, raw: bytes, source: str) -> bytes | None:
        """The acknowledgement of a message, None when it wants none; raises MalformedError."""
        message, now = Message(raw), self._clock.now()
        refusal = self._refusal(message, source)
        if refusal is None:
            self._count(message)
        elif len(self._told) < _TOLD and (source, refusal) not in self._told:
            self._told.add((source, refusal))
            log.warning("the HL7 listener rejects messages from %s: %s", source, refusal)
        return acknowledge(message, refusal is None, now, refusal or "")

    def _refusal(self, message: Message, source: str) -> str | None:
        if not self.knows(source):
            return "no messages are taken from this address"
        if message.receiver != self._receiver:
            return "MSH-5 and MSH-6 name another receiver"
        if message.type is None:
            return "MSH-9 holds no message type"
        if message.type not in self.heard and len(self.heard) >= MOST_TYPES:
            return "too many different message types"
        return None

    def _count(self, message: Message) -> None:
        kind = message.type or ""
        before = self.heard.get(kind, Heard(0, 0))
        self.heard[kind] = Heard(before.messages + 1, self._clock.now())
        expected = self._expected.get(message.control_id)
        if expected is not None and not expected.done():
            expected.set_result(self._clock.monotonic())


class Incoming(asyncio.Protocol):
    """One connection that a sender made to us."""

    _transport: asyncio.Transport

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._deframer = Deframer()
        self._source = ""
        self._known = False
        self._leave_at: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a server's transport reads and writes
        self._source = str((transport.get_extra_info("peername") or NOWHERE)[0])
        self._known = self._listener.knows(self._source)
        if len(self._listener.connections) >= (AT_ONCE if self._known else STRANGERS_AT_ONCE):
            self._transport.abort()
            return
        self._listener.connections.add(self)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not self._known:
            self._leave_at = asyncio.get_running_loop().call_later(STRANGERS_STAY, self.leave)

    def data_received(self, data: bytes) -> None:
        try:
            for raw in self._deframer.feed(data):
                answer = self._listener.take(raw, self._source)
                if answer is not None:
                    self._transport.write(frame(answer))
                if not self._known:
                    self._transport.close()
                    return
        except (FramingError, MalformedError):
            self._transport.close()  # there is nothing to acknowledge

    def pause_writing(self) -> None:
        """It sends without reading what we answer."""
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self._listener.connections.discard(self)
        if self._leave_at is not None:
            self._leave_at.cancel()

    def leave(self) -> None:
        self._transport.abort()
