"""Who may stay of those who connect to us: limits, and what is known of each connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from pacs_monitor.net.addresses import block

STALLED_AFTER = 5.0
"""Seconds without progress after which the connection of a peer that does not read is closed."""
READ_WITHIN = 30.0
"""Seconds within which everything sent must have been read, however slowly."""
SHARE = 1 / 8
"""Share of the process's file descriptors (RLIMIT_NOFILE) that one listener may use."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing is a reset."""
LEAST = 4
"""Connections that are always allowed, however few descriptors there are."""

_turns = count()


class RefusalCause(StrEnum):
    """Why a connection was not taken, or ended; a metric's label."""

    NO_ROOM = "no_room"
    """The connection limit was reached and all connections were in use."""
    GAVE_WAY = "gave_way"
    """It was idle and the connection limit was reached."""
    HANDSHAKE = "handshake"
    """Its TLS handshake failed or took too long."""
    SILENT = "silent"
    """Its peer sent nothing in time."""
    STALLED = "stalled"
    """Its peer did not read what we sent."""
    MALFORMED = "malformed"
    """Its peer does not speak the protocol."""
    REJECTED = "rejected"
    """Its peer is not allowed to do what it requested."""
    FAULT = "fault"
    """An internal error of the monitor; the log says where."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections at once: of known addresses, of all others, of a single address."""

    known: int
    strangers: int
    per_address: int

    def within(self, descriptors: int) -> Limits:
        """What is left of them for a process that may have so many descriptors."""
        both, share = self.known + self.strangers, int(descriptors * SHARE)
        if both <= share:
            return self
        known, strangers = (max(LEAST, share * part // both) for part in (self.known, self.strangers))
        return Limits(known, strangers, max(LEAST, min(self.per_address, share // 2)))


class Connection:
    """One connection that was made to us. Its protocol says when it is served, when it waits, and when it is lost."""

    def __init__(
        self,
        address: str,
        known: bool,
        forget: Callable[[Connection], None],
        on_refusal: Callable[[RefusalCause, str, str], None],
    ) -> None:
        self.address, self.block, self.known = address, block(address), known
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self.waiting: int | None = next(_turns)
        """Its place among those that wait: the clock of a loop does not distinguish them all."""
        self._forget, self._on_refusal = forget, on_refusal
        self._unread, self._unread_since, self._progress_at = 0, 0.0, 0.0

    def served(self) -> None:
        """It is owed an answer, or has earned its place: it gives way to nobody."""
        self.waiting = None

    def waits(self) -> None:
        """Nothing is owed to it: it gives way where there is no room."""
        self.waiting = next(_turns)

    def refused(self, why: RefusalCause, what: str) -> None:
        """Count and log what is wrong with it."""
        self._on_refusal(why, self.address, what)

    def lost(self) -> None:
        """It is no more."""
        self._forget(self)

    def abort(self) -> None:
        """End it at once, by a reset; from now on it takes no room, also not for what the peer has not read."""
        self._forget(self)
        if self.transport is not None:
            ours = self.transport.get_extra_info("socket")
            with suppress(OSError):
                if ours is not None:  # it is not when the transport is closing
                    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()
        elif self.task is not None:
            self.task.cancel()

    def stalled(self, now: float) -> bool:
        """Whether the peer does not read what was sent to it; asked regularly."""
        unread = self.transport.get_write_buffer_size() if self.transport is not None else 0
        if unread and not self._unread:
            self._unread_since = now
        if unread < self._unread or not self._unread:
            self._progress_at = now
        self._unread = unread
        return unread > 0 and (now - self._progress_at >= STALLED_AFTER or now - self._unread_since >= READ_WITHIN)


def full(connections: Collection[Connection], address: str, known: bool, limits: Limits) -> list[Connection]:
    """The connections of which one must end before another one of this address is taken; none when there is room."""
    here = block(address)
    of_address = [connection for connection in connections if connection.block == here]
    if len(of_address) >= limits.per_address:
        return of_address
    kin = [connection for connection in connections if connection.known is known]
    return kin if len(kin) >= (limits.known if known else limits.strangers) else []


def to_evict(connections: Collection[Connection]) -> Connection | None:
    """Of the address that holds most, the connection that waits longest; None when all are being served."""
    held = Counter(connection.block for connection in connections)
    waiting = [(-held[one.block], one.waiting, one) for one in connections if one.waiting is not None]
    return min(waiting, key=lambda known: known[:2])[2] if waiting else None
