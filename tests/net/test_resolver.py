from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pacs_monitor.model import Phase, Reason
from pacs_monitor.net import NetFailure, Resolver, resolver
from pacs_monitor.net.resolver import _Record
from tests.support.timing import SOON, until


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
    asker = Resolver()
    names.go.clear()
    waiting = [asyncio.ensure_future(asker.resolve("pacs")) for _ in range(50)]
    await asyncio.sleep(0)
    names.go.set()
    assert set(await asyncio.gather(*waiting)) == {(("10.0.0.4",), False)}
    assert names.asked == ["pacs"]


async def test_many_names_use_a_bounded_number_of_threads_and_keep_few(names: NameServer) -> None:
    asker = Resolver()
    names.go.clear()
    waiting = [asyncio.ensure_future(asker.resolve(f"pacs{n}")) for n in range(3 * resolver.MOST)]
    await until(lambda: len(names.asked) == resolver.MOST - resolver.KEPT[_Record.NEW])
    assert asker.threads == asker.in_progress == len(names.asked)
    names.go.set()
    await asyncio.gather(*waiting)
    assert len(names.asked) == 3 * resolver.MOST
    assert asker.threads == resolver.IDLE_THREADS


async def test_names_that_hang_leave_room_for_new_ones_and_for_those_that_were_answered(names: NameServer) -> None:
    asker = Resolver(quick=SOON)
    hanging = [f"hangs{n}" for n in range(2 * resolver.MOST)]
    await asker.resolve("pacs")
    names.fails = True
    await asyncio.gather(*(asker.resolve(name) for name in hanging), return_exceptions=True)
    names.fails = False
    names.go.clear()
    waiting = [asyncio.ensure_future(asker.resolve(name)) for name in hanging]
    await asyncio.sleep(0)
    assert asker.in_progress == resolver.MOST - resolver.KEPT[_Record.FAILED]
    waiting += [asyncio.ensure_future(asker.resolve(f"new{n}")) for n in range(2 * resolver.MOST)]
    await asyncio.sleep(0)
    assert asker.in_progress == resolver.MOST - resolver.KEPT[_Record.NEW]
    waiting += [asyncio.ensure_future(asker.resolve("pacs"))]
    await asyncio.sleep(0)
    assert asker.in_progress == resolver.MOST - resolver.KEPT[_Record.NEW] + 1
    names.go.set()
    await asyncio.gather(*waiting)


async def test_a_name_that_hung_rests_and_is_answered_at_once_meanwhile(names: NameServer) -> None:
    asker = Resolver(quick=0.0, rest=1e9)
    await asker.resolve("pacs")
    names.fails = True
    assert (await asker.resolve("pacs"))[1]
    with pytest.raises(NetFailure):
        await asker.resolve("other")
    assert await asker.resolve("pacs") == (("10.0.0.4",), True)
    with pytest.raises(NetFailure, match=r"next lookup in (30|2\d)"):
        await asker.resolve("other")
    assert names.asked == ["pacs", "pacs", "other"]


async def test_whoever_comes_while_a_lookup_hangs_does_not_wait_for_all_of_the_patience_again(
    names: NameServer,
) -> None:
    asker = Resolver(thresholds=0.5)
    await asker.resolve("pacs")
    names.go.clear()
    assert (await asker.resolve("pacs"))[1]
    async with asyncio.timeout(SOON):
        assert all([(await asker.resolve("pacs"))[1] for _ in range(100)])


async def test_a_name_that_no_longer_resolves_is_remembered(names: NameServer) -> None:
    asker = Resolver(quick=SOON)
    await asker.resolve("pacs")
    names.fails = True
    assert await asker.resolve("pacs") == (("10.0.0.4",), True)
    names.fails = False
    assert await asker.resolve("pacs") == (("10.0.0.4",), False)


async def test_a_name_server_that_hangs_costs_no_more_than_patience(names: NameServer) -> None:
    asker = Resolver(thresholds=0.5)
    await asker.resolve("pacs")
    names.go.clear()
    assert await asker.resolve("pacs") == (("10.0.0.4",), True)


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
    asker = Resolver()
    names.go.clear()
    first, second = (asyncio.ensure_future(asker.resolve("pacs")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    names.go.set()
    assert await second == (("10.0.0.4",), False)
