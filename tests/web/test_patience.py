"""Whoever keeps a connection without asking for anything loses it; those who ask are served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NamedTuple

import pytest
from fastapi import FastAPI

from pacs_monitor.config import MonitorSettings
from pacs_monitor.web import patience, server
from pacs_monitor.web.server import WebServer

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
    monkeypatch.setattr(patience, "AT_ONCE", SLOTS)
    running = WebServer(FastAPI(), SETTINGS)
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
async def connected(port: int) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield client
    finally:
        client.writer.close()
        with suppress(ConnectionError):
            await client.writer.wait_closed()


@pytest.mark.parametrize("port", [SHORT], indirect=True)
@pytest.mark.parametrize("begun", [b"", b"GET /", ASKING[:-2], ASKING])
async def test_whoever_asks_nothing_or_half_of_it_or_nothing_more_is_left_alone(port, begun):
    async with connected(port) as client:
        client.writer.write(begun)
        assert await client.left_alone()


@pytest.mark.parametrize("port", [SHORT], indirect=True)
@pytest.mark.parametrize(
    "begun", [b"GET / HTTP/1.1\r\nx-a: ", b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 999\r\n\r\n"]
)
async def test_whoever_says_it_byte_by_byte_is_left_alone(port, begun):
    async with connected(port) as client:
        client.writer.write(begun)
        dripping = asyncio.create_task(client.trickle())
        assert await client.left_alone()
        dripping.cancel()


@pytest.mark.parametrize("port", [LONG], indirect=True)
async def test_a_connection_may_ask_again_and_again(port):
    async with connected(port) as client:
        assert [await client.ask() for _ in range(3)] == [OK] * 3


@pytest.mark.parametrize("port", [LONG], indirect=True)
async def test_one_connection_too_many_is_dropped_until_another_leaves(port):
    async def asks_once() -> bytes:
        async with connected(port) as client:
            return await client.ask()

    async with AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(connected(port)) for _ in range(SLOTS)]
        assert [await client.ask() for client in kept] == [OK] * SLOTS
        assert await asks_once() == b""
        kept[0].writer.close()
        async with asyncio.timeout(LONG / 2):
            while await asks_once() != OK:
                await asyncio.sleep(0.01)
