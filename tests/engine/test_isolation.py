"""Where the references of a site do not answer: are we cut off, or is the site?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from pacs_monitor.engine.engine import Engine
from pacs_monitor.engine.runner import Runner
from pacs_monitor.model import Address, Blame, Flag, Node, Outcome, Phase, ProbeContext, Reason, Result, Status
from tests.engine.support import OK, REFUSED, NumericResolver, a_check
from tests.peers.scripted import full_accept_queue
from tests.support.clock import SettableClock
from tests.support.timing import until

TIMED_OUT = Outcome.of(Reason.TCP_TIMEOUT, phase=Phase.CONNECT, detail="no answer")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def runner(clock: SettableClock) -> AsyncIterator[Runner]:
    runner = Runner(clock, NumericResolver())
    yield runner
    runner.close()


@pytest.fixture
def ours() -> Iterator[Address]:
    """A reference that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address(*server.getsockname())


@contextlib.contextmanager
def silent() -> Iterator[Address]:
    """A reference that does not answer; it refuses, which is an answer, from the end on."""
    with full_accept_queue() as port:
        yield Address("127.0.0.1", port)


async def ran(runner: Runner, outcome: Outcome = TIMED_OUT, site: str = "west", name: str = "archive/echo") -> Result:
    async def ask(_ctx: ProbeContext) -> Outcome:
        return outcome

    return await runner.run_once(a_check(name, ask, node=Node("archive", host="10.0.0.1", site=site)), {})


async def test_a_site_that_does_not_answer_while_ours_does_is_unreachable_and_its_nodes_fail(
    runner: Runner, ours: Address
) -> None:
    with silent() as west:
        runner.isolation.adopt({"east": (ours,), "west": (west,)}, "east")
        outcome = (await ran(runner)).outcome

    assert (outcome.status, outcome.reason, outcome.flags) == (
        Status.FAIL,
        Reason.TCP_TIMEOUT,
        (Flag.SITE_UNREACHABLE,),
    )
    assert outcome.reason is not None
    assert outcome.reason.blame is Blame.NETWORK
    assert outcome.detail == "no answer"


async def test_when_our_own_references_are_silent_too_we_are_isolated(runner: Runner) -> None:
    with silent() as east, silent() as west:
        runner.isolation.adopt({"east": (east,), "west": (west,)}, "east")
        results = await asyncio.gather(ran(runner), ran(runner, site="east", name="ris/echo"))

    assert [(r.outcome.status, r.outcome.reason, r.outcome.flags) for r in results] == [
        (Status.UNKNOWN, Reason.ISOLATED, ())
    ] * 2
    assert runner.isolation.cut == frozenset()


@pytest.mark.parametrize(("own", "has_references"), [("", True), ("east", False), ("west", True)])
async def test_a_site_is_not_judged_by_ours_if_we_do_not_say_which_or_it_has_no_references_or_is_the_same(
    runner: Runner, ours: Address, own: str, has_references: bool
) -> None:
    with silent() as west:
        runner.isolation.adopt({"east": (ours,) if has_references else (), "west": (west,)}, own)
        outcome = (await ran(runner)).outcome

    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.ISOLATED)


async def test_a_site_with_an_answering_reference_is_not_unreachable_and_neither_is_one_without(
    runner: Runner, ours: Address
) -> None:
    runner.isolation.adopt({"east": (ours,), "west": (ours,), "north": ()}, "east")

    assert (await ran(runner)).outcome == (await ran(runner, site="north")).outcome == TIMED_OUT


async def test_it_is_said_that_a_site_is_cut_off_once_and_that_it_can_be_reached_again(
    runner: Runner, ours: Address, clock: SettableClock
) -> None:
    heard = list[tuple[str, int, bool]]()
    runner.isolation.on_cut = lambda *said: heard.append(said)
    began = clock.now()
    with silent() as west:
        runner.isolation.adopt({"east": (ours,), "west": (west,)}, "east")
        await asyncio.gather(ran(runner), ran(runner, name="ris/echo"))
        assert [(site, cut) for site, _, cut in heard] == [("west", True)]
        assert runner.isolation.cut == {"west"}
        await ran(runner, OK)  # a check there that asks nothing over the link says nothing of it
        assert runner.isolation.cut == {"west"}
    clock.pass_by(6)
    await ran(runner, OK)  # but the references are looked at again
    await until(lambda: not runner.isolation.cut)
    await ran(runner)

    assert [(site, cut) for site, _, cut in heard] == [("west", True), ("west", False)]
    assert began <= heard[0][1] <= heard[1][1] <= clock.now()
    assert heard[1][1] - heard[0][1] >= 6_000_000


async def test_no_result_waits_while_the_references_of_a_site_that_is_cut_off_are_looked_at_again(
    runner: Runner, ours: Address, clock: SettableClock
) -> None:
    with silent() as west:
        runner.isolation.adopt({"east": (ours,), "west": (west,)}, "east")
        await ran(runner)
        clock.pass_by(6)
        for outcome in (OK, REFUSED):
            assert (await ran(runner, outcome)).outcome == outcome
        assert runner.isolation.looking == 1


@pytest.mark.parametrize("without", ["references", "own site"])
async def test_a_reload_that_takes_away_what_tells_it_ends_it(runner: Runner, ours: Address, without: str) -> None:
    heard = list[bool]()
    runner.isolation.on_cut = lambda _site, _since, cut: heard.append(cut)
    with silent() as west:
        references = {"east": (ours,), "west": (west,)}
        runner.isolation.adopt(references, "east")
        await ran(runner)
        runner.isolation.adopt(references, "east")
        assert runner.isolation.cut == {"west"}  # a reload that changes nothing of it
        if without == "references":
            runner.isolation.adopt(references | {"west": ()}, "east")
        else:
            runner.isolation.adopt(references, "")

    assert heard == [True, False]
    assert runner.isolation.cut == frozenset()


async def test_a_reload_with_other_references_looks_at_those_at_once(runner: Runner, ours: Address) -> None:
    with silent() as west:
        runner.isolation.adopt({"west": (west,)}, "")
        assert (await ran(runner)).outcome.reason is Reason.ISOLATED
        runner.isolation.adopt({"west": (ours,)}, "")
        assert (await ran(runner)).outcome == TIMED_OUT


async def test_the_engine_knows_where_we_stand(ours: Address) -> None:
    engine = Engine(SettableClock(), NumericResolver(), lambda _transition: None)
    with silent() as west:
        engine.adopt([], {"east": (ours,), "west": (west,)}, {}, {}, site="east")
        assert Flag.SITE_UNREACHABLE in (await ran(engine.runner)).outcome.flags
    await engine.stop(1)
