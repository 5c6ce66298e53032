"""Bodies that are slow, huge or cut off, over the socket of a real daemon."""

from __future__ import annotations

import asyncio

import pytest

from pacs_monitor.web import body
from pacs_monitor.web.body import LARGEST, READ_AWAY
from tests.support.timing import SOON
from tests.web.conftest import Served

HEAD = b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def answer(served: Served, sent: bytes, *, more: bytes = b"") -> bytes:
    """Whatever comes until the daemon closes the connection, or the answer is there."""
    reader, writer = await asyncio.open_connection(*served.daemon.address)
    try:
        writer.write(sent)
        async with asyncio.timeout(SOON):
            for start in range(0, len(more), LARGEST):
                writer.write(more[start : start + LARGEST])
                await writer.drain()
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()


async def test_a_body_that_does_not_come_ends_in_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODY_WITHIN", 0.3)
    said = await answer(served, HEAD + b"Content-Length: 10\r\n\r\n{")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in said.lower()


@pytest.mark.parametrize("size", [LARGEST + 1, READ_AWAY])
async def test_a_large_body_is_read_away_so_that_the_answer_arrives(served: Served, size: int) -> None:
    said = await answer(served, HEAD + b"Content-Length: %d\r\n\r\n" % size, more=b" " * size)
    assert said.startswith(b"HTTP/1.1 413 ")


async def test_a_huge_body_is_refused_by_its_length_alone(served: Served) -> None:
    said = await answer(served, HEAD + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 413 ")


async def test_a_body_in_chunks_counts_as_any_other(served: Served) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    said = await answer(served, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", more=chunk * 2 + b"0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 413 ")
    fine = await answer(served, HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert fine.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "header", [b"Content-Length: -1\r\n", b"Content-Length: 1\r\nContent-Length: 2\r\n", b"X : a\r\n", b"X: a\rb\r\n"]
)
async def test_headers_that_make_no_sense_are_refused(served: Served, header: bytes) -> None:
    assert (await answer(served, HEAD + header + b"\r\n{}")).startswith(b"HTTP/1.1 400 ")


async def test_a_peer_that_leaves_in_the_middle_changes_nothing(served: Served) -> None:
    _, writer = await asyncio.open_connection(*served.daemon.address)
    writer.write(HEAD + b"Content-Length: 10\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()
    assert (await served.client.get("/api/v1/audit")).json() == []
    assert (await served.client.post("/api/v1/reload", json={})).status_code == 200
