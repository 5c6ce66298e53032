"""Seats belong to addresses, whatever names lead to them, and however these move."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import pytest

from pacs_monitor.engine.runner import Runner
from pacs_monitor.model import Address, Check, Flag, Node, Outcome, Phase, ProbeContext, Reason
from pacs_monitor.net import NetFailure, canonical
from tests.engine.support import OK, REFUSED, Asking, a_check
from tests.support.clock import SettableClock
from tests.support.timing import until


class Names:
    """A name server of the test's own, and the memory of what it has answered."""

    def __init__(self, **answers: tuple[str, ...]) -> None:
        self.answers = dict(answers)
        self._known: dict[str, tuple[str, ...]] = {}

    def known(self, host: str) -> tuple[str, ...]:
        return self._known.get(host, ()) if host.isalpha() else (host,)

    async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
        if not host.isalpha():
            return (host,), False
        await asyncio.sleep(0)
        if host not in self.answers:
            raise NetFailure(Reason.DNS, Phase.RESOLVE, "no such name")
        self._known[host] = self.answers[host]
        return self._known[host], False


class Connections:
    """How many are open to each address, and whether there were ever more than one."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.asked: list[tuple[str, ...]] = []

    async def ask(self, ctx: ProbeContext, host: str) -> Outcome:
        try:
            addresses, _ = await ctx.resolver.resolve(host)
        except NetFailure as failure:
            return Outcome.of(failure.reason, detail=failure.detail)
        self.asked.append(addresses)
        for address in addresses:
            await self.connect(canonical(address))
        return OK

    async def connect(self, address: str) -> None:
        self.open[address] += 1
        self.most[address] = max(self.most[address], self.open[address])
        await asyncio.sleep(0.001)
        self.open[address] -= 1


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def runner(names: Names) -> AsyncIterator[Runner]:
    runner = Runner(SettableClock(), names)
    yield runner
    runner.close()


class Ask(Protocol):
    def __call__(self, ctx: ProbeContext, host: str) -> Awaitable[Outcome]: ...


def checks_of(ask: Ask, *hosts: str, limit: int = 1) -> list[Check]:
    return [
        a_check(
            f"n{number}/echo",
            partial(ask, host=host),
            node=Node(f"n{number}", host=host, max_associations=limit),
            timeout=30.0,
        )
        for number, host in enumerate(hosts)
    ]


@pytest.mark.parametrize(
    ("spelling", "host"),
    [
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::FFFF:a00:1", "10.0.0.1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("FE80::1%eth0", "fe80::1%eth0"),
        ("PACS.Example.ORG.", "pacs.example.org"),
        ("", ""),
        ("1.2.3.4 5", "1.2.3.4 5"),
        ("bücher.example", "bücher.example"),
        ("10.0.0.1\0", "10.0.0.1\0"),
    ],
)
def test_one_spelling_for_each_host(spelling: str, host: str) -> None:
    assert canonical(spelling) == canonical(host) == host


async def test_names_of_one_address_share_its_seat_and_the_most_careful_one_counts(
    runner: Runner, names: Names
) -> None:
    names.answers = {"pacs": ("10.0.0.1",), "vna": ("10.0.0.2", "10.0.0.1")}
    seen = Connections()
    bold = checks_of(seen.ask, "10.0.0.1", "pacs", limit=5)
    careful = [replace(check, id=check.id._replace(node="vna")) for check in checks_of(seen.ask, "vna")]
    runner.seats.adopt([*bold, *careful])
    for _ in range(5):
        await asyncio.gather(*(runner.run_once(check, {}) for check in [*bold, *careful]))
    assert {seat.limit for seat in runner.seats.of(bold[0])} == {1}
    assert runner.seats.of(bold[0]) == runner.seats.of(bold[1]) == runner.seats.of(careful[0])[:1]
    assert seen.most["10.0.0.2"] == 1


@pytest.mark.parametrize("seed", range(5))
async def test_names_that_move_all_the_time_never_lead_to_an_address_twice(
    runner: Runner, names: Names, seed: int
) -> None:
    dice, seen = random.Random(seed), Connections()
    everywhere = [f"10.0.0.{n}" for n in range(1, 5)]
    checks = checks_of(seen.ask, *["a", "b", "c", "10.0.0.1", "::ffff:10.0.0.2"] * 2)
    runner.seats.adopt(checks)

    async def move() -> None:
        while True:
            names.answers = {name: tuple(dice.sample(everywhere, dice.randint(1, 3))) for name in dice.sample("abc", 2)}
            await asyncio.sleep(0.001)

    moving = asyncio.create_task(move())
    results = [
        await asyncio.gather(*(runner.run_once(check, {}) for check in dice.sample(checks, 8))) for _ in range(40)
    ]
    moving.cancel()
    assert set(seen.most.values()) == {1}
    assert seen.most.keys() == set(everywhere)
    assert {result.outcome.reason for round_ in results for result in round_} <= {None, Reason.DNS}
    assert all(seat.is_idle for check in checks for seat in runner.seats.of(check))
    assert len(runner.seats) <= len(everywhere) + 3


async def test_a_name_that_has_moved_is_asked_once_where_it_is_now(runner: Runner, names: Names) -> None:
    names.answers, seen = {"pacs": ("10.0.0.1",)}, Connections()
    (check,) = checks_of(seen.ask, "pacs")
    runner.seats.adopt([check])
    await runner.run_once(check, {})
    names.answers["pacs"] = ("10.0.0.2",)
    assert (await runner.run_once(check, {})).outcome is OK
    assert seen.asked == [("10.0.0.1",), ("10.0.0.2",)]


async def test_a_name_that_moves_during_a_run_is_asked_where_it_was(runner: Runner, names: Names) -> None:
    names.answers, answers = {"pacs": ("10.0.0.1",), "vna": ("10.0.0.9",)}, []

    async def twice(ctx: ProbeContext, host: str) -> Outcome:
        answers.append(await ctx.resolver.resolve(host))
        names.answers = {"pacs": ("10.0.0.2",), "vna": ("10.0.0.8",)}
        answers.append(await ctx.resolver.resolve(host))
        answers.append(await ctx.resolver.resolve("vna"))
        return OK

    class Two(Asking):
        def addresses(self, node: Node, _settings: Any) -> tuple[Address, ...]:
            return (Address(node.host, 104), Address("vna", 104))

    (check,) = checks_of(twice, "pacs")
    check = replace(check, probe=Two(check.probe.ask))  # type: ignore[attr-defined]
    runner.seats.adopt([check])
    assert (await runner.run_once(check, {})).outcome is OK
    assert answers == [(("10.0.0.1",), False), (("10.0.0.1",), False), (("10.0.0.9",), True)]


async def test_a_name_that_resolves_only_since_the_run_began_is_not_connected_to(runner: Runner, names: Names) -> None:
    names.answers = {"pacs": ("10.0.0.1",)}

    async def both(ctx: ProbeContext, host: str) -> Outcome:
        await ctx.resolver.resolve(host)
        names.answers["vna"] = ("10.0.0.9",)
        with pytest.raises(NetFailure, match="began to resolve during this run"):
            await ctx.resolver.resolve("vna")
        return OK

    class Two(Asking):
        def addresses(self, node: Node, _settings: Any) -> tuple[Address, ...]:
            return (Address(node.host, 104), Address("vna", 104))

    (check,) = checks_of(both, "pacs")
    check = replace(check, probe=Two(check.probe.ask))  # type: ignore[attr-defined]
    assert (await runner.run_once(check, {})).outcome is OK


async def test_checks_of_one_dead_host_of_two_addresses_inherit_and_those_of_others_do_not(
    runner: Runner, names: Names
) -> None:
    names.answers, asked = {"pacs": ("10.0.0.1", "fd00::1")}, []
    may_end = asyncio.Event()

    async def refused(ctx: ProbeContext, host: str) -> Outcome:
        await ctx.resolver.resolve(host)
        asked.append(host)
        await may_end.wait()
        return REFUSED

    first, second, other = checks_of(refused, "pacs", "pacs", "10.0.0.1")
    runner.seats.adopt([first, second, other])
    await names.resolve("pacs")
    runs = [asyncio.create_task(runner.run_once(check, {})) for check in (first, second, other)]
    await until(lambda: len(runner.seats.of(other)[0].waiting) == 2)
    may_end.set()
    results = await asyncio.gather(*runs)
    assert asked == ["pacs", "10.0.0.1"]
    assert [Flag.INHERITED in result.outcome.flags for result in results] == [False, True, False]


async def test_a_reload_that_removes_two_spellings_of_one_address_goes_through(runner: Runner) -> None:
    seen = Connections()
    gone = checks_of(seen.ask, "10.0.0.1", "::ffff:10.0.0.1", "0x0a000001")
    (stays,) = [replace(check, id=check.id._replace(node="other")) for check in checks_of(seen.ask, "10.0.0.9")]
    runner.seats.adopt([*gone, stays])
    runner.seats.adopt([stays])
    assert len(runner.seats) == 1
    runner.seats.adopt([])
    assert len(runner.seats) == 0


async def test_a_name_that_moves_away_and_back_has_one_seat_for_all_its_checks(runner: Runner, names: Names) -> None:
    seen = Connections()
    first, second = checks_of(seen.ask, "pacs", "pacs")
    runner.seats.adopt([first, second])
    for address, asked in (("10.0.0.1", (first, second)), ("10.0.0.2", (second,)), ("10.0.0.1", (second,))):
        names.answers = {"pacs": (address,)}
        await names.resolve("pacs")
        await asyncio.gather(*(runner.run_once(check, {}) for check in asked))
    await asyncio.gather(runner.run_once(first, {}), runner.run_once(second, {}))
    assert runner.seats.of(first) == runner.seats.of(second)
    assert set(seen.most.values()) == {1}


async def test_a_conversation_holds_the_seats_that_there_are_when_its_turn_has_come(
    runner: Runner, names: Names
) -> None:
    names.answers, place = {"pacs": ("10.0.0.1",)}, Address("pacs", 104)
    blocked, entered, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def holds(ctx: ProbeContext, host: str) -> Outcome:
        blocked.set()
        await may_end.wait()
        return OK

    holding, moved = checks_of(holds, "10.0.0.1", "pacs")
    runner.seats.adopt([holding, moved])
    run = asyncio.create_task(runner.run_once(holding, {}))
    await blocked.wait()

    async def converse() -> None:
        async with runner.seats.at(place):
            entered.set()
            (seat,) = runner.seats.of(moved)
            assert (seat.address.host, seat.free) == ("10.0.0.2", 0)

    conversation = asyncio.create_task(converse())
    (seat,) = runner.seats.of(holding)
    await until(lambda: len(seat.waiting) == 1)
    names.answers = {"pacs": ("10.0.0.2",)}
    await names.resolve("pacs")
    may_end.set()
    await asyncio.gather(run, conversation)
    assert entered.is_set()
    assert all(seat.is_idle for check in (holding, moved) for seat in runner.seats.of(check))
