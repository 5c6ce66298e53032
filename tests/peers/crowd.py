"""A thousand DICOM nodes in one process: an SCP on every loopback address, which counts who holds what, and when.

`python -m tests.peers.crowd PORT HOLE_PORT` answers C-ECHO on PORT at any 127.x.y.z; HOLE_PORT accepts nobody, because
its queue is full. When its input closes it prints, as JSON: per address the times of its connections, and the most
associations that it held at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections import defaultdict
from typing import ClassVar

from benchmarks.peer import Peer

ATTEMPTS = 4
"""More than enough to fill a queue of backlog 0."""


class Counting(Peer):
    began_at: ClassVar[dict[str, list[float]]] = defaultdict(list)
    held: ClassVar[dict[str, int]] = defaultdict(int)
    most: ClassVar[dict[str, int]] = defaultdict(int)

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]  # a socket
        super().connection_made(transport)
        self.address: str = transport.get_extra_info("sockname")[0]
        self.began_at[self.address].append(time.monotonic())
        self.held[self.address] += 1
        self.most[self.address] = max(self.most[self.address], self.held[self.address])

    def connection_lost(self, exc: Exception | None) -> None:
        self.held[self.address] -= 1


async def serve(port: int, hole_port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Counting, "0.0.0.0", port, backlog=1024)
    with contextlib.ExitStack() as kept:
        kept.enter_context(socket.create_server(("0.0.0.0", hole_port), backlog=0))
        for _ in range(ATTEMPTS):
            waiting = kept.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", hole_port))
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    print(json.dumps({"began_at": Counting.began_at, "most": Counting.most}))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
