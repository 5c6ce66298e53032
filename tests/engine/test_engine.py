import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor import states
from pacs_monitor.clock import ClockWatch
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.engine.engine import ASK_EVERY, Engine
from pacs_monitor.engine.scheduler import START_WITHIN, first_after, spread
from pacs_monitor.model import (
    SECOND,
    Check,
    CheckId,
    Micros,
    Node,
    Outcome,
    ProbeContext,
    Reason,
    Result,
    Standing,
    State,
    Status,
    Transition,
)
from tests.engine.support import OK, REFUSED, Asking, NumericResolver, a_check, fine
from tests.support.clock import SettableClock
from tests.support.timing import until


class Bench:
    """An engine and everything that it told."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.transitions: list[Transition] = []
        self.engine = Engine(self.clock, NumericResolver(), self.transitions.append)

    def adopt(self, *checks: Check, restored: dict[CheckId, Standing] | None = None) -> None:
        self.engine.adopt(checks, {}, restored or {}, {})

    def entry(self, name: str = "archive/echo") -> BoardEntry:
        return self.engine.board.entries[CheckId.parse(name)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    bench.engine.start()
    yield bench
    await bench.engine.stop(1.0)


def counting(outcome: Outcome = OK) -> tuple[Counter[str], Callable[[ProbeContext], Awaitable[Outcome]]]:
    runs = Counter[str]()

    async def ask(_ctx: ProbeContext) -> Outcome:
        runs["runs"] += 1
        return outcome

    return runs, ask


async def test_a_check_runs_again_and_again_and_comes_up_at_its_first_ok(bench: Bench) -> None:
    runs, ask = counting()
    bench.adopt(a_check(ask=ask, interval=0.02))

    await until(lambda: runs["runs"] >= 5)

    assert [(t.before, t.after) for t in bench.transitions] == [(State.UNKNOWN, State.UP)]


async def test_a_check_that_leans_is_asked_after_its_retry_interval(bench: Bench) -> None:
    _, ask = counting(REFUSED)
    bench.adopt(a_check(ask=ask, interval=30.0, retry_interval=0.02))
    await bench.engine.run_now(CheckId("archive", "echo"))

    await until(lambda: bool(bench.transitions))

    assert [t.after for t in bench.transitions] == [State.DOWN]
    assert bench.entry().runs == 3


async def test_a_busy_peer_is_never_asked_faster_than_the_interval(bench: Bench) -> None:
    _, ask = counting(Outcome.of(Reason.BUSY))
    bench.adopt(a_check(ask=ask, interval=30.0, retry_interval=0.01))
    await bench.engine.run_now(CheckId("archive", "echo"))
    due = bench.engine.next_due(CheckId("archive", "echo"))

    assert due is not None
    assert due > 1.0 or first_after(bench.entry().check) < 2.0


async def test_a_turn_that_comes_while_the_run_goes_on_is_skipped_and_counted(bench: Bench) -> None:
    release = asyncio.Event()
    running = Counter[str]()

    async def slow(_ctx: ProbeContext) -> Outcome:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        await release.wait()
        running["now"] -= 1
        return OK

    bench.adopt(a_check(ask=slow, interval=0.02, timeout=10.0))
    await until(lambda: bench.engine.board.skipped >= 3)
    release.set()

    assert running["most"] == 1


async def test_a_check_that_waits_for_another_at_its_address_is_no_lag_of_the_monitor(bench: Bench) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    async def hangs(_ctx: ProbeContext) -> Outcome:
        held.set()
        await release.wait()
        return OK

    bench.adopt(a_check("archive/hangs", hangs, timeout=1000.0), a_check("archive/echo"))
    board, (seat,) = bench.engine.board, bench.engine.runner.seats.of(bench.entry().check)
    bench.engine.ask(CheckId("archive", "hangs"))
    await held.wait()
    bench.engine.ask(CheckId("archive", "echo"))
    await until(lambda: len(seat.waiting) > 0)
    bench.clock.pass_by(100.0)
    release.set()
    await until(lambda: bench.entry().standing.state is State.UP)

    _, lag = board.lag.cumulative()
    _, waited = board.waits.cumulative()
    assert lag < 50.0 < waited


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_wall_clock_set_by_an_hour_neither_stops_nor_bursts_the_rhythm(bench: Bench, step: float) -> None:
    runs, ask = counting()
    bench.adopt(
        *(a_check(f"n{n}/echo", ask, node=Node(f"n{n}", host=f"127.0.0.{n}"), interval=0.1) for n in range(1, 21))
    )
    await until(lambda: runs["runs"] >= 40)
    bench.clock.set_by(step)
    bench.engine.clock_was_set(round(step * SECOND))
    began, before = time.monotonic(), {check: entry.runs for check, entry in bench.engine.board.entries.items()}

    def since() -> list[int]:
        return [entry.runs - before[check] for check, entry in bench.engine.board.entries.items()]

    await until(lambda: min(since()) >= 7)

    assert max(since()) <= (time.monotonic() - began) / 0.1 + 2
    assert not [t for t in bench.transitions if t.after is not State.UP]


async def test_results_that_stop_coming_make_a_check_unknown_since_the_last_one(bench: Bench) -> None:
    stuck = asyncio.Event()

    async def sticks(_ctx: ProbeContext) -> Outcome:
        if bench.entry().runs:
            await stuck.wait()
        return OK

    bench.adopt(a_check(ask=sticks, interval=0.02, timeout=60.0))
    await until(lambda: bench.entry().standing.state is State.UP)
    last = bench.entry().standing.last
    bench.engine.sweep()
    assert bench.entry().standing.state is State.UP
    bench.clock.pass_by(60.1)
    bench.engine.sweep()

    lapse = bench.transitions[-1]
    assert (lapse.before, lapse.after, lapse.reason) == (State.UP, State.UNKNOWN, Reason.NOT_MEASURED)
    assert last == lapse.last_before
    assert lapse.since <= lapse.noticed


async def test_a_reload_keeps_standing_and_rhythm_of_what_stays_and_forgets_what_goes(bench: Bench) -> None:
    stays, goes = a_check("archive/echo", interval=20.0), a_check("ris/echo", interval=20.0)
    bench.adopt(stays, goes)
    await bench.engine.run_now(stays.id)
    standing, due = bench.entry().standing, bench.engine.next_due(stays.id)
    bench.adopt(stays)

    assert standing == bench.entry().standing
    assert due == pytest.approx(bench.engine.next_due(stays.id), abs=0.5)
    assert [stays.id] == list(bench.engine.board.entries)
    assert bench.engine.next_due(goes.id) is None


async def test_a_run_that_a_reload_overtakes_counts_when_its_check_stays_the_same(bench: Bench) -> None:
    release = asyncio.Event()

    async def slow(_ctx: ProbeContext) -> Outcome:
        await release.wait()
        return OK

    check = a_check(ask=slow, interval=20.0, timeout=60.0)
    bench.adopt(check)
    run = asyncio.ensure_future(bench.engine.run_now(check.id))
    await until(lambda: bench.engine.board.in_progress == 1)
    bench.adopt(replace(check))
    release.set()
    result = await run

    assert (bench.entry().last, bench.entry().standing.state) == (result, State.UP)


async def test_a_run_of_settings_that_a_reload_has_changed_does_not_count(bench: Bench) -> None:
    release = asyncio.Event()

    async def slow(_ctx: ProbeContext) -> Outcome:
        await release.wait()
        return OK

    check = a_check(ask=slow, interval=20.0, timeout=60.0)
    bench.adopt(check)
    run = asyncio.ensure_future(bench.engine.run_now(check.id))
    await until(lambda: bench.engine.board.in_progress == 1)
    bench.adopt(replace(check, node=Node("archive", host="127.0.0.2")))
    release.set()
    await run

    assert (bench.entry().last, bench.entry().standing.state) == (None, State.UNKNOWN)


async def test_a_check_that_becomes_rarer_is_not_missed_by_its_old_rhythm(bench: Bench) -> None:
    check = a_check(interval=20.0)
    bench.adopt(check)
    await bench.engine.run_now(check.id)
    bench.adopt(replace(check, interval=7200.0))
    bench.clock.pass_by(100.0)
    bench.engine.sweep()

    assert bench.entry().standing.state is State.UP


async def test_a_check_of_another_kind_keeps_its_standing_and_nothing_that_the_old_kind_saw(bench: Bench) -> None:
    class AskingOtherwise(Asking):
        kind = "asking_otherwise"

    check = a_check(interval=20.0)
    bench.adopt(check)
    await bench.engine.run_now(check.id)
    bench.engine.remembered([check.id])[check.id]["seen"] = "by the old kind"
    standing = bench.entry().standing
    bench.adopt(replace(check, probe=AskingOtherwise(fine)))

    assert standing == bench.entry().standing
    assert (bench.entry().last, bench.entry().runs) == (None, 0)
    assert bench.engine.remembered([check.id]) == {check.id: {}}


async def test_a_restored_standing_needs_full_patience_before_it_is_down(bench: Bench) -> None:
    _, ask = counting(REFUSED)
    check = a_check(ask=ask, interval=30.0, retry_interval=0.0)
    bench.adopt(check, restored={check.id: Standing(State.UP, since=1, reason=None, last=2)})
    await bench.engine.run_now(check.id)

    assert bench.entry().standing.state is State.UP
    await until(lambda: bench.entry().standing.state is State.DOWN)
    assert bench.transitions[0].last_before == 2


async def test_run_now_joins_a_run_and_is_no_faster_than_the_retry_interval(bench: Bench) -> None:
    runs, ask = counting()
    check = a_check(ask=ask, interval=30.0)
    bench.adopt(check)
    first = await asyncio.gather(bench.engine.run_now(check.id), bench.engine.run_now(check.id))
    again = await bench.engine.run_now(check.id)

    assert runs["runs"] == 1
    assert [*first] == [again, again]


class Asked(Bench):
    """An engine that tells of every result how its check stood and leant then, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Status, State, State | None]] = []
        self.engine = Engine(self.clock, NumericResolver(), self.transitions.append, on_result=self._hear)

    def _hear(self, result: Result, state: State) -> None:
        standing = self.engine.board.entries[result.check].standing
        assert standing.state is state
        self.heard.append((result.outcome.status, state, states.leaning(standing)))


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    bench = Asked()
    bench.engine.start()
    yield bench
    await bench.engine.stop(1.0)


@pytest.mark.parametrize("cron", [None, "30 2 * * *"])
async def test_whoever_asks_hears_the_fresh_result_and_whether_the_check_leans(asked: Asked, cron: str | None) -> None:
    check = a_check(ask=counting(REFUSED)[1], interval=3000.0, retry_interval=0.05, cron=cron)
    asked.adopt(check, restored={check.id: Standing(State.UP, since=1, reason=None, last=2)})
    asked.engine.ask(check.id)
    assert asked.heard == []  # in the background
    await until(lambda: len(asked.heard) == 3)

    fail = Status.FAIL
    assert asked.heard == [(fail, State.UP, State.DOWN), (fail, State.UP, State.DOWN), (fail, State.DOWN, None)]
    assert [transition.after for transition in asked.transitions] == [State.DOWN]


@pytest.mark.parametrize("cron", [None, "30 2 * * *"])
async def test_a_check_that_has_just_run_is_asked_anew_but_not_within_two_seconds(
    asked: Asked, cron: str | None
) -> None:
    began = []

    async def noted(_ctx: ProbeContext) -> Outcome:
        began.append(time.monotonic())
        return OK

    check = a_check(ask=noted, interval=3000.0, retry_interval=1000.0, cron=cron)
    asked.adopt(check)
    await asked.engine.run_now(check.id)
    for _ in range(5):
        asked.engine.ask(check.id)
        await asyncio.sleep(0)
    await until(lambda: len(asked.heard) == 2)
    asked.engine.ask(CheckId("archive", "no-more"))

    assert began[1] - began[0] >= ASK_EVERY - 0.5  # noted within the run, which had begun before
    due = asked.engine.next_due(check.id)
    assert due is not None
    assert due > 1.0 or cron


async def test_asking_joins_a_run_that_goes_on(asked: Asked) -> None:
    release, begun = asyncio.Event(), []

    async def slow(_ctx: ProbeContext) -> Outcome:
        begun.append("run")
        await release.wait()
        return OK

    check = a_check(ask=slow, interval=3000.0, timeout=60.0)
    asked.adopt(check)
    asked.engine.ask(check.id)
    await until(lambda: begun == ["run"])
    for _ in range(3):
        asked.engine.ask(check.id)
        await asyncio.sleep(0.001)
    release.set()
    await until(lambda: len(asked.heard) == 1)

    assert begun == ["run"]
    assert asked.engine.board.skipped == 0


async def test_who_asks_gets_a_run_with_its_seat_and_its_deadline(asked: Asked) -> None:
    release = asyncio.Event()

    async def holds(_ctx: ProbeContext) -> Outcome:
        await release.wait()
        return OK

    async def hangs(_ctx: ProbeContext) -> Outcome:
        await asyncio.Event().wait()
        return OK

    holder = a_check("archive/store", holds, interval=3000.0, timeout=60.0)
    check = a_check("archive/echo", hangs, interval=3000.0, timeout=0.05)
    asked.adopt(holder, check)
    asked.engine.ask(holder.id)
    await until(lambda: asked.engine.board.in_progress == 1)
    asked.engine.ask(check.id)
    (seat,) = asked.engine.runner.seats.of(check)
    await until(lambda: len(seat.waiting) == 1)
    release.set()
    await until(lambda: len(asked.heard) == 2)

    assert [status for status, _, _ in asked.heard] == [Status.OK, Status.FAIL]


async def test_nobody_who_asks_gets_a_run_of_an_engine_that_stops_or_of_a_check_that_is_being_moved(
    asked: Asked,
) -> None:
    runs, ask = counting()
    check = a_check(ask=ask, interval=3000.0)
    asked.adopt(check)
    asked.engine.leave([check.id])
    asked.engine.ask(check.id)
    await asyncio.sleep(0.01)
    assert not runs
    asked.engine.stay()
    asked.engine.ask(check.id)
    await until(lambda: runs["runs"] == 1)
    await asked.engine.stop(1.0)
    asked.engine.ask(check.id)
    await asyncio.sleep(0.01)
    assert runs["runs"] == 1


async def test_stopping_lets_runs_end_and_cancels_what_lasts(bench: Bench) -> None:
    ended: list[str] = []
    stopping = asyncio.Event()

    async def quick(_ctx: ProbeContext) -> Outcome:
        await stopping.wait()
        ended.append("quick")
        return OK

    async def lasts(_ctx: ProbeContext) -> Outcome:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return OK

    checks = (
        a_check("a/quick", quick, node=Node("a", host="a"), timeout=60.0),
        a_check("b/lasts", lasts, node=Node("b", host="b"), timeout=60.0),
    )
    bench.adopt(*checks)
    for check in checks:
        bench.engine._turn(check.id)
    await until(lambda: bench.engine.board.in_progress == 2)
    asyncio.get_running_loop().call_soon(stopping.set)
    await bench.engine.stop(1.0)

    assert ended == ["quick", "cancelled"]


async def test_a_cron_check_runs_by_the_calendar_and_not_by_the_rhythm(bench: Bench) -> None:
    runs, ask = counting()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    check = a_check(ask=ask, interval=0.01, cron=f"30 2 {yesterday.day} {yesterday.month} *")
    bench.adopt(check)
    due = bench.engine.next_due(check.id)
    bench.engine.sweep()

    assert due is not None
    assert due > 3600
    assert runs["runs"] == 0
    assert bench.entry().standing.state is State.UNKNOWN


async def test_a_cron_check_whose_time_has_come_is_run_and_comes_up(bench: Bench) -> None:
    runs, ask = counting()
    bench.adopt(a_check(ask=ask, interval=0.01, cron="30 2 * * *"))
    bench.engine._calendar._scheduler.modify_job(
        "archive/echo", next_run_time=datetime.now(UTC)
    )  # half past two is now
    await until(lambda: bench.entry().standing.state is State.UP)

    assert runs["runs"] == 1


async def test_a_clock_that_is_set_forward_over_the_time_of_a_cron_check_by_seconds_takes_no_run_away(
    bench: Bench,
) -> None:
    runs, ask = counting()
    bench.adopt(a_check(ask=ask, cron="30 2 * * *"))
    passed = datetime.now(UTC) - timedelta(seconds=3)  # half past two was jumped over
    bench.engine._calendar._scheduler.modify_job("archive/echo", next_run_time=passed)
    bench.engine.clock_was_set(5 * SECOND)
    await until(lambda: runs["runs"] == 1)


async def test_a_cron_check_that_leans_is_asked_again_after_its_retry_interval(bench: Bench) -> None:
    runs, ask = counting(REFUSED)
    bench.adopt(a_check(ask=ask, retry_interval=0.02, cron="30 2 * * *"))
    await bench.engine.run_now(CheckId("archive", "echo"))
    await until(lambda: bench.entry().standing.state is State.DOWN)
    due = bench.engine.next_due(CheckId("archive", "echo"))

    assert runs["runs"] == 3
    assert due is not None
    assert due > 1.0 or datetime.now(UTC).strftime("%H:%M") == "02:29"


async def test_a_cron_check_that_leans_and_leaves_is_not_asked_again(bench: Bench) -> None:
    _, ask = counting(REFUSED)
    check = a_check(ask=ask, retry_interval=10.0, cron="30 2 * * *")
    bench.adopt(check)
    await bench.engine.run_now(check.id)
    leaning = bench.engine.next_due(check.id)
    bench.adopt()

    assert leaning == pytest.approx(10.0, abs=5.0)
    assert bench.engine.next_due(check.id) is None


def test_the_clock_watch_sees_steps_and_not_the_passing_of_time() -> None:
    clock = SettableClock()
    told: list[Micros] = []
    watch = ClockWatch(clock, told.append)
    watch.look()
    assert told == []
    clock.set_by(-3600)
    watch.look()
    watch.look()
    assert told == [pytest.approx(-3600 * SECOND, abs=SECOND)]


def test_a_stall_between_the_readings_of_the_two_clocks_is_no_step() -> None:
    class Stalling(SettableClock):
        stalls = False

        def now(self) -> Micros:
            now, stalls, self.stalls = super().now(), self.stalls, False
            self.pass_by(5.0 if stalls else 0.0)
            return now

    told: list[Micros] = []
    clock = Stalling()
    watch = ClockWatch(clock, told.append)
    clock.stalls = True
    watch.look()
    assert told == []


@given(st.text(min_size=1, max_size=30), st.floats(0.01, 1e6))
def test_a_first_run_has_a_stable_place_within_half_a_minute(name: str, interval: float) -> None:
    check = a_check(f"{name}/echo", interval=interval)

    assert first_after(check) == first_after(check)
    assert 0 <= first_after(check) < min(interval, START_WITHIN)


def test_an_estate_is_spread_evenly() -> None:
    places = sorted(spread(CheckId(f"ct{n}", "dicom_echo")) for n in range(1000))

    assert max(b - a for a, b in pairwise(places)) < 0.02


async def test_an_engine_that_has_been_told_to_stop_begins_no_run_whoever_asks() -> None:
    may_end, begun = asyncio.Event(), []

    async def lingers(_ctx: ProbeContext) -> Outcome:
        begun.append("run")
        await may_end.wait()
        return OK

    bench = Bench()
    bench.engine.start()
    checks = [a_check("archive/echo", lingers), a_check("other/echo", lingers, node=Node("other", host="127.0.0.2"))]
    bench.adopt(*checks)
    joined = asyncio.create_task(bench.engine.run_now(checks[0].id))
    await until(lambda: begun == ["run"])
    stopping = asyncio.create_task(bench.engine.stop(60.0))
    await asyncio.sleep(0)
    late = (await bench.engine.run_now(checks[1].id)).outcome
    bench.adopt(replace(checks[0], interval=1.0), replace(checks[1], interval=1.0))
    may_end.set()
    await stopping
    assert (late.status, late.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert (await joined).outcome is OK
    assert begun == ["run"]
    assert all(bench.engine.next_due(check.id) is None for check in checks)
