"""One TCP connection, or the reason why there is none."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from time import monotonic
from typing import NamedTuple, TypeVar

from pacs_monitor.format.human import duration
from pacs_monitor.model import Address, Flag, Phase, Reason, Resolver, Tls
from pacs_monitor.net.deadline import Deadline
from pacs_monitor.net.resolver import is_numeric
from pacs_monitor.net.tls import secure
from pacs_monitor.net.trace import NetFailure, Trace

P = TypeVar("P", bound=asyncio.Protocol)

_REASONS = {
    errno.ECONNREFUSED: Reason.TCP_REFUSED,
    errno.ECONNRESET: Reason.TCP_RESET,
    errno.ECONNABORTED: Reason.TCP_RESET,
    errno.EPIPE: Reason.TCP_RESET,
    errno.ETIMEDOUT: Reason.TCP_TIMEOUT,
    errno.EMFILE: Reason.PROBE_ERROR,
    errno.ENFILE: Reason.PROBE_ERROR,
    errno.ENOBUFS: Reason.PROBE_ERROR,
    errno.ENOMEM: Reason.PROBE_ERROR,
    errno.EADDRNOTAVAIL: Reason.PROBE_ERROR,
}
"""Any error not named here (no route, no network, forbidden by a firewall) is `tcp_unreachable`."""
_MOST_SPECIFIC_FIRST = (
    Reason.TCP_REFUSED,
    Reason.TCP_RESET,
    Reason.TCP_TIMEOUT,
    Reason.TCP_UNREACHABLE,
    Reason.PROBE_ERROR,
)
"""If several addresses failed, the failure that says most about the peer gives the reason."""


class ConnectFailure(NamedTuple):
    """Why one address could not be connected to."""

    reason: Reason
    detail: str


async def connect(
    factory: Callable[[], P],
    address: Address,
    *,
    resolver: Resolver,
    deadline: float,
    trace: Trace,
    tls: Tls | None = None,
) -> tuple[asyncio.Transport, P]:
    """Resolve, connect and, if asked, negotiate TLS until `deadline` (on time.monotonic()); raises NetFailure.

    The protocol may be any asyncio.Protocol (an asyncio.StreamReaderProtocol where streams read better). After TLS its
    `connection_made` is not called again, so the transport to talk to is the one returned. TCP_NODELAY is set, as
    asyncio and uvloop do for every TCP transport.
    """
    addresses = await resolve(address, resolver, deadline, trace)
    trace.begin(Phase.CONNECT)
    transport, protocol = await _first_to_answer(factory, addresses, deadline, trace)
    trace.end()
    if tls is not None:
        transport = await secure(transport, protocol, tls, address, deadline=deadline, trace=trace)
    return transport, protocol


async def resolve(address: Address, resolver: Resolver, deadline: float, trace: Trace) -> list[Address]:
    """The numeric addresses behind an address; raises NetFailure."""
    trace.begin(Phase.RESOLVE)
    if is_numeric(address.host):
        trace.end()
        return [address]
    try:
        async with asyncio.timeout_at(deadline):
            hosts, remembered = await resolver.resolve(address.host)
    except NetFailure as failure:
        raise trace.failure(failure.reason, failure.detail) from None
    except TimeoutError:
        raise trace.failure(Reason.DNS, f"no name server answered for {address.host} in time") from None
    trace.end()
    if remembered:
        trace.flags.append(Flag.RESOLVED_FROM_MEMORY)
    return [Address(host, address.port) for host in hosts]


async def _first_to_answer(
    factory: Callable[[], P], addresses: list[Address], deadline: float, trace: Trace
) -> tuple[asyncio.Transport, P]:
    """Try one address after the other; a silent one may use at most its share of the remaining time."""
    loop, failures = asyncio.get_running_loop(), []
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        now = monotonic()
        share = max(deadline - now, 0.0) / left
        try:
            with Deadline(now + share):
                return await loop.create_connection(factory, address.host, address.port)
        except OSError as error:
            failures.append(connect_failure(address, error, share))
    raise trace.failure(*most_specific(failures))


def most_specific(failures: Sequence[ConnectFailure]) -> ConnectFailure:
    """What to say of a host none of whose addresses answered."""
    worst = min(failures, key=lambda one: _MOST_SPECIFIC_FIRST.index(one.reason))
    return ConnectFailure(worst.reason, "; ".join(one.detail for one in failures))


def connect_failure(address: Address, error: OSError, share: float) -> ConnectFailure:
    if isinstance(error, TimeoutError):
        detail = (
            f"{address} did not answer within {duration(share)}: the host is off, a firewall drops packets, or its "
            "accept queue is full"
        )
        return ConnectFailure(Reason.TCP_TIMEOUT, detail)
    number = error.errno or 0
    reason = _REASONS.get(number, Reason.TCP_UNREACHABLE)
    match reason:
        case Reason.TCP_REFUSED:
            detail = f"{address} refused the connection: the host is up, but nothing listens on the port"
        case Reason.TCP_RESET:
            detail = f"{address} reset the connection while it was being established"
        case Reason.PROBE_ERROR:
            detail = f"this machine could not open a connection to {address} ({os.strerror(number)})"
        case _:
            detail = f"{address} cannot be reached from here ({os.strerror(number)})"
    return ConnectFailure(reason, detail)
