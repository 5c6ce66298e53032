"""A peer that stands before another one and counts: associations open at once, and how each of them ended."""

from __future__ import annotations

import asyncio
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

    def ends(self, how: str) -> None:
        self.open -= 1
        self.endings[how] += 1


@contextmanager
def counting(behind: int, silent_every: int | None = None) -> Iterator[Counted]:
    """Before the port `behind`; where it is silent, no answer is passed on in one of `silent_every` associations."""
    counted, started = Counted(), threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _Passing(counted, silent_every).between((reader, writer), behind)

        async with await asyncio.start_server(passed, "127.0.0.1", 0) as server:
            counted.port = server.sockets[0].getsockname()[1]
            started.set()
            await over.wait()

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
    """One connection."""

    def __init__(self, counted: Counted, silent_every: int | None) -> None:
        self._counted, self._silent_every = counted, silent_every
        self._open = self._silent = False

    async def between(self, asker: tuple[asyncio.StreamReader, asyncio.StreamWriter], behind: int) -> None:
        answerer = await asyncio.open_connection("127.0.0.1", behind)
        with suppress(ConnectionError):
            await asyncio.gather(self._requests(asker[0], answerer[1]), self._answers(answerer[0], asker[1]))
        for _, writer in (asker, answerer):
            writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while pdu := await _heard(reader):
            if pdu[0] == A_ASSOCIATE_RQ:
                for _ in range(5):  # so that what other connections were sent before is read before
                    await asyncio.sleep(0)
                self._open = True
                begun = self._counted.begins()
                self._silent = self._silent_every is not None and begun % self._silent_every == 0
            elif pdu[0] == A_ABORT:
                self._ends("aborted")
            writer.write(pdu)
        self._ends("left open")
        writer.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endings = {A_ASSOCIATE_RJ: "rejected", A_RELEASE_RP: "released", A_ABORT: "aborted by the peer"}
        while pdu := await _heard(reader):
            if not self._silent:
                if pdu[0] in endings:
                    self._ends(endings[pdu[0]])
                writer.write(pdu)
        writer.close()

    def _ends(self, how: str) -> None:
        """The first word counts."""
        if self._open:
            self._open = False
            self._counted.ends(how)


async def _heard(reader: asyncio.StreamReader) -> bytes:
    """The next PDU; b"" at the end."""
    try:
        head = await reader.readexactly(6)
        return head + await reader.readexactly(int.from_bytes(head[2:]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
