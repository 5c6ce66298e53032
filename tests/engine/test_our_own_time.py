"""Time that a run spent in waiting for us is not the node's; nor is a deadline that passed while we stood still."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pacs_monitor import http
from pacs_monitor.engine.runner import Runner
from pacs_monitor.engine.stalls import SHARE, unless_stalled
from pacs_monitor.model import Check, DicomEndpoint, Node, Outcome, Phase, ProbeContext, Reason, StandstillError, Status
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.probes.dicom_echo import DicomEcho, DicomEchoSettings
from tests.engine.support import OK, NumericResolver, a_check
from tests.peers.scripted import hang, scripted
from tests.peers.web import web_server
from tests.support.clock import SettableClock
from tests.support.timing import SOON, until


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner(SettableClock(), NumericResolver(), blocking_threads=1)
    yield runner
    runner.close()


async def test_the_deadline_moves_on_with_each_wait_for_us_and_with_no_other(runner: Runner) -> None:
    moved: dict[str, float] = {}

    async def waits(ctx: ProbeContext) -> Outcome:
        for name, answer in (
            ("peer", lambda: asyncio.sleep(0.02)),
            ("ours", lambda: ctx.ours(asyncio.sleep(0.02))),
            ("thread", lambda: ctx.blocking(lambda: time.sleep(0.02))),
            ("ours in a thread", lambda: ctx.ours(ctx.blocking(lambda: time.sleep(0.02)))),
            ("both at once", lambda: asyncio.gather(ctx.ours(asyncio.sleep(0.02)), ctx.ours(asyncio.sleep(0.02)))),
        ):
            before, began = ctx.deadline, ctx.clock.monotonic()
            await answer()
            moved[name] = (ctx.deadline - before) / (ctx.clock.monotonic() - began)
        return OK

    assert (await runner.run_once(a_check(ask=waits, timeout=SOON), {})).outcome is OK
    assert moved["peer"] == 0
    assert 0 <= moved["thread"] < 0.5
    assert all(0.5 < moved[name] <= 1 for name in ("ours", "ours in a thread", "both at once"))


async def test_a_peer_has_its_time_from_when_a_thread_of_ours_was_free(runner: Runner) -> None:
    begun, done = threading.Event(), threading.Event()
    moved: list[float] = []

    def hold() -> None:
        begun.set()
        done.wait()

    async def holds(ctx: ProbeContext) -> Outcome:
        await ctx.blocking(hold)
        return OK

    async def asks(ctx: ProbeContext) -> Outcome:
        before = ctx.deadline
        await http.request("GET", f"http://127.0.0.1:{port}/", ctx, Trace())
        moved.append(ctx.deadline - before)
        return OK

    holding = asyncio.create_task(runner.run_once(a_check("other/web", holds, node=Node("other", host="h")), {}))
    await until(begun.is_set)
    async with web_server(lambda *_: (200, "text/plain", b"")) as port:
        asking = asyncio.create_task(runner.run_once(a_check(ask=asks, timeout=SOON), {}))
        await asyncio.wait([asking], timeout=0.1)
        assert not asking.done()
        done.set()
        assert (await asking).outcome is OK
    await holding
    assert 0.09 < moved[0] < SOON


async def test_an_exchange_that_no_thread_was_free_for_is_not_measured(runner: Runner) -> None:
    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        done.wait()

    async def holds(ctx: ProbeContext) -> Outcome:
        await ctx.blocking(hold)
        return OK

    async def asks(ctx: ProbeContext) -> Outcome:
        try:
            await http.request("GET", "http://127.0.0.1:9/", ctx, Trace())
        except NetFailure as failure:
            return failure.outcome()
        return OK

    other = Node("other", host="127.0.0.2")
    holding = asyncio.create_task(runner.run_once(a_check("other/web", holds, node=other, timeout=SOON), {}))
    await until(begun.is_set)
    starved = (await runner.run_once(a_check(ask=asks, timeout=0.1), {})).outcome
    done.set()
    await holding
    assert (starved.status, starved.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert "thread" in starved.detail


async def test_who_waits_for_us_for_too_long_has_measured_nothing_and_is_not_overdue(runner: Runner) -> None:
    async def waits(ctx: ProbeContext) -> Outcome:
        await ctx.ours(asyncio.Event().wait(), "the disk")
        return OK

    outcome = (await runner.run_once(a_check(ask=waits, timeout=0.1), {})).outcome
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert outcome.detail.startswith("the disk did not respond for 1")
    assert runner.overdue == 0


async def test_a_peer_is_not_blamed_for_what_it_did_not_do_after_we_waited_for_ourselves_too_long(
    runner: Runner,
) -> None:
    async def waits(ctx: ProbeContext) -> Outcome:
        try:
            await ctx.ours(asyncio.Event().wait())
        except StandstillError:
            return Outcome.of(Reason.DIMSE_TIMEOUT, phase=Phase.OPERATION)
        return OK

    outcome = (await runner.run_once(a_check(ask=waits, timeout=0.05), {})).outcome
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)


async def test_a_deadline_that_passed_while_the_loop_stood_still_is_not_the_nodes(runner: Runner) -> None:
    runner.stalls.start()
    async with scripted(hang) as peer:
        run = asyncio.create_task(runner.run_once(an_echo(peer.port, 1.0), {}))
        await until(lambda: bool(peer.conversations))
        time.sleep(1.0)  # nothing of ours runs meanwhile
        outcome = (await run).outcome
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert "the monitor itself stalled for" in outcome.detail


@pytest.mark.parametrize(
    ("reason", "stood_still", "judged"),
    [
        (Reason.ACSE_TIMEOUT, 0.0, Reason.ACSE_TIMEOUT),
        (Reason.ACSE_TIMEOUT, SHARE * 8, Reason.ACSE_TIMEOUT),
        (Reason.ACSE_TIMEOUT, SHARE * 8 + 0.1, Reason.NOT_MEASURED),
        (Reason.TCP_REFUSED, 60.0, Reason.TCP_REFUSED),
        (Reason.OUT_OF_RESOURCES, 60.0, Reason.OUT_OF_RESOURCES),
        (Reason.DNS, 60.0, Reason.DNS),
    ],
)
def test_only_what_comes_of_waiting_is_excused_and_only_by_much_of_the_timeout(
    reason: Reason, stood_still: float, judged: Reason
) -> None:
    outcome = unless_stalled(Outcome.of(reason, phase=Phase.ASSOCIATE, detail="seen"), stood_still, timeout=8.0)
    assert outcome.reason is judged
    assert outcome.detail.endswith("seen")


def test_whatever_stood_still_a_slow_answer_is_not_measured() -> None:
    slow = Outcome.of(Reason.SLOW, warn=True, detail="the answer took 2 s")
    assert unless_stalled(slow, 0.0, timeout=8.0) == slow
    assert unless_stalled(slow, 0.3, timeout=8.0).reason is Reason.NOT_MEASURED


def an_echo(port: int, timeout: float) -> Check:
    node = Node("archive", host="127.0.0.1", dicom=DicomEndpoint(port, "PEER", "PACSMON"))
    check = a_check(node=node, timeout=timeout)
    return replace(check, probe=DicomEcho(), settings=DicomEchoSettings())
