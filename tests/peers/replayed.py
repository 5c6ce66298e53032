"""A fake HTTP server that replays documented answers, for products that cannot be had here; tests say so.

It tells good answers, and also none, empty, malformed, huge and trickling ones, and refuses wrong accounts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.peers.accepting import accepting

How = Literal["good", "empty", "malformed", "huge", "trickling", "silent"]
BAD: dict[How, bytes] = {"empty": b"", "malformed": b'{"half": [1, 2', "huge": b"[" + b"1," * (10 << 20) + b"1]"}


@dataclass
class Replayed:
    """Path (with query) → its JSON, or bytes as they are, or a status; what is asked else is 404."""

    answers: Mapping[str, Any]
    how: How = "good"
    authorization: str | None = None
    demands: tuple[str, ...] = ()
    """Headers, in lower case, without which the answer is 400."""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.asked.append(path)
        if any(name not in headers for name in self.demands):
            return 400, b""
        if self.authorization and headers.get("authorization") != self.authorization:
            return 401, b""
        found = self.answers.get(path, 404)
        if isinstance(found, int):
            return found, b""
        good = found if isinstance(found, bytes) else json.dumps(found).encode()
        return 200, BAD.get(self.how, good)


@asynccontextmanager
async def replayed(answers: Mapping[str, Any], **fields: Any) -> AsyncIterator[Replayed]:
    peer = Replayed(answers, **fields)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            await reader.readexactly(int(headers.get("content-length", "0")))
            if peer.how == "silent":
                await asyncio.Event().wait()
            status, body = peer.answer(head[0].split()[1], headers)
            writer.write(
                b"HTTP/1.1 %d Whatever\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            )
            if peer.how == "trickling":
                for byte in body:
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(0.1)  # this slowness is what the peer is for
            writer.write(body)
            await writer.drain()
        writer.close()

    async with accepting(serve) as peer.port:
        yield peer
