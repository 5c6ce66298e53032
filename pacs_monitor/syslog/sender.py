"""Sends to one receiver over TLS (RFC 5425), TCP (RFC 6587) or UDP (RFC 5426).

Theory of operation. Messages wait in a queue of limited length; who adds one never waits. One task connects when there
is something to send, keeps the connection, and begins anew after a pause when it fails. A message leaves the queue when
the system has taken it: syslog has no answers, so what the system holds when a connection breaks is lost unnoticed.
When the queue is full the oldest is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from pacs_monitor.backoff import Backoff
from pacs_monitor.model import Address, Resolver, Tls
from pacs_monitor.net import NetFailure, Trace, connect, resolve

log = logging.getLogger(__name__)

QUEUE = 1000
"""Messages that wait."""
CONNECTS_WITHIN, TAKES_WITHIN = 10.0, 10.0
"""Seconds for a connection with its TLS, and for the system to take one message."""
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
LEFT_IN_BUFFER = 1
"""Bytes: a message counts as taken when the socket has it. With 0, asyncio's TLS would never say that it has."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go."""

    address: Address
    tls: Tls | None = None
    udp: bool = False


class Sender:
    """To one receiver at a time; to be used on one event loop."""

    def __init__(self, resolver: Resolver) -> None:
        self.lost = 0
        """Messages that were dropped, since the start."""
        self._resolver = resolver
        self._receiver: Receiver | None = None
        self._queue: deque[bytes] = deque()
        self._changed = asyncio.Event()
        """There may be something to send, or another receiver."""
        self._trouble = False
        self._settled = asyncio.Event()
        """Nothing waits, or it waits for a receiver that cannot be reached."""

    def adopt(self, receiver: Receiver | None) -> None:
        """Send to this one from now on; None: nowhere."""
        if receiver != self._receiver:
            self._receiver = receiver
            self._changed.set()

    def send(self, message: bytes) -> None:
        """Soon; never waits."""
        if self._receiver is None:
            return
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            self.lost += 1
        self._queue.append(message)
        self._changed.set()
        if not self._trouble:
            self._settled.clear()

    async def keep(self) -> None:
        """For as long as the daemon runs."""
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        while True:
            await self._changed.wait()
            receiver = self._receiver
            if receiver is None or not self._queue:
                self._changed.clear()
                continue
            try:
                await (self._by_datagram(receiver) if receiver.udp else self._by_stream(receiver))
                backoff.reset()
            except (OSError, NetFailure) as error:
                self._fails(receiver, error)
                await asyncio.sleep(backoff.failed())

    async def stop(self, within: float) -> None:
        """Give what waits some time to be sent; what then remains is lost, and counted."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                if self._queue:
                    await self._settled.wait()
        self.lost += len(self._queue)
        self._queue.clear()

    async def _by_stream(self, receiver: Receiver) -> None:
        """Until the connection ends, or another receiver is named; raises OSError or NetFailure."""
        transport, stream = await connect(
            _Stream,
            receiver.address,
            resolver=self._resolver,
            deadline=monotonic() + CONNECTS_WITHIN,
            trace=Trace(),
            tls=receiver.tls,
        )
        try:
            transport.set_write_buffer_limits(high=LEFT_IN_BUFFER, low=0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            while not stream.lost.is_set() and self._receiver == receiver:
                if self._queue:
                    await self._write(transport, stream)
                else:
                    self._changed.clear()
                    await _first(stream.lost, self._changed)
            if stream.lost.is_set() and self._queue:
                raise ConnectionResetError
        finally:
            transport.abort() if self._queue else transport.close()

    async def _write(self, transport: asyncio.Transport, stream: _Stream) -> None:
        message = self._queue[0]
        transport.write(b"%d %s" % (len(message), message))  # MSG-LEN SP SYSLOG-MSG (RFC 5425 4.3, RFC 6587 3.4.1)
        await asyncio.sleep(0)  # whatever else is due comes first, and so does the end of the connection
        async with asyncio.timeout(TAKES_WITHIN):
            await _first(stream.lost, stream.takes)
        if stream.lost.is_set():
            raise ConnectionResetError
        self._taken(message)

    async def _by_datagram(self, receiver: Receiver) -> None:
        loop = asyncio.get_running_loop()
        remote, *_ = await resolve(receiver.address, self._resolver, monotonic() + CONNECTS_WITHIN, Trace())
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=remote)
        try:
            while self._queue and self._receiver == receiver:
                transport.sendto(self._queue[0])
                self._taken(self._queue[0])
        finally:
            transport.close()

    def _taken(self, message: bytes) -> None:
        if self._queue and self._queue[0] is message:  # it may have been dropped meanwhile
            self._queue.popleft()
        if not self._queue:
            self._settled.set()
        if self._trouble:
            self._trouble = False
            log.info("syslog works again")

    def _fails(self, receiver: Receiver, error: Exception) -> None:
        if not self._trouble:
            why = error.detail if isinstance(error, NetFailure) else "the connection broke, or takes nothing"
            log.warning("check monitor.audit: syslog %s cannot be reached: %s", receiver.address, why)
        self._trouble = True
        self._settled.set()


class _Stream(asyncio.Protocol):
    """A connection to a receiver, which says nothing."""

    def __init__(self) -> None:
        self.lost, self.takes = asyncio.Event(), asyncio.Event()
        self.takes.set()

    def pause_writing(self) -> None:
        self.takes.clear()

    def resume_writing(self) -> None:
        self.takes.set()

    def eof_received(self) -> None:
        self.lost.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost.set()


async def _first(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    if any(event.is_set() for event in events):
        return
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()
