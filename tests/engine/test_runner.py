import asyncio
import contextlib
import logging
import math
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pacs_monitor.engine.runner import Runner
from pacs_monitor.model import Address, Change, Flag, Measurement, Node, Outcome, Phase, ProbeContext, Reason, Status
from tests.engine.support import OK, REFUSED, Asking, NumericResolver, a_check, fine
from tests.support.clock import SettableClock
from tests.support.timing import Stopwatch, until


@contextlib.contextmanager
def full_accept_queue() -> Iterator[Address]:
    """An address that answers no connection attempt: its backlog is full and nobody accepts."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield Address(*listener.getsockname())


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner(SettableClock(), NumericResolver())
    yield runner
    runner.close()


async def test_a_probe_that_raises_is_our_own_fault_and_its_words_are_told_nowhere(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_ctx: ProbeContext) -> Outcome:
        raise ValueError("DOE^JOHN")

    with caplog.at_level(logging.DEBUG):
        result = await runner.run_once(a_check(ask=broken), {})

    assert (result.outcome.status, result.outcome.reason) == (Status.UNKNOWN, Reason.PROBE_ERROR)
    assert "ValueError" in result.outcome.detail
    assert "DOE" not in result.outcome.detail + caplog.text


async def test_a_run_that_no_thread_was_free_for_is_our_own_fault_and_not_the_nodes() -> None:
    runner = Runner(SettableClock(), NumericResolver(), blocking_threads=1)
    begun, done = threading.Event(), threading.Event()

    async def waits(ctx: ProbeContext) -> Outcome:
        return await ctx.blocking(lambda: OK)

    def hold() -> None:
        begun.set()
        done.wait()

    async def holds(ctx: ProbeContext) -> Outcome:
        await ctx.blocking(hold)
        return OK

    other = Node("other", host="127.0.0.2")
    holding = asyncio.ensure_future(runner.run_once(a_check("other/echo", holds, node=other, timeout=60.0), {}))
    await until(begun.is_set)
    starved = (await runner.run_once(a_check(ask=waits, timeout=0.1), {})).outcome
    done.set()
    await holding
    runner.close()

    assert (starved.status, starved.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400], ids=["nan", "inf", "-inf", "huge"])
async def test_a_measurement_that_is_no_number_is_dropped_and_the_others_stay(runner: Runner, value: float) -> None:
    good = Measurement("queue_length", 3.0, (("queue", "good"),))

    async def measures(_ctx: ProbeContext) -> Outcome:
        return Outcome(Status.OK, measurements=(Measurement("queue_length", value, (("queue", "bad"),)), good))

    result = await runner.run_once(a_check(ask=measures), {})

    assert result.outcome == Outcome(Status.OK, measurements=(good,))


async def test_a_probe_that_raises_a_timeout_of_its_own_is_not_taken_for_the_backstop(runner: Runner) -> None:
    async def broken(_ctx: ProbeContext) -> Outcome:
        raise TimeoutError

    result = await runner.run_once(a_check(ask=broken), {})

    assert result.outcome.reason is Reason.PROBE_ERROR
    assert runner.overdue == 0


async def test_a_probe_that_overruns_its_deadline_is_ended_and_counted(runner: Runner) -> None:
    async def hangs(_ctx: ProbeContext) -> Outcome:
        await asyncio.Event().wait()
        return OK

    with Stopwatch() as watch:
        result = await runner.run_once(a_check(ask=hangs, timeout=0.05), {})

    assert (result.outcome.reason, result.outcome.flags) == (Reason.TIMEOUT, (Flag.BACKSTOP,))
    assert runner.overdue == 1
    assert result.duration > 1.0
    assert watch.seconds < 2.0


async def test_the_deadline_starts_when_the_seat_is_taken(runner: Runner) -> None:
    deadlines, ends = [], []

    async def slow(ctx: ProbeContext) -> Outcome:
        deadlines.append(ctx.deadline)
        await asyncio.sleep(0.05)
        ends.append(ctx.clock.monotonic())
        return OK

    check = a_check(ask=slow, timeout=60.0)
    await asyncio.gather(*(runner.run_once(check, {}) for _ in range(3)))

    assert all(end <= deadline - 60.0 for end, deadline in zip(ends, deadlines[1:], strict=False))


@pytest.mark.parametrize("limit", [1, 3])
async def test_never_more_associations_at_an_address_than_its_node_allows(runner: Runner, limit: int) -> None:
    now = most = 0

    async def counted(_ctx: ProbeContext) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return OK

    archive = Node("archive", host="10.0.0.1", max_associations=limit)
    alias = Node("alias", host="10.0.0.1", max_associations=limit)
    checks = [a_check(f"archive/{n}", counted, node=archive) for n in range(5)]
    checks += [a_check(f"alias/{n}", counted, node=alias) for n in range(5)]
    runner.seats.adopt(checks)

    results = await asyncio.gather(*(runner.run_once(check, {}) for check in checks))

    assert limit == most
    assert all(result.outcome is OK for result in results)


async def test_where_nodes_share_an_address_the_most_careful_one_counts(runner: Runner) -> None:
    checks = [
        a_check("bold/echo", node=Node("bold", host="10.0.0.1", max_associations=9)),
        a_check("careful/echo", node=Node("careful", host="10.0.0.1", max_associations=2)),
    ]
    runner.seats.adopt(checks)

    assert {2} == {seat.limit for check in checks for seat in runner.seats.of(check)}


async def test_checks_that_wait_for_a_dead_address_take_its_outcome_and_say_so(runner: Runner) -> None:
    asked = 0

    async def refused(_ctx: ProbeContext) -> Outcome:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return REFUSED

    checks = [a_check(f"archive/{n}", refused) for n in range(4)]
    runner.seats.adopt(checks)
    results = await asyncio.gather(*(runner.run_once(check, {}) for check in checks))

    assert asked == 1
    assert [result.outcome.reason for result in results] == [Reason.TCP_REFUSED] * 4
    assert sorted(Flag.INHERITED in result.outcome.flags for result in results) == [False, True, True, True]


async def test_a_check_of_several_addresses_takes_no_outcome_of_one_of_them(runner: Runner) -> None:
    class Two(Asking):
        def addresses(self, node: Node, settings: Any) -> tuple[Address, ...]:
            return (Address(node.host, 104), Address(node.host, 105))

    holding, let_go = asyncio.Event(), asyncio.Event()

    async def dead(_ctx: ProbeContext) -> Outcome:
        holding.set()
        await let_go.wait()
        return REFUSED

    first = asyncio.create_task(runner.run_once(a_check(ask=dead), {}))
    await holding.wait()
    second = asyncio.create_task(runner.run_once(replace(a_check("cluster/echo"), probe=Two(fine)), {}))
    await asyncio.sleep(0)
    let_go.set()
    assert (await first).outcome == REFUSED
    assert (await second).outcome == OK


async def test_a_failure_above_the_connection_is_not_inherited(runner: Runner) -> None:
    async def rejected(_ctx: ProbeContext) -> Outcome:
        await asyncio.sleep(0.001)
        return Outcome.of(Reason.REJECTED, phase=Phase.ASSOCIATE)

    checks = [a_check(f"archive/{n}", rejected) for n in range(3)]
    runner.seats.adopt(checks)
    results = await asyncio.gather(*(runner.run_once(check, {}) for check in checks))

    assert not any(result.outcome.flags for result in results)


async def test_a_cancelled_waiter_leaves_its_place_and_a_cancelled_holder_its_seat(runner: Runner) -> None:
    release = asyncio.Event()

    async def holds(_ctx: ProbeContext) -> Outcome:
        await release.wait()
        return OK

    check = a_check(ask=holds, timeout=60.0)
    runner.seats.adopt([check])
    (seat,) = runner.seats.of(check)
    holder, first, second = (asyncio.create_task(runner.run_once(check, {})) for _ in range(3))
    await until(lambda: len(seat.waiting) == 2)
    first.cancel()
    holder.cancel()
    release.set()

    assert (await second).outcome is OK
    assert (seat.free, len(seat.waiting)) == (1, 0)


async def test_no_more_runs_at_once_than_the_limit() -> None:
    now = most = 0

    async def counted(_ctx: ProbeContext) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return OK

    runner = Runner(SettableClock(), NumericResolver(), limit=4)
    checks = [a_check(f"n{n}/echo", counted, node=Node(f"n{n}", host=f"127.0.0.{n}")) for n in range(1, 21)]
    await asyncio.gather(*(runner.run_once(check, {}) for check in checks))
    runner.close()

    assert most == 4


async def test_when_no_reference_of_the_site_answers_it_is_us_and_not_the_node(
    runner: Runner, unused_tcp_port_factory: Callable[[], int]
) -> None:
    async def unreachable(_ctx: ProbeContext) -> Outcome:
        return Outcome.of(Reason.TCP_TIMEOUT, phase=Phase.CONNECT, detail="no answer")

    check = a_check(ask=unreachable, node=Node("archive", host="10.0.0.1", site="east"))
    with full_accept_queue() as silent:
        runner.isolation.adopt({"east": (silent,)})
        isolated = await runner.run_once(check, {})
    runner.isolation.adopt({"east": (Address("127.0.0.1", unused_tcp_port_factory()),)})  # refuses: an answer
    reachable = await runner.run_once(check, {})

    assert (isolated.outcome.status, isolated.outcome.reason) == (Status.UNKNOWN, Reason.ISOLATED)
    assert "no answer" in isolated.outcome.detail
    assert reachable.outcome.reason is Reason.TCP_TIMEOUT


async def test_a_node_that_refuses_has_answered_whatever_the_references_do(runner: Runner) -> None:
    async def refuses(_ctx: ProbeContext) -> Outcome:
        return REFUSED

    with full_accept_queue() as silent:
        runner.isolation.adopt({"east": (silent,)})
        result = await runner.run_once(a_check(ask=refuses, node=Node("archive", host="10.0.0.1", site="east")), {})

    assert result.outcome == REFUSED


@pytest.mark.parametrize("host", ["10.0.0..1", f"{'a' * 64}.example", "10.0.0.1\0"])
async def test_a_reference_that_is_no_host_does_not_answer_and_costs_no_result(runner: Runner, host: str) -> None:
    async def unreachable(_ctx: ProbeContext) -> Outcome:
        return Outcome.of(Reason.TCP_TIMEOUT, phase=Phase.CONNECT, detail="no answer")

    runner.isolation.adopt({"east": (Address(host, 443),)})
    result = await runner.run_once(a_check(ask=unreachable, node=Node("archive", host="10.0.0.1", site="east")), {})

    assert result.outcome.reason is Reason.ISOLATED


async def test_what_writes_does_not_run_while_it_is_not_known_that_nobody_else_does(runner: Runner) -> None:
    class Writing(Asking):
        writes = True

    check = a_check()
    runner.may_write = lambda: False
    assert (await runner.run_once(check, {})).outcome.status is Status.OK  # it only reads
    outcome = (await runner.run_once(replace(check, probe=Writing(fine)), {})).outcome
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert "nothing is sent or moved" in outcome.detail


async def test_what_monitor_allow_does_not_name_does_not_run(runner: Runner) -> None:
    check = replace(a_check(), allowed=False)

    outcome = (await runner.run_once(check, {})).outcome

    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert f"'{check.id}'" in outcome.detail


async def test_half_characters_in_any_text_of_an_outcome_are_written_as_escapes(runner: Runner) -> None:
    half = "\ud800 M\udcfcnster"

    async def tells(_ctx: ProbeContext) -> Outcome:
        return Outcome(
            Status.OK,
            detail=half,
            measurements=(Measurement("queue_length", 3.0, (("queue", half),)),),
            changes=(Change("version", half, half),),
            terminal=(("software", half),),
        )

    whole = r"\ud800 M\udcfcnster"
    assert (await runner.run_once(a_check(ask=tells), {})).outcome == Outcome(
        Status.OK,
        detail=whole,
        measurements=(Measurement("queue_length", 3.0, (("queue", whole),)),),
        changes=(Change("version", whole, whole),),
        terminal=(("software", whole),),
    )
