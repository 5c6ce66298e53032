"""Our own MLLP listener: copies of feeds, and heartbeats that come back, are counted here and dropped.

It never acknowledges an order that it would lose: only messages from the configured addresses, to the configured
application and facility (MSH-5, MSH-6), are taken; anything else is rejected (AR, or CR in enhanced mode). Of what
is taken it keeps the message type, the time and the count, nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Collection, Iterable
from ipaddress import ip_network

from pacs_monitor.hl7.framing import Deframer, FramingError, frame
from pacs_monitor.hl7.message import MalformedError, Message, acknowledge
from pacs_monitor.model import Clock, FeedActivity
from pacs_monitor.net import plain
from pacs_monitor.net.admission import Connection, Limits, RefusalCause
from pacs_monitor.net.connection_server import Refusals, Server, bind
from pacs_monitor.net.rate_limit import RateLimitedLog

log = logging.getLogger(__name__)
AT_ONCE = 64
"""Connections of known senders; those that have sent nothing yet may be closed to make room."""
OF_ONE_ADDRESS = 32
STRANGERS_AT_ONCE = 8
STRANGERS_STAY = 5.0
"""Seconds for one message, so that its sender learns that it is rejected."""
SILENT_FOR = 60
"""Seconds of silence until the operating system asks whether a sender is still there (TCP keepalive, RFC 9293
3.8.4)."""
MOST_TYPES = 200
"""Message types counted separately; a sender with more of them is rejected."""


class Listener:
    """Listens on loopback by default."""

    def __init__(
        self,
        clock: Clock,
        receiver: tuple[str, str],
        sources: Iterable[str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.host, self.port = host, port
        self.activity: dict[str, FeedActivity] = {}
        limits = Limits(AT_ONCE, STRANGERS_AT_ONCE, OF_ONE_ADDRESS)
        self._server = Server(
            "HL7", lambda one: Incoming(self, one), limits, known=self.knows, tls=tls, refusals=refusals
        )
        self._clock, self._receiver = clock, receiver
        self._log = RateLimitedLog(log)
        self._sources = tuple(ip_network(source, strict=False) for source in sources)
        self._expected: dict[str, asyncio.Future[float]] = {}

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What it shows to senders."""
        return self._server.tls

    @property
    def connections(self) -> Collection[Connection]:
        """Those that are open now."""
        return self._server.connections

    async def start(self) -> None:
        """Listen; raises OSError. A port 0 is replaced by the one that the system chose."""
        sockets = bind(self.host, self.port)
        self.port = sockets[0].getsockname()[1]
        self._server.start(sockets)

    async def stop(self) -> None:
        """Close the port and all connections."""
        await self._server.close()
        await self._server.abort()

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

    def take(self, raw: bytes, connection: Connection) -> bytes | None:
        """The acknowledgement of a message, None when it requests none; raises MalformedError."""
        message, now = Message(raw), self._clock.now()
        refusal = self._refusal(message, connection.address)
        if refusal is None:
            self._count(message)
            connection.served()
        else:
            connection.refused(RefusalCause.REJECTED, refusal)
        return acknowledge(message, refusal is None, now, refusal or "")

    def remark(self, what: str) -> None:
        """Log what is put up with, unless there is too much of it."""
        self._log.warning(f"the HL7 listener {what}")

    def _refusal(self, message: Message, source: str) -> str | None:
        if not self.knows(source):
            return "messages from this address are not accepted"
        if message.receiver != self._receiver:
            return "MSH-5 and MSH-6 name a different receiver"
        if message.type is None:
            return "MSH-9 contains no message type"
        if message.type not in self.activity and len(self.activity) >= MOST_TYPES:
            return "too many different message types"
        return None

    def _count(self, message: Message) -> None:
        kind = message.type or ""
        before = self.activity.get(kind, FeedActivity(0, 0))
        self.activity[kind] = FeedActivity(before.messages + 1, self._clock.now())
        expected = self._expected.get(message.control_id)
        if expected is not None and not expected.done():
            expected.set_result(self._clock.monotonic())


class Incoming(asyncio.Protocol):
    """One connection that a sender made to us."""

    _transport: asyncio.Transport

    def __init__(self, listener: Listener, connection: Connection) -> None:
        self._listener, self._connection = listener, connection
        self._deframer = Deframer()
        self._leave_at: asyncio.TimerHandle | None = None
        self._remarked = self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a server's transport reads and writes
        _keep_alive(transport.get_extra_info("socket"))
        if not self._connection.known:
            self._leave_at = asyncio.get_running_loop().call_later(STRANGERS_STAY, self._leave)

    def data_received(self, data: bytes) -> None:
        try:
            for raw in self._deframer.feed(data):
                self._remark()
                answer = self._listener.take(raw, self._connection)
                if answer is not None:
                    self._transport.write(frame(answer))
                if not self._connection.known:
                    self._transport.close()
                    return
        except (FramingError, MalformedError) as error:
            self._refused(RefusalCause.MALFORMED, f"it did not send an HL7 message: {error}")
            self._transport.close()  # there is nothing to acknowledge

    def _remark(self) -> None:
        """Once for each connection, that what stands between its messages is skipped."""
        if self._deframer.skipped and not self._remarked:
            self._remarked = True
            self._listener.remark(
                f"ignores bytes that {self._connection.address} sends outside its messages (0B … 1C 0D)"
            )

    def _refused(self, why: RefusalCause, what: str) -> None:
        self._over = True
        self._connection.refused(why, what)

    def _leave(self) -> None:
        self._refused(RefusalCause.SILENT, "it sent no message in time")
        self._connection.abort()

    def pause_writing(self) -> None:
        """It sends without reading what we answer."""
        self._refused(RefusalCause.STALLED, "it does not read our acknowledgements")
        self._connection.abort()

    def eof_received(self) -> None:
        """The sender ends the connection."""
        if self._deframer.inside and not self._over:
            self._refused(RefusalCause.MALFORMED, "it closed the connection within a message, before its end (1C 0D)")
        elif self._deframer.skipped and not self._over and not self._remarked:
            self._refused(RefusalCause.MALFORMED, "it did not send an HL7 message: nothing began with 0B")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self._connection.lost()
        if self._leave_at is not None:
            self._leave_at.cancel()


def _keep_alive(ours: socket.socket) -> None:
    """A sender that was switched off must not keep its place."""
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENT_FOR)
