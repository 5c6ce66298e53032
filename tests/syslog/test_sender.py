"""What a real rsyslog understands of our messages, and what becomes of them when it is away."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pacs_monitor.model import SECOND, Address, Tls
from pacs_monitor.net import Resolver
from pacs_monitor.syslog import Receiver, Sender, Severity, message
from pacs_monitor.syslog.sender import FIRST_PAUSE, QUEUE
from tests.peers.authority import Authority
from tests.peers.ports import free_port
from tests.peers.rsyslog import Rsyslog
from tests.peers.tls import context_of
from tests.support.timing import SOON, until

AT = 1_800_000_000 * SECOND + 250_000
NASTY = 'say "hi" [now] \\ J\u00fcrgen\u2028\r\n<13>1 - evil'


@asynccontextmanager
async def sending(receiver: Receiver | None) -> AsyncIterator[Sender]:
    sender = Sender(Resolver())
    sender.adopt(receiver)
    task = asyncio.ensure_future(sender.keep())
    try:
        yield sender
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def receiver(port: int, tls: Tls | None = None, *, udp: bool = False) -> Receiver:
    return Receiver(Address("localhost", port), tls, udp)


@pytest.mark.parametrize("by", ["tls", "tcp", "udp"])
async def test_a_real_receiver_understands_every_part(tmp_path: Path, by: str) -> None:
    authority = Authority(tmp_path) if by == "tls" else None
    with Rsyslog(tmp_path, authority) as rsyslog:
        tls = Tls(authority.ca) if authority else None
        async with sending(receiver(rsyslog.port, tls, udp=by == "udp")) as sender:
            for n in range(50):
                sender.send(message(Severity.WARNING, AT, "audit", {"by": NASTY, "n": str(n)}, f"{n}: {NASTY}"))
            await until(lambda: len(rsyslog.received()) == 50)
            await sender.stop(SOON)
        found = rsyslog.received()

    assert sender.lost == 0
    assert [re.findall(r' n="(\d+)"', row["data"]) for row in found] == [[str(n)] for n in range(50)]
    first = found[0]
    assert (first["priority"], first["facility"], first["severity"], first["version"]) == (
        "108",
        "audit",
        "warning",
        "1",
    )
    assert (first["app"], first["kind"], first["host"]) == ("pacs-monitor", "audit", socket.gethostname())
    assert first["time"] == "2027-01-15T08:00:00.250000Z"
    escaped = r"say \"hi\" [now\] \\ J" + "\u00fcrgen???<13>1 - evil"
    assert first["data"] == f'[pacsMonitor@32473 by="{escaped}" n="0"]'
    assert first["text"].lstrip("\ufeff") == '0: say "hi" [now] \\ J\u00fcrgen???<13>1 - evil'


async def test_what_waits_while_the_receiver_is_away_comes_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    async with sending(receiver(port)) as sender:
        for n in range(QUEUE + 7):
            sender.send(message(Severity.NOTICE, AT, "audit", {"n": str(n)}, "x"))
        await until(lambda: sender.lost == 7)
        with Rsyslog(tmp_path, port=port) as rsyslog:
            await until(lambda: len(rsyslog.received()) == QUEUE)
            numbers = [int(re.findall(r' n="(\d+)"', row["data"])[0]) for row in rsyslog.received()]
        assert numbers == list(range(7, QUEUE + 7))
        with Rsyslog(tmp_path, port=port) as rsyslog:
            sender.send(message(Severity.NOTICE, AT, "audit", {"n": "again"}, "x"))
            await until(lambda: len(rsyslog.received()) == QUEUE + 1)
    assert sender.lost == 7


class Listener:
    """Counts connections, and says nothing; `closes` ends each at once, or it reads only with `tls`."""

    def __init__(self, *, closes: bool, tls: ssl.SSLContext | None = None) -> None:
        self.connections, self.port, self.heard = 0, 0, b""
        self._closes, self._tls = closes, tls
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Listener:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        if self._closes:
            writer.close()
        elif self._tls:
            self.heard += await reader.read()


async def test_a_receiver_that_closes_at_once_is_asked_again_after_a_pause() -> None:
    async with Listener(closes=True) as peer, sending(receiver(peer.port)) as sender:
        for _ in range(QUEUE):
            sender.send(b"x" * 2000)
        await until(lambda: peer.connections == 1)
        began = time.monotonic()
        await until(lambda: peer.connections == 2)
        assert time.monotonic() - began > FIRST_PAUSE / 2


async def test_a_receiver_that_reads_nothing_holds_nobody_up_and_loses_the_oldest() -> None:
    async with Listener(closes=False) as peer, sending(receiver(peer.port)) as sender:
        for _ in range(20 * QUEUE):
            sender.send(b"x" * 2000)
        await until(lambda: peer.connections == 1)
        async with asyncio.timeout(SOON):
            await sender.stop(0.2)
    assert sender.lost > 18 * QUEUE


async def test_a_receiver_whose_certificate_is_not_trusted_gets_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir()
    ours, theirs = Authority(tmp_path), Authority(tmp_path / "other")
    context = context_of(theirs.certificate())
    async with Listener(closes=False, tls=context) as peer, sending(receiver(peer.port, Tls(ours.ca))) as sender:
        sender.send(b"secret")
        await until(lambda: "is not signed by a CA trusted here" in caplog.text)
        await sender.stop(0.2)
        assert peer.heard == b""
    assert sender.lost == 1


async def test_another_receiver_gets_what_still_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Rsyslog(tmp_path) as rsyslog:
        async with sending(receiver(free_port())) as sender:
            sender.send(message(Severity.NOTICE, AT, "audit", {}, "one"))
            await until(lambda: "cannot be reached" in caplog.text)
            sender.adopt(receiver(rsyslog.port))
            await until(lambda: len(rsyslog.received()) == 1 and not sender._queue)  # it hears late
            sender.adopt(None)
            sender.send(message(Severity.NOTICE, AT, "audit", {}, "nowhere"))
            await sender.stop(SOON)
    assert sender.lost == 0
