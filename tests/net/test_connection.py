from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable

import pytest

from pacs_monitor.model import Address, Phase, Reason, Status
from pacs_monitor.net import NetFailure, Trace, connect
from pacs_monitor.net.connection import connect_failure
from tests.peers.scripted import Conversation, full_accept_queue, hang, scripted
from tests.support.timing import HANGS, SOON, Stopwatch


class Names:
    """A resolver with addresses of the test's own."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
        return self.addresses, False


async def attempt(
    port: int, *addresses: str, timeout: float = SOON, factory: Callable[[], asyncio.Protocol] = asyncio.Protocol
) -> tuple[asyncio.Transport, Trace]:
    trace = Trace()
    transport, _ = await connect(
        factory,
        Address("peer.example.org", port),
        resolver=Names(*addresses),
        deadline=time.monotonic() + timeout,
        trace=trace,
    )
    return transport, trace


async def test_the_first_address_that_answers_is_taken() -> None:
    async with scripted(hang, host="127.0.0.2") as peer:
        transport, trace = await attempt(peer.port, "127.0.0.3", "::1", "127.0.0.2", "127.0.0.4")
        assert transport.get_extra_info("peername")[0] == "127.0.0.2"
        transport.close()
    assert set(trace.phases) == {Phase.RESOLVE, Phase.CONNECT}


async def test_a_silent_address_leaves_time_for_the_others() -> None:
    with full_accept_queue() as port:
        server = socket.create_server(("127.0.0.2", port))
        with Stopwatch() as watch:
            transport, _ = await attempt(port, "127.0.0.1", "127.0.0.2", timeout=2 * HANGS)
        assert transport.get_extra_info("peername")[0] == "127.0.0.2"
        assert watch.seconds < 2 * HANGS
        transport.close()
        server.close()


async def test_when_all_fail_the_most_telling_names_the_reason_and_all_are_told() -> None:
    with full_accept_queue() as port, pytest.raises(NetFailure) as caught:
        await attempt(port, "127.0.0.1", "255.255.255.255", "127.0.0.9", timeout=3 * HANGS)
    failure = caught.value
    assert (failure.reason, failure.phase) == (Reason.TCP_REFUSED, Phase.CONNECT)
    for address in ("127.0.0.1", "255.255.255.255", "127.0.0.9"):
        assert address in failure.detail


async def test_a_deadline_that_has_passed_is_a_timeout() -> None:
    with full_accept_queue() as port, pytest.raises(NetFailure) as caught:
        await attempt(port, "127.0.0.1", timeout=-1.0)
    assert caught.value.reason is Reason.TCP_TIMEOUT


async def test_a_protocol_of_streams_may_be_connected() -> None:
    async def echo(conversation: Conversation) -> None:
        await conversation.say(await conversation.hear())

    reader = asyncio.StreamReader()
    async with scripted(echo) as peer:
        transport, _ = await attempt(peer.port, "127.0.0.1", factory=lambda: asyncio.StreamReaderProtocol(reader))
        transport.write(b"\x05\0\0\0\0\x04abcd")
        assert await reader.readexactly(10) == b"\x05\0\0\0\0\x04abcd"
        transport.close()


async def test_a_name_server_that_never_answers_is_dns_at_the_deadline() -> None:
    class Silent:
        async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(NetFailure) as caught:
        await connect(
            asyncio.Protocol,
            Address("peer.example.org", 104),
            resolver=Silent(),
            deadline=time.monotonic() + 0.1,
            trace=Trace(),
        )
    assert (caught.value.reason, caught.value.phase) == (Reason.DNS, Phase.RESOLVE)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, Reason.TCP_REFUSED),
        (errno.ECONNRESET, Reason.TCP_RESET),
        (errno.ETIMEDOUT, Reason.TCP_TIMEOUT),
        (errno.EHOSTUNREACH, Reason.TCP_UNREACHABLE),
        (errno.ENETUNREACH, Reason.TCP_UNREACHABLE),
        (errno.EACCES, Reason.TCP_UNREACHABLE),
        (errno.EMFILE, Reason.PROBE_ERROR),
        (errno.EADDRNOTAVAIL, Reason.PROBE_ERROR),
    ],
)
def test_each_error_of_the_system_has_its_reason(number: int, reason: Reason) -> None:
    assert connect_failure(Address("10.0.0.1", 104), OSError(number, "said the system"), 1.0).reason is reason


def test_what_this_machine_lacks_is_never_the_nodes_fault() -> None:
    outcome = Trace().failure(Reason.PROBE_ERROR, "no descriptors").outcome()
    assert outcome.status is Status.UNKNOWN
