"""What people stop is not asked, ends at once, is unknown because of them, and goes on at once when they say so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from pacs_monitor.engine.engine import Engine
from pacs_monitor.engine.restrictions import in_force
from pacs_monitor.model import (
    SECOND,
    Check,
    CheckId,
    DicomEndpoint,
    Node,
    Outcome,
    ProbeContext,
    Reason,
    Restriction,
    RestrictionMode,
    Standing,
    State,
    Status,
    Transition,
)
from pacs_monitor.probes.push import Push, PushSettings
from tests.engine.support import OK, REFUSED, Asking, NumericResolver, a_check, fine
from tests.engine.test_tidying import Tidying
from tests.support.clock import SettableClock
from tests.support.timing import until

ECHO, STORE = CheckId("archive", "echo"), CheckId("archive", "store")
WHY = "paused by it-duty until 10:45: detector exchange"
STOP = Restriction(RestrictionMode.STOP, WHY, until=1)
READ_ONLY = Restriction(RestrictionMode.READ_ONLY, "maintenance 'archive patching' until 04:00", is_pause=False)


class Writing(Asking):
    writes = True


class Bench:
    """An engine, and what it told."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.transitions: list[Transition] = []
        self.results = Counter[CheckId]()
        self.engine = Engine(
            self.clock,
            NumericResolver(),
            self.transitions.append,
            on_result=lambda result, _state: self.results.update([result.check]),
        )

    def adopt(self, *checks: Check, restored: dict[CheckId, Standing] | None = None) -> None:
        self.engine.adopt(checks, {}, restored or {}, {})

    def state(self, check: CheckId = ECHO) -> tuple[State, Reason | None]:
        standing = self.engine.board.entries[check].standing
        return standing.state, standing.reason

    def moves(self) -> list[tuple[State, State, Reason | None]]:
        return [(move.before, move.after, move.reason) for move in self.transitions]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    bench.engine.start()
    yield bench
    await bench.engine.stop(1.0)


async def hangs(_ctx: ProbeContext) -> Outcome:
    await asyncio.Event().wait()
    return OK


def a_writing_check() -> Check:
    return replace(a_check(str(STORE), interval=0.02), probe=Writing(fine))


async def test_a_stopped_check_is_unknown_at_once_and_goes_on_at_once(bench: Bench) -> None:
    bench.adopt(a_check(interval=600.0, retry_interval=0.0))
    await bench.engine.run_now(ECHO)
    assert bench.state() == (State.UP, None)

    bench.engine.restrict({ECHO: STOP})
    assert bench.state() == (State.UNKNOWN, Reason.PAUSED)
    assert bench.transitions[-1].detail == WHY
    assert bench.engine.next_due(ECHO) is None
    bench.engine.ask(ECHO)
    refused = (await bench.engine.run_now(ECHO)).outcome
    assert (refused.status, refused.reason, refused.detail) == (Status.UNKNOWN, Reason.PAUSED, WHY)
    assert bench.results[ECHO] == 1

    bench.engine.restrict({})
    await until(lambda: bench.state() == (State.UP, None))
    assert bench.results[ECHO] == 2
    assert bench.moves() == [
        (State.UNKNOWN, State.UP, None),
        (State.UP, State.UNKNOWN, Reason.PAUSED),
        (State.UNKNOWN, State.UNKNOWN, Reason.NOT_MEASURED),
        (State.UNKNOWN, State.UP, None),
    ]


async def test_read_only_stops_what_writes_and_nothing_else(bench: Bench) -> None:
    bench.adopt(a_check(interval=0.02), a_writing_check())
    await until(lambda: min(bench.results[ECHO], bench.results[STORE]) >= 3)
    bench.engine.restrict({ECHO: READ_ONLY, STORE: READ_ONLY})
    before = bench.results.copy()
    await until(lambda: bench.results[ECHO] >= before[ECHO] + 10)
    assert bench.results[STORE] == before[STORE]
    assert bench.state() == (State.UP, None)
    assert bench.state(STORE) == (State.UNKNOWN, Reason.PAUSED)
    assert bench.engine.board.entries[ECHO].restriction is READ_ONLY
    bench.engine.restrict({})
    await until(lambda: bench.results[STORE] > before[STORE])


async def test_a_run_under_way_is_ended_and_whoever_waits_for_it_is_told_why(bench: Bench) -> None:
    bench.adopt(a_check(ask=hangs, timeout=60.0))
    waiting = asyncio.create_task(bench.engine.run_now(ECHO))
    await until(lambda: bench.engine.board.in_progress == 1)
    bench.engine.restrict({ECHO: STOP})
    assert (await waiting).outcome.detail == WHY
    await until(lambda: bench.engine.board.in_progress == 0)
    assert not bench.results
    (seat,) = bench.engine.runner.seats.of(bench.engine.board.entries[ECHO].check)
    assert seat.is_idle


async def test_a_run_that_has_not_begun_and_one_that_waits_for_its_seat_are_ended_too(bench: Bench) -> None:
    holds, other = a_check("archive/find", hangs, timeout=60.0), a_check(ask=hangs, timeout=60.0)
    bench.adopt(holds, other)
    (seat,) = bench.engine.runner.seats.of(holds)
    holding = asyncio.create_task(bench.engine.run_now(holds.id))
    await until(lambda: seat.free == 0)
    waiting = asyncio.create_task(bench.engine.run_now(ECHO))
    await until(lambda: len(seat.waiting) == 1)
    bench.engine.restrict({ECHO: STOP})
    assert (await waiting).outcome.reason is Reason.PAUSED
    bench.engine.restrict({})
    waiting = asyncio.create_task(bench.engine.run_now(ECHO))
    await asyncio.sleep(0)  # it is asked for, and its task has not had its first turn
    bench.engine.restrict({ECHO: STOP, holds.id: STOP})
    assert (await waiting).outcome.reason is Reason.PAUSED
    assert (await holding).outcome.reason is Reason.PAUSED
    await until(lambda: seat.is_idle)


async def test_what_a_run_says_that_was_ended_and_would_not_is_none_of_the_boards(bench: Bench) -> None:
    release = asyncio.Event()

    async def stubborn(_ctx: ProbeContext) -> Outcome:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await release.wait()
        return REFUSED

    bench.adopt(a_check(ask=stubborn, timeout=60.0))
    run = asyncio.create_task(bench.engine.run_now(ECHO))
    await until(lambda: bench.engine.board.in_progress == 1)
    await asyncio.sleep(0)
    bench.engine.restrict({ECHO: STOP})
    release.set()
    await run
    await until(lambda: bench.engine.board.in_progress == 0)
    assert not bench.results
    assert bench.engine.board.entries[ECHO].last is None


async def test_a_pause_of_a_check_that_was_down_leaves_its_incident_and_its_end_takes_the_recoveries(
    bench: Bench,
) -> None:
    answers = [REFUSED]
    bench.adopt(a_check(ask=lambda _ctx: _answered(answers), interval=0.02, retry_interval=0.02))
    await until(lambda: bench.state()[0] is State.DOWN)
    bench.engine.restrict({ECHO: STOP})
    assert bench.engine.board.entries[ECHO].standing.troubled
    answers[0] = OK
    bench.engine.restrict({})
    await until(lambda: bench.state()[0] is State.UP)
    assert bench.moves()[-1] == (State.UNKNOWN, State.UP, None)


async def _answered(answers: list[Outcome]) -> Outcome:
    return answers[0]


async def test_a_pause_from_before_the_start_holds_before_the_first_run_and_one_that_is_over_does_not(
    bench: Bench,
) -> None:
    paused = Standing(State.UNKNOWN, 5, Reason.PAUSED, last=4)
    bench.engine.restrict({ECHO: STOP})
    bench.adopt(
        a_check(interval=0.02),
        a_check("ris/echo", interval=0.02),
        restored={ECHO: paused, CheckId("ris", "echo"): paused},
    )
    assert bench.moves() == [(State.UNKNOWN, State.UNKNOWN, Reason.NOT_MEASURED)]
    await until(lambda: bench.results[CheckId("ris", "echo")] >= 5)
    assert not bench.results[ECHO]


async def test_before_people_are_asked_a_restored_pause_is_left_as_it_is(bench: Bench) -> None:
    bench.adopt(a_check(), restored={ECHO: Standing(State.UNKNOWN, 5, Reason.PAUSED, last=4)})
    assert bench.transitions == []
    bench.engine.restrict({ECHO: STOP})
    assert bench.transitions == []


async def test_a_check_that_a_reload_brings_is_stopped_before_its_first_run(bench: Bench) -> None:
    bench.adopt(a_check("ris/echo", interval=0.02))
    bench.engine.restrict({ECHO: STOP})
    bench.adopt(a_check("ris/echo", interval=0.02), a_check(interval=0.02))
    assert bench.state() == (State.UNKNOWN, Reason.PAUSED)
    await until(lambda: bench.results[CheckId("ris", "echo")] >= 5)
    assert not bench.results[ECHO]


async def test_clearing_away_is_neither_begun_nor_continued(bench: Bench) -> None:
    probe = Tidying()
    check = replace(a_check(str(STORE)), probe=probe)
    bench.adopt(check)
    bench.engine.restrict({STORE: READ_ONLY})
    bench.engine.tidy()
    bench.engine.restrict({})
    bench.engine.tidy()
    await until(lambda: probe.happened == ["tidy"])
    bench.engine.restrict({STORE: READ_ONLY})
    probe.may_end.set()
    (seat,) = bench.engine.runner.seats.of(check)
    await until(lambda: seat.is_idle)
    assert probe.happened == ["tidy"]


async def test_many_that_go_on_at_once_do_not_begin_in_one_moment(bench: Bench) -> None:
    checks = [a_check(f"n{n}/echo", node=Node(f"n{n}", host=f"10.0.{n // 250}.{n % 250}")) for n in range(200)]
    bench.adopt(*checks)
    bench.engine.restrict({check.id: STOP for check in checks})
    bench.engine.restrict({})
    due = sorted(bench.engine.next_due(check.id) or 0.0 for check in checks)
    assert due[0] < 0.5
    assert 2.0 < due[-1] < 5.0


async def test_a_job_may_report_while_its_check_is_paused_and_owes_nothing_for_that_time(bench: Bench) -> None:
    job = CheckId("archive", "backup")
    check = replace(a_check(str(job), interval=3600.0), probe=Push(), settings=PushSettings(within=3600.0))
    bench.adopt(check)
    await bench.engine.report(job, "ok", None)
    bench.engine.remembered([])
    bench.engine.restrict({job: STOP})
    assert (await bench.engine.report(job, "ok", 3.0)).outcome.reason is Reason.PAUSED
    assert bench.engine.remembered([])[job]["seconds"] == 3.0
    bench.clock.pass_by(10 * 3600)
    bench.engine.restrict({})
    await until(lambda: bench.state(job) == (State.UP, None))
    bench.clock.pass_by(3000)
    assert (await bench.engine.run_now(job, at_once=True)).outcome.status is Status.OK
    bench.clock.pass_by(700)
    assert (await bench.engine.run_now(job, at_once=True)).outcome.reason is Reason.SILENT


def test_a_node_that_is_left_alone_is_not_asked_by_checks_of_others() -> None:
    vna = Node("vna", host="10.0.0.2", dicom=DicomEndpoint(104, "VNA", "US"))
    store = replace(a_writing_check(), others=(vna,))
    one, two = a_check("vna/echo", node=vna), a_check("vna/find", node=vna)
    checks = [store, a_check(), one, two]
    assert in_force({one.id: STOP}, checks) == {one.id: STOP}
    asks = {one.id: STOP, two.id: READ_ONLY}
    assert in_force(asks, checks)[STORE].mode is RestrictionMode.READ_ONLY
    found = in_force({one.id: STOP, two.id: STOP, STORE: READ_ONLY}, checks)
    assert found[STORE] == replace(STOP, text=f"it also asks vna: {WHY}")
    assert ECHO not in found
    assert in_force(dict.fromkeys((one.id, two.id, STORE), STOP), checks)[STORE] == STOP


async def test_the_clock_may_be_set_while_a_check_is_paused(bench: Bench) -> None:
    bench.adopt(a_check(interval=600.0, retry_interval=0.0))
    await bench.engine.run_now(ECHO)
    bench.engine.restrict({ECHO: STOP})
    bench.clock.set_by(-3600)
    bench.engine.clock_was_set(-3600 * SECOND)
    bench.engine.restrict({})
    await until(lambda: bench.state()[0] is State.UP)
    assert all(move.since <= move.noticed for move in bench.transitions[2:])


async def test_a_connection_that_is_kept_between_runs_is_closed(bench: Bench) -> None:
    closed: list[Any] = []

    class Keeps(Asking):
        def paused(self, check: CheckId) -> None:
            closed.append(check)

    bench.adopt(replace(a_check(), probe=Keeps(fine)))
    bench.engine.restrict({ECHO: STOP})
    assert closed == [ECHO]
