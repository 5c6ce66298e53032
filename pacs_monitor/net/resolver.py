"""Name resolution that a dead name server cannot hold up."""

from __future__ import annotations

import asyncio
import ipaddress
import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pacs_monitor.model import Phase, Reason
from pacs_monitor.net.passage import NetFailure

Addresses = tuple[str, ...]
T = TypeVar("T")

THREADS = 8
PATIENCE = 2.0
"""Seconds to wait for a name whose last good addresses are remembered."""


class Resolver:
    """The system's resolver, on a few daemon threads of its own, since nothing can interrupt getaddrinfo.

    Numeric hosts skip it, one lookup per name is in flight, and the last good addresses of each name are remembered.
    """

    def __init__(self, threads: int = THREADS, patience: float = PATIENCE) -> None:
        self._threads, self._patience = threads, patience
        self._started = 0
        self._lookups: queue.SimpleQueue[_Lookup] = queue.SimpleQueue()
        self._in_flight: dict[str, asyncio.Future[Addresses]] = {}
        self._good: dict[str, Addresses] = {}

    async def resolve(self, host: str) -> tuple[Addresses, bool]:
        """The addresses of a host, and whether they come from memory; NetFailure (`dns`) without memory."""
        if is_numeric(host):
            return (host,), False
        answer = self._in_flight.get(host) or self._look_up(host)
        try:
            async with asyncio.timeout(self._patience if host in self._good else None):
                return await asyncio.shield(answer), False
        except (LookupError, TimeoutError):
            if host in self._good:
                return self._good[host], True
            detail = f"the name {host} does not resolve on this machine, and no address of it is remembered"
            raise NetFailure(Reason.DNS, Phase.RESOLVE, detail) from None

    def _look_up(self, name: str) -> asyncio.Future[Addresses]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Addresses] = loop.create_future()
        answer.add_done_callback(lambda done: self._finished(name, done))
        self._in_flight[name] = answer
        if self._started < min(self._threads, len(self._in_flight)):
            self._started += 1
            threading.Thread(target=_work, args=(self._lookups,), name="resolver", daemon=True).start()
        self._lookups.put(_Lookup(name, loop, answer))
        return answer

    def _finished(self, name: str, answer: asyncio.Future[Addresses]) -> None:
        del self._in_flight[name]
        if not answer.cancelled() and answer.exception() is None:
            self._good[name] = answer.result()


class _Lookup(NamedTuple):
    """A name for a thread to look up, and where its answer is awaited."""

    name: str
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Addresses]

    def run(self) -> None:
        try:
            found = socket.getaddrinfo(self.name, None, type=socket.SOCK_STREAM)
        except (OSError, ValueError):  # gaierror, or a name that IDNA or C cannot take
            self._settle(self.answer.set_exception, LookupError(self.name))
        else:
            self._settle(self.answer.set_result, tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))

    def _settle(self, settle: Callable[[T], None], value: T) -> None:
        def unless_done() -> None:
            if not self.answer.done():
                settle(value)

        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            self.loop.call_soon_threadsafe(unless_done)


def _work(lookups: queue.SimpleQueue[_Lookup]) -> None:
    while True:
        lookups.get().run()


@lru_cache(4096)
def is_numeric(host: str) -> bool:
    """Whether a host is an IPv4 or IPv6 address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
