from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.fields import TlsSettings
from pacs_monitor.model import Address, Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.tls_certificate import TlsCertificateSettings
from tests.peers.authority import Authority
from tests.peers.ports import free_port
from tests.peers.scripted import Conversation, hang, scripted
from tests.peers.tls import context_of, tls_server
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

CERTIFICATE = kinds()["tls_certificate"]
DAY = 86400.0


def at(port: int, authority: Authority | None = None, **more: object) -> tuple[Node, Any]:
    tls = TlsSettings(ca=authority.ca) if authority else TlsSettings()
    return Node("viewer", host="127.0.0.1"), TlsCertificateSettings(port=port, tls=tls, **more)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    authority = Authority(folder)
    with tls_server(context_of(authority.certificate(days=90))) as port:
        yield at(port, authority)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield at(peer.port)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    authority = Authority(folder)
    with tls_server(context_of(authority.certificate(days=20))) as port:
        yield at(port, authority)


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with tls_server(context_of(Authority(folder).certificate(days=90))) as port:
        yield at(port)


PEERS = Peers(working, refusing, hanging, warning, blind)


async def seen(folder: Path, days: int, *names: str, trust: bool = True, **settings: Any) -> Outcome:
    authority = Authority(folder)
    pair = authority.certificate(*names, days=days)
    with tls_server(context_of(pair)) as port:
        outcome = await ask(CERTIFICATE, *at(port, authority if trust else None, **settings))
        await asyncio.sleep(0)
    assert [m.value for m in outcome.measurements] == [pair.expiry]
    return outcome


@pytest.mark.parametrize(
    ("days", "settings", "status", "reason"),
    [
        (90, {}, Status.OK, None),
        (20, {}, Status.WARN, Reason.CERTIFICATE_EXPIRING),
        (1, {}, Status.WARN, Reason.CERTIFICATE_EXPIRING),
        (3, {"fail": 7 * DAY}, Status.FAIL, Reason.CERTIFICATE_EXPIRING),
        (-1, {}, Status.FAIL, Reason.TLS_EXPIRED),
    ],
)
async def test_a_certificate_is_told_of_before_it_ends_and_fails_when_it_has(
    tmp_path: Path, days: int, settings: dict[str, Any], status: Status, reason: Reason | None
) -> None:
    outcome = await seen(tmp_path, days, **settings)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert reason is None or outcome.phase is Phase.TLS


async def test_one_that_is_not_trusted_here_is_our_fault(tmp_path: Path) -> None:
    outcome = await seen(tmp_path, 90, trust=False)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.TLS_UNTRUSTED)


async def test_one_for_another_name_is_the_nodes_fault(tmp_path: Path) -> None:
    outcome = await seen(tmp_path, 90, "other.example.org")
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TLS_HOSTNAME)


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [(90, Status.OK, None), (3, Status.WARN, Reason.CERTIFICATE_EXPIRING), (-1, Status.FAIL, Reason.TLS_EXPIRED)],
)
async def test_where_trust_does_not_matter_the_date_does(
    tmp_path: Path, days: int, status: Status, reason: Reason | None
) -> None:
    outcome = await seen(tmp_path, days, trust=False, trusted=False)
    assert (outcome.status, outcome.reason) == (status, reason)


async def test_a_port_without_tls_is_told() -> None:
    async def plain(conversation: Conversation) -> None:
        await conversation.say(b"SSH-2.0-OpenSSH\r\n")

    async with scripted(plain) as peer:
        outcome = await ask(CERTIFICATE, *at(peer.port, trusted=False))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TLS_NOT_OFFERED)


def test_it_takes_the_seat_of_its_address() -> None:
    node, settings = at(2762)
    assert CERTIFICATE.addresses(node, settings) == (Address("127.0.0.1", 2762),)


def test_a_failure_before_any_warning_is_refused() -> None:
    with pytest.raises(ValueError, match="no warning"):
        TlsCertificateSettings(warn=DAY, fail=2 * DAY)
