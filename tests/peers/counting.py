"""A peer that stands before another one and counts: associations open at once, and how each of them ended."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

A_ASSOCIATE_RQ, A_ASSOCIATE_RJ, A_RELEASE_RP, A_ABORT = 1, 3, 6, 7
"""PDU types (PS3.8 9.3)."""


class Counted:
    """What it saw of the associations that were asked for on its port."""

    def __init__(self) -> None:
        self.port = 0
        self.begun = 0
        self.open = 0
        self.most_at_once = 0
        self.endings: Counter[str] = Counter()

    def begins(self) -> int:
        self.begun += 1
        self.open += 1
        self.most_at_once = max(self.most_at_once, self.open)
        return self.begun

    def all_over(self) -> bool:
        return self.open == 0

    def ends(self, how: str) -> None:
        self.open -= 1
        self.endings[how] += 1


@contextmanager
def counting(behind: int, silent_every: int | None = None, host: str = "127.0.0.1") -> Iterator[Counted]:
    """Before the port `behind`; where it is silent, no answer is passed on in one of `silent_every` associations."""
    counted, started = Counted(), threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        passing = _Passing(counted, silent_every, behind)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, 0), family=family, backlog=100) as listening:
            listening.setblocking(False)
            counted.port = listening.getsockname()[1]
            started.set()
            accepting = asyncio.create_task(passing.accept(listening))
            await over.wait()
            accepting.cancel()
            await passing.end()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield counted
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


class _Passing:
    """Hands on between whoever connects and the port `behind`, by bare sockets: what a peer said before it went away is
    read there to its end, also when an answer to it fails meanwhile.
    """

    def __init__(self, counted: Counted, silent_every: int | None, behind: int) -> None:
        self._counted, self._silent_every, self._behind = counted, silent_every, behind
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, listening: socket.socket) -> None:
        while True:
            asker, _ = await asyncio.get_running_loop().sock_accept(listening)
            self._tasks.add(asyncio.create_task(self._between(asker)))

    async def end(self) -> None:
        """Nothing goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _between(self, asker: socket.socket) -> None:
        with asker, socket.socket() as answerer:
            answerer.setblocking(False)
            await asyncio.get_running_loop().sock_connect(answerer, ("127.0.0.1", self._behind))
            one = _One(self._counted, self._silent_every)
            await asyncio.gather(one.requests(asker, answerer), one.answers(answerer, asker))


class _One:
    """One connection."""

    def __init__(self, counted: Counted, silent_every: int | None) -> None:
        self._counted, self._silent_every = counted, silent_every
        self._open = self._silent = False

    async def requests(self, asker: socket.socket, answerer: socket.socket) -> None:
        while pdu := await _heard(asker):
            if pdu[0] == A_ASSOCIATE_RQ:
                for _ in range(5):  # so that what other connections were sent before is read before
                    await asyncio.sleep(0)
                self._open = True
                begun = self._counted.begins()
                self._silent = self._silent_every is not None and begun % self._silent_every == 0
            elif pdu[0] == A_ABORT:
                self._ends("aborted")
            await _say(answerer, pdu)
        self._ends("left open")
        _no_more(answerer)

    async def answers(self, answerer: socket.socket, asker: socket.socket) -> None:
        endings = {A_ASSOCIATE_RJ: "rejected", A_RELEASE_RP: "released", A_ABORT: "aborted by the peer"}
        while pdu := await _heard(answerer):
            if not self._silent:
                if pdu[0] in endings:
                    self._ends(endings[pdu[0]])
                await _say(asker, pdu)
        _no_more(asker)

    def _ends(self, how: str) -> None:
        """The first word counts."""
        if self._open:
            self._open = False
            self._counted.ends(how)


async def _heard(sock: socket.socket) -> bytes:
    """The next PDU; b"" at the end."""
    head = await _exactly(sock, 6)
    body = await _exactly(sock, int.from_bytes(head[2:])) if head else b""
    return head + body


async def _exactly(sock: socket.socket, count: int) -> bytes:
    """So many bytes; b"" when they do not come any more."""
    data = b""
    with suppress(OSError):
        while len(data) < count:
            piece = await asyncio.get_running_loop().sock_recv(sock, count - len(data))
            if not piece:
                return b""
            data += piece
        return data
    return b""


async def _say(sock: socket.socket, pdu: bytes) -> None:
    with suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(sock, pdu)


def _no_more(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
