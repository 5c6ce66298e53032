"""Our accept loop against real sockets: who gets in, who stays, who gives way."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.net import admission, connection_server
from pacs_monitor.net.addresses import block
from pacs_monitor.net.admission import Connection, Limits
from pacs_monitor.net.connection_server import Server, bind
from tests.peers.authority import Authority
from tests.peers.strangers import CLIENT_HELLO
from tests.support.timing import SOON, until

KNOWN = "127.0.0.9"


class Echo(asyncio.Protocol):
    """Says what it hears; whoever says `!` is served from then on."""

    transport: asyncio.Transport

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data == b"!":
            self.connection.served()
        self.transport.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.connection.lost()


class Endless(Echo):
    """Says more than anybody reads."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.connection.served()
        transport.write(bytes(50_000_000))


@asynccontextmanager
async def serving(
    limits: Limits, protocol: Callable[[Connection], asyncio.Protocol] = Echo, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Server, int]]:
    server = Server("test", protocol, limits, known=lambda address: address == KNOWN, tls=tls)
    sockets = bind("127.0.0.1", 0)
    server.start(sockets)
    try:
        yield server, sockets[0].getsockname()[1]
    finally:
        await server.close()
        await server.abort()
        assert not server.connections


class Clients(AsyncExitStack):
    """Connections of the test, closed at its end."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    async def another(self, source: str = "127.0.0.1", says: bytes = b"") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        self.callback(writer.close)
        writer.write(says)
        if says:
            await reader.read(len(says))
        return reader


async def closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(SOON):
        with suppress(ConnectionError):
            return await reader.read() == b""
    return True


async def test_where_there_is_no_room_the_one_that_waits_longest_gives_way() -> None:
    async with serving(Limits(8, 2, 2)) as (server, port), Clients(port) as clients:
        served, silent = await clients.another(says=b"!"), await clients.another(says=b"x")
        await clients.another(says=b"x")
        assert await closed(silent)
        assert not served.at_eof()
        assert +server.refusals == {("test", "gave_way"): 1}


async def test_when_all_are_served_the_new_one_is_reset() -> None:
    async with serving(Limits(8, 2, 2)) as (server, port), Clients(port) as clients:
        served = [await clients.another(says=b"!") for _ in range(2)]
        assert await closed(await clients.another())
        assert not any(one.at_eof() for one in served)
        assert +server.refusals == {("test", "no_room"): 1}


async def test_strangers_take_no_room_of_known_addresses() -> None:
    async with serving(Limits(2, 2, 2)) as (_, port), Clients(port) as clients:
        known = [await clients.another(KNOWN, b"x") for _ in range(2)]
        for number in range(1, 7):
            await clients.another(f"127.0.0.{number}", b"x")
        assert not any(one.at_eof() for one in known)


async def test_of_the_address_that_holds_most_one_gives_way() -> None:
    async with serving(Limits(2, 3, 3)) as (_, port), Clients(port) as clients:
        alone = await clients.another("127.0.0.1", b"x")
        crowd = [await clients.another("127.0.0.2", b"x") for _ in range(2)]
        await clients.another("127.0.0.3", b"x")
        assert await closed(crowd[0])
        assert not alone.at_eof()


async def test_a_handshake_that_does_not_end_is_ended_and_counts_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_server, "HANDSHAKE_WITHIN", 0.5)
    authority = Authority(tmp_path)
    pair = authority.certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    async with serving(Limits(8, 4, 4), tls=context) as (server, port), Clients(port) as clients:
        silent = [await clients.another() for _ in range(10)]
        for reader, writer in [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]:
            clients.callback(writer.close)
            writer.write(CLIENT_HELLO)
            silent.append(reader)
        assert len(server.connections) <= 4
        assert all([await closed(reader) for reader in silent])
        await until(lambda: not server.connections)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=ssl.create_default_context(cafile=authority.ca), server_hostname="localhost"
        )
        clients.callback(writer.close)
        writer.write(b"x")
        assert await reader.read(1) == b"x"
    assert server.refusals["test", "handshake"] >= 1


async def test_who_does_not_read_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_server, "SWEEP", 0.05)
    monkeypatch.setattr(admission, "STALLED_AFTER", 0.5)
    async with serving(Limits(8, 2, 2), Endless) as (server, port), Clients(port) as clients:
        await clients.another()
        await until(lambda: server.refusals["test", "stalled"] == 1)
        assert not server.connections


@pytest.mark.parametrize(
    ("descriptors", "expected"),
    [(20_000, Limits(128, 192, 64)), (1024, Limits(51, 76, 64)), (256, Limits(12, 19, 16)), (16, Limits(4, 4, 4))],
)
def test_a_listener_takes_at_most_its_share_of_the_descriptors(descriptors: int, expected: Limits) -> None:
    assert Limits(128, 192, 64).within(descriptors) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_a_sender_is_told_by_what_it_surely_holds(address: str, expected: str) -> None:
    assert block(address) == expected


async def test_a_connection_that_our_own_fault_meets_is_closed_and_the_next_ones_are_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = 3

    def known(_address: str) -> bool:
        nonlocal faults
        if faults:
            faults -= 1
            raise ValueError("DOE^JOHN")
        return False

    server = Server("test", Echo, Limits(8, 4, 4), known=known)
    sockets = bind("127.0.0.1", 0)
    server.start(sockets)
    async with Clients(sockets[0].getsockname()[1]) as clients:
        for _ in range(3):
            assert await closed(await clients.another())
        assert +server.refusals == {("test", "fault"): 3}
        await clients.another(says=b"x")
    await server.close()
    await server.abort()
    assert "ValueError" in caplog.text
    assert "DOE" not in caplog.text


async def test_one_connection_that_cannot_be_looked_at_ends_no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_server, "SWEEP", 0.05)
    monkeypatch.setattr(admission, "STALLED_AFTER", 0.5)

    class Broken(Connection):
        def stalled(self, now: float) -> bool:
            raise ValueError("DOE^JOHN")

    async with serving(Limits(8, 2, 2), Endless) as (server, port), Clients(port) as clients:
        broken = Broken("127.0.0.7", False, server.connections.discard, server.refused)
        server.connections.add(broken)
        await clients.another()
        await until(lambda: server.refusals["test", "stalled"] == 1)
        assert server.refusals["test", "fault"] >= 1
        assert not server.connections


def test_where_the_system_has_no_limits_of_descriptors_a_number_is_taken() -> None:
    script = (
        "import sys; from pacs_monitor.net.connection_server import descriptors;"
        "from pacs_monitor.process import raise_descriptor_limit as r;"
        "sys.platform = 'win32'; sys.modules['resource'] = None; assert descriptors() == 512; r()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
