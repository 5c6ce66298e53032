"""dns, with a real dnsmasq (package dnsmasq-base)."""

from __future__ import annotations

import asyncio
import struct
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dns import TYPES, DnsSettings, _judge, _question
from tests.peers.ports import deaf_port, free_port, program
from tests.probes.support import Arranged, Peers
from tests.probes.test_ntp import answering
from tests.support.probing import ask

DNS = kinds()["dns"]
ZONE = (
    "--host-record=pacs.example.org,10.0.0.20,fd00::20",
    "--cname=archive.example.org,pacs.example.org",
    "--srv-host=_ldap._tcp.example.org,pacs.example.org,389,5,10",
    "--mx-host=example.org,pacs.example.org,50",
    "--txt-record=example.org,one,two",
    "--ptr-record=20.0.0.10.in-addr.arpa,pacs.example.org",
)


def at(port: int, name: str = "pacs.example.org", **more: object) -> Arranged:
    return Node("names", host="127.0.0.1"), DnsSettings(port=port, name=name, **more)


@asynccontextmanager
async def dnsmasq() -> AsyncIterator[int]:
    options = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="]
    listen = ["--listen-address=127.0.0.1", "--bind-interfaces", "--user=root", "--local=/example.org/"]
    command = [program("dnsmasq", "dnsmasq-base"), *options, *listen, *ZONE]
    async with asyncio.timeout(60):
        process = None
        while process is None or process.poll() is not None:
            port = free_port()
            process = subprocess.Popen(
                [*command, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while process.poll() is None and (await ask(DNS, *at(port))).reason is Reason.TCP_REFUSED:
                await asyncio.sleep(0.02)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    async with dnsmasq() as port:
        yield at(port)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    with deaf_port() as port:
        yield at(port)


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    async with dnsmasq() as port:
        yield at(port, slow=1e-9)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    yield Node("names", host="names.invalid"), DnsSettings(name="pacs.example.org")


PEERS = Peers(working, refusing, hanging, warning, blind)


async def test_records_of_every_type_are_read() -> None:
    questions = [
        ("pacs.example.org", "A", "10.0.0.20"),
        ("pacs.example.org.", "AAAA", "FD00:0::20"),
        ("archive.example.org", "CNAME", "pacs.example.org."),
        ("archive.example.org", "A", "10.0.0.20"),
        ("_ldap._tcp.example.org", "SRV", "5 10 389 PACS.example.org"),
        ("example.org", "MX", "50 pacs.example.org"),
        ("example.org", "TXT", "onetwo"),
        ("10.0.0.20", "PTR", "pacs.example.org"),
    ]
    async with dnsmasq() as port:
        for name, kind, record in questions:
            outcome = await ask(DNS, *at(port, name, type=kind, expect=record))
            assert (outcome.status, outcome.detail) == (Status.OK, ""), name
            assert outcome.measurements[0].value == 1


async def test_a_port_where_nothing_listens_is_refused_over_udp() -> None:
    port = free_port()
    outcome = await ask(DNS, *at(port))

    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TCP_REFUSED)
    refused = f"127.0.0.1:{port} refused the datagram"
    assert outcome.detail == f"{refused}: the host is up, but nothing listens on this UDP port"


async def test_the_terminal_shows_where_a_name_leads() -> None:
    async with dnsmasq() as port:
        right, wrong, nothing = [
            await ask(DNS, *at(port, **settings)) for settings in ({}, {"expect": ["10.0.0.21"]}, {"type": "MX"})
        ]
    assert right.terminal == wrong.terminal == (("answer", "10.0.0.20"),)
    assert nothing.terminal == (("answer", "no record"),)


async def test_a_page_tells_where_a_name_leads_by_address_alone() -> None:
    async with dnsmasq() as port:
        address = await ask(DNS, *at(port, expect="10.0.0.21"))
        text = await ask(DNS, *at(port, "example.org", type="TXT", expect="three"))
    assert address.detail == "pacs.example.org resolves to 10.0.0.20, not to 10.0.0.21"
    assert text.detail == "example.org does not resolve to three"


async def test_what_is_wrong_has_its_reason() -> None:
    questions: list[tuple[dict[str, Any], Status, Reason]] = [
        ({"name": "gone.example.org"}, Status.FAIL, Reason.MISSING),
        ({"type": "MX"}, Status.FAIL, Reason.MISSING),
        ({"expect": ["10.0.0.20", "10.0.0.21"]}, Status.FAIL, Reason.BAD_CONTENT),
        ({"name": "elsewhere.example.net"}, Status.FAIL, Reason.QUERY_REFUSED),
        ({"slow": 1e-9}, Status.WARN, Reason.SLOW),
    ]
    async with dnsmasq() as port:
        for settings, status, reason in questions:
            outcome = await ask(DNS, *at(port, **settings))
            assert (outcome.status, outcome.reason) == (status, reason), settings


async def test_a_server_that_cannot_be_found_is_our_blindness() -> None:
    nameless = await ask(DNS, Node("names"), DnsSettings(name="pacs.example.org"))
    unknown = await ask(DNS, Node("names", host="names.invalid"), DnsSettings(name="pacs.example.org"))
    assert (nameless.status, nameless.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert (unknown.status, unknown.reason) == (Status.UNKNOWN, Reason.DNS)


async def said(answer: bytes) -> Outcome:
    async with answering(lambda question: question[:2] + answer) as port:
        return await ask(DNS, *at(port))


@pytest.mark.parametrize(
    "answer",
    [
        b"\x80",
        struct.pack("!5H", 0x8180, 0, 1, 0, 0),
        struct.pack("!5H", 0x8180, 0, 1, 0, 0) + b"\xc0\x0c" + bytes(10),
        struct.pack("!5H", 0x8180, 0, 1, 0, 0) + b"\0" + struct.pack("!HHIH", 1, 1, 0, 400),
        struct.pack("!5H", 0x8180, 0, 1, 0, 0) + b"\0" + struct.pack("!HHIH", 1, 1, 0, 2) + b"xy",
    ],
)
async def test_what_is_no_message_is_bad_content(answer: bytes) -> None:
    assert (await said(answer)).reason is Reason.BAD_CONTENT


@given(st.binary(max_size=80), st.sampled_from(sorted(TYPES)))
def test_whatever_comes_is_records_or_a_failure(data: bytes, kind: str) -> None:
    settings = DnsSettings(name="x.org", type=kind)
    answer = _question(b"id", settings)[:2] + struct.pack("!5H", 0x8180, 0, 2, 0, 0) + data
    with suppress(NetFailure):
        _judge(answer, settings, Trace())


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "ä.org", ".".join(["x" * 60] * 5)])
def test_what_is_no_domain_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a domain name"):
        DnsSettings(name=name)
