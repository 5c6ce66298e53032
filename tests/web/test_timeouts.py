"""Whoever keeps a connection without asking for anything loses it; those who ask are served."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from typing import NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from pacs_monitor.config import MonitorSettings
from pacs_monitor.net import admission, connection_server
from pacs_monitor.net.admission import Limits
from pacs_monitor.web import server
from pacs_monitor.web.server import WebServer
from tests.attacks import Attacked

ASKING = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
SETTINGS = MonitorSettings.model_validate(
    {"name": "east", "database": "sqlite:////nowhere.db", "listen": "127.0.0.1:0"}
)
SHORT, LONG, SLOTS = 1, 60, 4


@pytest.fixture
async def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Where a server waits for a request for so many seconds, on so few connections."""
    monkeypatch.setattr(server, "REQUEST_WITHIN", request.param)
    monkeypatch.setattr(server, "LIMITS", Limits(known=2 * SLOTS, strangers=SLOTS, per_address=SLOTS))
    app = FastAPI()
    app.get("/large")(lambda: PlainTextResponse("x" * 1_000_000))
    running = WebServer(app, SETTINGS)
    running.start()
    yield running.address[1]
    await running.stop()


class Client(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self) -> bytes:
        """The status line of the answer; b"" when the connection is dropped."""
        try:
            self.writer.write(ASKING)
            status, head = await self.reader.readline(), await self.reader.readuntil(b"\r\n\r\n")
            (length,) = (line for line in head.splitlines() if line.startswith(b"content-length:"))
            await self.reader.readexactly(int(length.partition(b":")[2]))
        except (ConnectionError, asyncio.IncompleteReadError):
            return b""
        return status

    async def left_alone(self) -> bool:
        """Whether the server closes the connection."""
        async with asyncio.timeout(LONG / 2):
            with suppress(ConnectionError):
                await self.reader.read()
        return True

    async def trickle(self) -> None:
        with suppress(ConnectionError):
            while True:
                self.writer.write(b"x")
                await self.writer.drain()
                await asyncio.sleep(0.1)


@asynccontextmanager
async def connected(port: int, source: str = "127.0.0.1") -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
    try:
        yield client
    finally:
        client.writer.close()
        with suppress(ConnectionError):
            await client.writer.wait_closed()


@pytest.mark.parametrize("port", [SHORT], indirect=True)
@pytest.mark.parametrize("begun", [b"", b"GET /", ASKING[:-2], ASKING])
async def test_whoever_asks_nothing_or_half_of_it_or_nothing_more_is_left_alone(port: int, begun: bytes) -> None:
    async with connected(port) as client:
        client.writer.write(begun)
        assert await client.left_alone()


@pytest.mark.parametrize("port", [SHORT], indirect=True)
@pytest.mark.parametrize(
    "begun", [b"GET / HTTP/1.1\r\nx-a: ", b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 999\r\n\r\n"]
)
async def test_whoever_says_it_byte_by_byte_is_left_alone(port: int, begun: bytes) -> None:
    async with connected(port) as client:
        client.writer.write(begun)
        dripping = asyncio.create_task(client.trickle())
        assert await client.left_alone()
        dripping.cancel()


@pytest.mark.parametrize("port", [LONG], indirect=True)
async def test_a_connection_may_ask_again_and_again(port: int) -> None:
    async with connected(port) as client:
        assert [await client.ask() for _ in range(3)] == [OK] * 3


@pytest.mark.parametrize("port", [LONG], indirect=True)
async def test_one_connection_too_many_takes_the_place_of_the_one_that_has_asked_for_nothing_longest(port: int) -> None:
    async with AsyncExitStack() as stack:
        first, *others = [await stack.enter_async_context(connected(port)) for _ in range(SLOTS)]
        assert [await client.ask() for client in (first, *others)] == [OK] * SLOTS
        one_more = await stack.enter_async_context(connected(port))
        assert await one_more.ask() == OK
        assert await first.left_alone()
        assert [await client.ask() for client in (*others, one_more)] == [OK] * SLOTS


@pytest.mark.parametrize("port", [LONG], indirect=True)
async def test_whoever_reads_no_answers_closes_the_server_to_nobody_and_is_sent_away(
    port: int, monkeypatch: pytest.MonkeyPatch, attack: Attacked
) -> None:
    monkeypatch.setattr(admission, "STALLED_AFTER", 0.5)
    monkeypatch.setattr(connection_server, "SWEEP", 0.1)
    with ExitStack() as stack:
        crowd = [stack.enter_context(deaf(port)) for _ in range(SLOTS)]
        async with connected(port, "127.0.0.2") as other:
            assert await other.ask() == OK
        async with asyncio.timeout(LONG / 2):
            while not all(map(reset, crowd)):
                await asyncio.sleep(0.05)
    attack("not-reading", "other addresses are served at once; whoever reads nothing for 5 s is reset")


@pytest.mark.parametrize("port", [LONG], indirect=True)
async def test_junk_is_counted_and_writes_two_lines(port: int, caplog: pytest.LogCaptureFixture) -> None:
    for junk in [b"\0\1\2 junk\r\n\r\n", b"GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"] * 50:
        async with connected(port) as client:
            client.writer.write(junk)
            client.writer.write_eof()
            assert await client.left_alone()
    assert len(caplog.messages) <= 2, caplog.messages  # uvicorn writes one of its own
    assert "the HTTP listener refused 127.0.0.1: it did not send an HTTP request" in caplog.messages


@contextmanager
def deaf(port: int) -> Iterator[socket.socket]:
    """Asks again and again, and reads no answer."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        with suppress(BlockingIOError):
            client.sendall(ASKING.replace(b"openapi.json", b"large") * 1000)
        yield client


def reset(client: socket.socket) -> bool:
    poll = select.poll()
    poll.register(client, 0)
    return bool(poll.poll(0))
