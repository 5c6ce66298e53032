"""Accepting connections under limits: the one accept loop of all our listeners.

asyncio's servers accept whatever comes, and give their protocol a TLS connection only when its handshake is over: so
silent strangers could take every descriptor of the process unseen. Here a connection counts from `accept` on.

- Known addresses have room of their own, so that strangers cannot keep them out; one address has its part and no more.
- A listener takes at most a share of the descriptors that the process may have: the others are for probes and pages.
- Where there is no room, a connection that waits gives way; when all are being served, the new one is reset.
- A TLS handshake must end in time, and a peer that does not read what we send loses its connection.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from pacs_monitor.net.admission import RESET, Connection, Limits, RefusalCause, full, to_evict
from pacs_monitor.net.rate_limit import RateLimitedLog
from pacs_monitor.supervision import location

log = logging.getLogger(__name__)
HANDSHAKE_WITHIN = 5.0
"""Seconds for a TLS handshake."""
SWEEP = 1.0
"""Seconds between checks for peers that do not read."""
BACKLOG = 512
DESCRIPTORS_UNSAID = 512
PAUSE = 0.2
"""Seconds until the next attempt when this machine cannot accept any connection."""

Refusals = Counter[tuple[str, str]]
"""Connections refused since the start, by listener and reason (RefusalCause)."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of a host, at one port; a port 0 becomes a free one. Raises OSError."""
    sockets: list[socket.socket] = []
    try:
        for family, kind, proto, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            listening = socket.socket(family, kind, proto)
            sockets.append(listening)
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address[0], port, *address[2:]))
            port = listening.getsockname()[1]
    except OSError:
        for listening in sockets:
            listening.close()
        raise
    return sockets


class Server:
    """Accepts at bound sockets, and hands each connection to a protocol of its own."""

    def __init__(
        self,
        name: str,
        factory: Callable[[Connection], asyncio.Protocol],
        limits: Limits,
        *,
        known: Callable[[str], bool],
        tls: ssl.SSLContext | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.tls = tls
        self.connections: set[Connection] = set()
        self.refusals: Refusals = Counter() if refusals is None else refusals
        self.refusals.update({(name, why): 0 for why in RefusalCause})  # a counter that is not there cannot rise
        self._name, self._factory, self._limits, self._known = name, factory, limits, known
        self._log = RateLimitedLog(log)
        self._sockets: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, sockets: list[socket.socket]) -> None:
        """Accept from now on."""
        loop = asyncio.get_running_loop()
        for listening in sockets:
            listening.setblocking(False)
            listening.listen(BACKLOG)
            self._sockets.append(listening)
            self._tasks.append(loop.create_task(self._accept_all(listening)))
        self._tasks.append(loop.create_task(self._sweep()))

    async def close(self) -> None:
        """Accept nothing more; what is open stays."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()

    async def abort(self) -> None:
        """End what is still open."""
        tasks = [connection.task for connection in self.connections if connection.task is not None]
        for connection in tuple(self.connections):
            connection.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports end in the next turn of the loop

    def refused(self, why: RefusalCause, address: str, what: str) -> None:
        """Count it, and log it unless there is too much of it."""
        self.refusals[self._name, why] += 1
        self._log.warning(f"the {self._name} listener refused {address}: {what}")

    async def _accept_all(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno != errno.ECONNABORTED:  # that one: the caller has gone
                    self._log.warning(f"the {self._name} listener cannot accept connections now: {error.strerror}")
                    await asyncio.sleep(PAUSE)
                continue
            try:
                self._take(accepted, str(address[0]))
            except Exception as error:  # noqa: BLE001 - a fault of ours at one connection must not end the listener
                accepted.close()
                self._failed(str(address[0]), error)
            await asyncio.sleep(0)  # a flood must not hold up the loop

    def _take(self, accepted: socket.socket, address: str) -> None:
        known = self._known(address)
        limits = self._limits.within(descriptors())
        crowd = full(self.connections, address, known, limits)
        if crowd:
            leaving = to_evict(crowd)
            if leaving is None:
                self.refused(
                    RefusalCause.NO_ROOM, address, "the connection limit is reached and all connections are in use"
                )
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                accepted.close()
                return
            self.refused(RefusalCause.GAVE_WAY, leaving.address, "it was idle and the connection limit is reached")
            leaving.abort()
        connection = Connection(address, known, self.connections.discard, self.refused)
        self.connections.add(connection)
        connection.task = asyncio.get_running_loop().create_task(self._connect(connection, accepted))

    async def _connect(self, connection: Connection, accepted: socket.socket) -> None:
        loop, tls = asyncio.get_running_loop(), self.tls
        within = HANDSHAKE_WITHIN if tls else None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: self._factory(connection),
                accepted,
                ssl=tls,
                ssl_handshake_timeout=within,
                ssl_shutdown_timeout=within,
            )
        except OSError:  # of TLS as well
            connection.lost()
            accepted.close()
            connection.refused(RefusalCause.HANDSHAKE, "its TLS handshake failed or took too long")
        except BaseException:
            connection.lost()
            accepted.close()
            raise
        else:
            connection.transport = transport
        finally:
            connection.task = None

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self._log.flush()
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.connections):
                try:
                    self._look_at(connection, now)
                except Exception as error:  # noqa: BLE001 - the others are looked at all the same
                    self._failed(connection.address, error)
                    self.connections.discard(connection)
                    with suppress(Exception):
                        connection.abort()

    def _look_at(self, connection: Connection, now: float) -> None:
        if connection.stalled(now):
            connection.refused(RefusalCause.STALLED, "it does not read our answers")
            connection.abort()

    def _failed(self, address: str, error: Exception) -> None:
        """Never what an exception says, since that can be a peer's words."""
        self.refused(
            RefusalCause.FAULT,
            address,
            f"an internal error of the monitor, {type(error).__name__} at {location(error)}",
        )


def descriptors() -> int:
    """How many files and sockets the process may have open; where the system does not say, what Windows allows."""
    if sys.platform == "win32":
        return DESCRIPTORS_UNSAID
    import resource  # noqa: PLC0415 - not on every platform

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20
