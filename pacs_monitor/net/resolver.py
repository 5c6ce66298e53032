"""Name resolution that neither a dead name server nor many names that hang can hold up."""

from __future__ import annotations

import asyncio
import ipaddress
import queue
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from functools import lru_cache, partial
from time import monotonic
from typing import NamedTuple, TypeVar

from pacs_monitor.format.human import duration
from pacs_monitor.model import Phase, Reason
from pacs_monitor.net.trace import NetFailure

Addresses = tuple[str, ...]
T = TypeVar("T")

LOOKUP_TIMEOUT = 2.0
"""Seconds that a lookup may take before the last known addresses of its name are used."""
QUICK = 1.0
"""Seconds in which a lookup that fails costs nothing worth sparing."""
REST, LONGEST_REST = 3.0, 30.0
"""After a slow one, its name is left alone for so many times what it took, but no longer than so many seconds."""
IDLE_THREADS = 8
"""Threads that are kept when there is nothing to look up."""
REMEMBERED = 10_000
"""Names. Beyond that, which only a peer's redirects can reach, the oldest is forgotten."""


class _Record(IntEnum):
    """How the last lookup of a name went, most promising first: in this order waiting names are looked up."""

    GOOD = 0
    NEW = 1
    FAILED = 2


MOST = 128
"""Lookups at once, each on a thread."""
KEPT = {_Record.GOOD: 0, _Record.NEW: 16, _Record.FAILED: 64}
"""How many of them are not for names of this standing nor of a lower one."""


class _Name:
    """What is known of one name."""

    __slots__ = ("addresses", "asked", "in_flight", "rests_until", "standing")

    def __init__(self) -> None:
        self.addresses: Addresses = ()
        """The last good ones."""
        self.standing = _Record.NEW
        self.in_flight: asyncio.Future[Addresses] | None = None
        self.asked = 0.0
        """Since when that lookup is awaited."""
        self.rests_until = 0.0


class Resolver:
    """The system's resolver, on daemon threads of its own, since nothing can interrupt getaddrinfo.

    Numeric hosts skip it, one lookup per name is in flight, and the last good addresses of each name are remembered.
    A name whose lookup failed slowly rests, three times as long as that took: meanwhile it is answered from memory at
    once. So names that hang take few threads, and leave room for those that were answered and for new ones.
    """

    def __init__(self, thresholds: float = LOOKUP_TIMEOUT, *, quick: float = QUICK, rest: float = REST) -> None:
        self.threads = 0
        """Threads that there are now."""
        self._patience, self._quick, self._rest = thresholds, quick, rest
        self._names: dict[str, _Name] = {}
        self._waiting: dict[_Record, deque[_Lookup]] = {standing: deque() for standing in _Record}
        self._running: Counter[_Record] = Counter()
        self._lookups: queue.SimpleQueue[_Lookup | None] = queue.SimpleQueue()

    @property
    def in_progress(self) -> int:
        """Lookups that run now."""
        return self._running.total()

    def known(self, host: str) -> Addresses:
        """Without asking anybody: the addresses of a host, () when none was found yet."""
        if is_numeric(host):
            return (host,)
        name = self._names.get(host)
        return name.addresses if name else ()

    async def resolve(self, host: str) -> tuple[Addresses, bool]:
        """The addresses of a host, and whether they come from memory; NetFailure (`dns`) without memory."""
        if is_numeric(host):
            return (host,), False
        now = monotonic()
        name = self._names.get(host) or self._remember(host)
        if name.in_flight is None and now < name.rests_until:
            return _from_memory(host, name, f"; next lookup in {duration(name.rests_until - now)}")
        answer = name.in_flight or self._look_up(host, name, now)
        try:
            async with asyncio.timeout_at(name.asked + self._patience if name.addresses else None):
                return await asyncio.shield(answer), False
        except (LookupError, TimeoutError):
            return _from_memory(host, name)

    def _remember(self, host: str) -> _Name:
        name = self._names[host] = _Name()
        if len(self._names) > REMEMBERED:
            del self._names[next(iter(self._names))]
        return name

    def _look_up(self, host: str, name: _Name, now: float) -> asyncio.Future[Addresses]:
        loop = asyncio.get_running_loop()
        name.in_flight, name.asked = loop.create_future(), now
        self._waiting[name.standing].append(_Lookup(host, name, loop, name.in_flight))
        self._begin()
        return name.in_flight

    def _begin(self) -> None:
        """Hand to threads what may run."""
        for standing, waiting in self._waiting.items():
            while waiting and self._may_run(standing):
                lookup = waiting.popleft()
                began = monotonic()
                lookup.answer.add_done_callback(partial(self._ended, lookup, standing, began))
                self._running[standing] += 1
                self._lookups.put(lookup)

    def _may_run(self, standing: _Record) -> bool:
        """Whether a thread is free, or can be had, for one more."""
        running = self._running.total()
        alike = sum(self._running[other] for other in _Record if other >= standing)
        if running >= MOST or alike >= MOST - KEPT[standing]:
            return False
        if running < self.threads:
            return True
        with suppress(RuntimeError):  # the system has no more threads for us: it waits until one of ours is free
            threading.Thread(target=_work, args=(self._lookups,), name="resolver", daemon=True).start()
            self.threads += 1
            return True
        return False

    def _ended(self, lookup: _Lookup, standing: _Record, began: float, answer: asyncio.Future[Addresses]) -> None:
        name, now = lookup.name, monotonic()
        name.in_flight = None
        self._running[standing] -= 1
        if not answer.cancelled() and answer.exception() is None:
            name.addresses, name.standing, name.rests_until = answer.result(), _Record.GOOD, 0.0
        else:
            rest = 0.0 if now - began < self._quick else min(self._rest * (now - began), LONGEST_REST)
            name.standing, name.rests_until = _Record.FAILED, now + rest
        self._begin()
        if self.threads - self._running.total() > IDLE_THREADS:
            self.threads -= 1
            self._lookups.put(None)


def _from_memory(host: str, name: _Name, more: str = "") -> tuple[Addresses, bool]:
    if name.addresses:
        return name.addresses, True
    detail = f"the name {host} does not resolve on this machine, and no earlier address is known{more}"
    raise NetFailure(Reason.DNS, Phase.RESOLVE, detail)


class _Lookup(NamedTuple):
    """A name for a thread to look up, and where its answer is awaited."""

    host: str
    name: _Name
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Addresses]

    def run(self) -> None:
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except (OSError, ValueError):  # gaierror, or a name that IDNA or C cannot take
            self._complete(self.answer.set_exception, LookupError(self.host))
        else:
            self._complete(self.answer.set_result, tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))

    def _complete(self, settle: Callable[[T], None], value: T) -> None:
        def unless_done() -> None:
            if not self.answer.done():
                settle(value)

        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            self.loop.call_soon_threadsafe(unless_done)


def _work(lookups: queue.SimpleQueue[_Lookup | None]) -> None:
    while (lookup := lookups.get()) is not None:
        lookup.run()


@lru_cache(4096)
def is_numeric(host: str) -> bool:
    """Whether a host is an IPv4 or IPv6 address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
