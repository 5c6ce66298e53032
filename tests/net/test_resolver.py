from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pacs_monitor.model import Phase, Reason
from pacs_monitor.net import NetFailure, Resolver


class NameServer:
    """Stands where the system's resolver does: counts, answers, fails or hangs."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        self.go = threading.Event()
        self.go.set()

    def getaddrinfo(self, host: str, *_args: Any, **_more: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        self.go.wait(10)
        if self.fails:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"10.0.0.{len(host)}", 0))] * 2


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.go.set()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo", "10.0.0.1"])
async def test_a_numeric_host_is_not_looked_up(host: str, names: NameServer) -> None:
    assert await Resolver().resolve(host) == ((host,), False)
    assert names.asked == []


async def test_a_name_gives_each_address_once(names: NameServer) -> None:
    assert await Resolver().resolve("pacs") == (("10.0.0.4",), False)


async def test_one_lookup_per_name_is_in_flight(names: NameServer) -> None:
    resolver = Resolver()
    names.go.clear()
    waiting = [asyncio.ensure_future(resolver.resolve("pacs")) for _ in range(50)]
    await asyncio.sleep(0)
    names.go.set()
    assert set(await asyncio.gather(*waiting)) == {(("10.0.0.4",), False)}
    assert names.asked == ["pacs"]


async def test_many_names_use_a_bounded_number_of_threads(names: NameServer) -> None:
    resolver = Resolver(threads=3)
    before = threading.active_count()
    await asyncio.gather(*(resolver.resolve(f"pacs{n}") for n in range(40)))
    assert len(names.asked) == 40
    assert threading.active_count() <= before + 3


async def test_a_name_that_no_longer_resolves_is_remembered(names: NameServer) -> None:
    resolver = Resolver()
    await resolver.resolve("pacs")
    names.fails = True
    assert await resolver.resolve("pacs") == (("10.0.0.4",), True)
    names.fails = False
    assert await resolver.resolve("pacs") == (("10.0.0.4",), False)


async def test_a_name_server_that_hangs_costs_no_more_than_patience(names: NameServer) -> None:
    resolver = Resolver(patience=0.5)
    await resolver.resolve("pacs")
    names.go.clear()
    assert await resolver.resolve("pacs") == (("10.0.0.4",), True)


async def test_a_name_without_memory_is_dns(names: NameServer) -> None:
    names.fails = True
    with pytest.raises(NetFailure) as caught:
        await Resolver().resolve("pacs")
    assert (caught.value.reason, caught.value.phase) == (Reason.DNS, Phase.RESOLVE)


@pytest.mark.parametrize("name", ["a" * 70 + ".example.org", "no\0name", "two..dots", "", "no-such-host.invalid"])
async def test_a_name_that_cannot_be_one_is_dns(name: str) -> None:
    with pytest.raises(NetFailure) as caught:
        await Resolver().resolve(name)
    assert caught.value.reason is Reason.DNS


async def test_a_cancelled_run_does_not_disturb_the_others(names: NameServer) -> None:
    resolver = Resolver()
    names.go.clear()
    first, second = (asyncio.ensure_future(resolver.resolve("pacs")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    names.go.set()
    assert await second == (("10.0.0.4",), False)
