"""TLS towards a peer: each way in which it fails has its own reason."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pacs_monitor.model import Address, Phase, Reason, Tls
from pacs_monitor.net import NetFailure, Resolver, Trace, connect
from tests.peers.certificates import certificate, server_context
from tests.peers.scripted import Conversation, hang, scripted
from tests.support.timing import HANGS, SOON


@asynccontextmanager
async def server(made: Path) -> AsyncIterator[int]:
    """Answers every connection with one byte, in TLS."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"!")
        await reader.read()
        writer.close()

    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # handshakes that fail on purpose
    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context(made))
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def over_tls(port: int, tls: Tls, *, timeout: float = SOON, host: str = "127.0.0.1") -> tuple[bytes, Trace]:
    """The first byte of the peer."""
    reader, trace = asyncio.StreamReader(), Trace()
    transport, _ = await connect(
        lambda: asyncio.StreamReaderProtocol(reader),
        Address(host, port),
        resolver=Resolver(),
        deadline=time.monotonic() + timeout,
        trace=trace,
        tls=tls,
    )
    said = await reader.readexactly(1)
    transport.close()
    await reader.read()
    return said, trace


async def failure_of(port: int, tls: Tls, *, timeout: float = SOON) -> NetFailure:
    with pytest.raises(NetFailure) as caught:
        await over_tls(port, tls, timeout=timeout)
    assert caught.value.phase is Phase.TLS
    return caught.value


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_trusted_certificate_is_fine_and_timed_apart(tmp_path: Path, host: str) -> None:
    made = certificate(tmp_path)
    async with server(made) as port:
        said, trace = await over_tls(port, Tls(ca=str(made)), host=host)
    assert said == b"!"
    assert list(trace.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.TLS]


async def test_a_certificate_of_an_unknown_signer_is_tls_untrusted(tmp_path: Path) -> None:
    async with server(certificate(tmp_path)) as port:
        failure = await failure_of(port, Tls())
    assert failure.reason is Reason.TLS_UNTRUSTED


async def test_an_expired_certificate_is_tls_expired(tmp_path: Path) -> None:
    made = certificate(tmp_path, days=-1)
    async with server(made) as port:
        failure = await failure_of(port, Tls(ca=str(made)))
    assert failure.reason is Reason.TLS_EXPIRED


async def test_a_certificate_for_another_name_is_tls_hostname(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    async with server(made) as port:
        failure = await failure_of(port, Tls(ca=str(made), server_name="pacs.example.org"))
    assert failure.reason is Reason.TLS_HOSTNAME
    assert "pacs.example.org" in failure.detail


async def test_a_peer_that_says_nothing_is_tls_timeout() -> None:
    async with scripted(hang) as peer:
        failure = await failure_of(peer.port, Tls(), timeout=HANGS)
    assert failure.reason is Reason.TLS_TIMEOUT


@pytest.mark.parametrize("answer", [b"\x07\0\0\0\0\x04\0\0\x02\x01", b""], ids=["plain", "closes"])
async def test_a_plain_port_is_tls_not_offered(answer: bytes) -> None:
    async def plain(conversation: Conversation) -> None:
        await conversation.say(answer)
        conversation.close()

    async with scripted(plain) as peer:
        failure = await failure_of(peer.port, Tls())
    assert failure.reason is Reason.TLS_NOT_OFFERED


async def test_a_missing_file_is_not_configured(tmp_path: Path) -> None:
    async with scripted(hang) as peer:
        failure = await failure_of(peer.port, Tls(ca=str(tmp_path / "gone.pem")))
    assert failure.reason is Reason.NOT_CONFIGURED


async def test_a_peer_that_does_not_close_is_left_within_seconds(tmp_path: Path) -> None:
    made, descriptors = certificate(tmp_path), Path("/proc/self/fd")

    def serve(listening: socket.socket) -> socket.socket:
        connection = server_context(made).wrap_socket(listening.accept()[0], server_side=True)
        connection.sendall(b"!")
        return connection  # and close_notify (RFC 8446 6.1) is not answered

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(serve, listening))
        reader = asyncio.StreamReader()
        transport, _ = await connect(
            lambda: asyncio.StreamReaderProtocol(reader),
            Address("127.0.0.1", listening.getsockname()[1]),
            resolver=Resolver(),
            deadline=time.monotonic() + SOON,
            trace=Trace(),
            tls=Tls(ca=str(made)),
        )
        with await serving:
            before = len(list(descriptors.iterdir()))
            transport.close()
            async with asyncio.timeout(SOON):
                while len(list(descriptors.iterdir())) == before:
                    await asyncio.sleep(0.02)
