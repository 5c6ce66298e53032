"""One question and its answer by UDP, or the reason why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Generic, TypeVar

from pacs_monitor.model import Address, Phase, Reason, Resolver
from pacs_monitor.net.connection import connect_failure, resolve
from pacs_monitor.net.trace import Trace

T = TypeVar("T")
TRIES = 3
"""How often the query is sent within the deadline, because a datagram may get lost."""


async def exchange(
    address: Address,
    make: Callable[[], bytes],
    read: Callable[[bytes], T | None],
    *,
    resolver: Resolver,
    deadline: float,
    trace: Trace,
) -> T:
    """What `read` makes of the first datagram that is an answer (not None); raises NetFailure.

    `make` makes the question anew each time. Where a name has several addresses, the first one is asked.
    """
    remote = (await resolve(address, resolver, deadline, trace))[0]
    trace.begin(Phase.OPERATION)
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(lambda: _Asking(read), remote_addr=remote)
        try:
            answer = await _ask(transport, protocol, make, deadline)
        finally:
            transport.close()
    except TimeoutError:
        detail = (
            f"{address} did not answer over UDP in time: the host is off, a firewall drops packets, or the service is "
            "down"
        )
        raise trace.failure(Reason.TCP_TIMEOUT, detail) from None
    except ConnectionRefusedError:
        detail = f"{remote} refused the datagram: the host is up, but nothing listens on this UDP port"
        raise trace.failure(Reason.TCP_REFUSED, detail) from None
    except OSError as error:
        raise trace.failure(*connect_failure(remote, error, 0.0)) from None
    trace.end()
    return answer


async def _ask(
    transport: asyncio.DatagramTransport, protocol: _Asking[T], make: Callable[[], bytes], deadline: float
) -> T:
    share = max(deadline - monotonic(), 0.0) / TRIES
    for left in range(TRIES - 1, -1, -1):
        transport.sendto(make())
        await asyncio.wait([protocol.answer], timeout=share)
        if protocol.answer.done() or not left:
            break
    if not protocol.answer.done():
        raise TimeoutError
    return protocol.answer.result()


class _Asking(asyncio.DatagramProtocol, Generic[T]):
    def __init__(self, read: Callable[[bytes], T | None]) -> None:
        self._read = read
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _address: Any) -> None:
        if not self.answer.done() and (found := self._read(data)) is not None:
            self.answer.set_result(found)

    def error_received(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
