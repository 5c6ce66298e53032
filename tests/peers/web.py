"""A web server of the tests: what it answers is a function of method, path and body."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.peers.accepting import accepting

Reply = tuple[int, str, bytes]
"""Status, content type, body."""
Answers = Callable[[str, str, bytes], Reply]


def web_server(answers: Answers, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[int]:
    """One request per connection; answers with the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        length = re.search(r"content-length: (\d+)", head.lower())
        body = await reader.readexactly(int(length[1]) if length else 0)
        status, kind, content = answers(method, path, body)
        sizes = "" if status == 204 else f"Content-Length: {len(content)}\r\nContent-Type: {kind}\r\n"
        writer.write(f"HTTP/1.1 {status} Said\r\n{sizes}Connection: close\r\n\r\n".encode() + content)
        writer.close()
        await writer.wait_closed()

    return accepting(serve, tls=tls)
