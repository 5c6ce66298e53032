"""What the heartbeat writes, and how runs are gathered for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pacs_monitor.history import ChangeSeen, HeartbeatBatch, History, HistoryError, ResultAccumulator, Runs, Sample
from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import GROWTH, bucket
from pacs_monitor.history.coverage import Alive
from pacs_monitor.history.retention import Kept
from pacs_monitor.intervals import FOREVER
from pacs_monitor.model import (
    SECOND,
    Change,
    Check,
    Entry,
    Measure,
    Measurement,
    Micros,
    Phase,
    Reason,
    State,
    Transition,
)
from pacs_monitor.uptime import Cause, Coverage
from tests.history.conftest import START, HandClock, Opener
from tests.history.things import DISK, ECHO, outage, result, went

KEPT = Kept(FOREVER, FOREVER, FOREVER)

HOUR = 3600
DAY = 24 * HOUR
FAIL = Reason.TCP_REFUSED


def rows(history: History, table: Any) -> list[dict[str, Any]]:
    with history.reader.connected() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


async def beat(history: History, batch: HeartbeatBatch) -> None:
    await asyncio.wrap_future(history.beat(batch))


def ran(now: Micros, **counts: Any) -> HeartbeatBatch:
    return HeartbeatBatch(now, runs={ECHO: Runs(**counts)})


def told(tally: ResultAccumulator, *steps: tuple[Reason | None, State]) -> HeartbeatBatch:
    """The pulse after results a second apart, each a reason and the state that it left."""
    for number, (reason, state) in enumerate(steps):
        tally.take(result(START + number * SECOND, reason), state)
    return tally.take_batch(START + len(steps) * SECOND)


async def test_a_pulse_that_cannot_be_written_keeps_no_time_from_being_covered(
    history: History, clock: HandClock
) -> None:
    broken = Sample(ECHO, START, Measurement("queue_length", 10**400))
    with pytest.raises(HistoryError):
        await beat(history, HeartbeatBatch(clock.move(5), samples=[broken]))
    with pytest.raises(HistoryError):
        await beat(history, HeartbeatBatch(clock.move(5)))

    assert history.reader.coverage() == (Coverage(START, START + 10 * SECOND),)


async def test_changes_of_peers_are_recorded_once_and_read_the_latest_first(history: History) -> None:
    version = Change("implementation version name", "3f", "a7")
    contexts = Change("context", "accepted", "refused")
    tally = ResultAccumulator()
    tally.take(result(START, changes=(version,)), State.UP)
    tally.take(result(START + SECOND), State.UP)
    tally.take(result(START + 2 * SECOND, changes=(contexts,), check=DISK), State.UP)
    batch = tally.take_batch(START + 3 * SECOND)
    await beat(history, batch)
    await beat(history, batch)
    newest, oldest = history.reader.changes()
    assert newest == ChangeSeen(DISK, START + 2 * SECOND, contexts)
    assert oldest == ChangeSeen(ECHO, START, version)
    assert history.reader.changes(limit=1) == (newest,)


async def test_runs_of_an_hour_add_up_over_a_restart(reopen: Opener, clock: HandClock) -> None:
    history = reopen()
    await beat(history, ran(START + 1, ok=3, fail=1, seconds=0.5, buckets={7: 4}))
    await beat(history, ran(START + 2, ok=2, brief=1, seconds=0.25, buckets={7: 1, 9: 1}))
    history = reopen()
    await beat(history, ran(START + 3, ok=1, unknown=1, warn=1, seconds=0.25, buckets={9: 2}))
    expected = Runs(ok=6, warn=1, fail=1, unknown=1, brief=1, seconds=1.0, buckets={7: 5, 9: 3})
    assert history.reader.runs(START - HOUR * SECOND, START + 9) == {ECHO: expected}
    assert expected.total == 9


async def test_after_three_days_hours_become_a_day_and_nothing_is_lost(history: History, clock: HandClock) -> None:
    midnight = START // (DAY * SECOND) * DAY * SECOND
    for hour in (0, 1, 30):
        await beat(history, ran(midnight + hour * HOUR * SECOND, ok=10, fail=hour, buckets={hour: 10}))
    await beat(history, ran(midnight + 4 * DAY * SECOND, ok=1))
    clock.time = midnight + 4 * DAY * SECOND
    await history.compact(KEPT)
    widths = [(row["width"], row["started"]) for row in rows(history, t.rollups)]
    assert sorted(widths) == [
        (HOUR, midnight + 30 * HOUR * SECOND),
        (HOUR, midnight + 4 * DAY * SECOND),
        (DAY, midnight),
    ]
    late = midnight + 2 * HOUR * SECOND
    await beat(history, ran(late, ok=5))
    await history.compact(KEPT)
    day = history.reader.runs(midnight, midnight + HOUR * SECOND)
    assert day == {ECHO: Runs(ok=25, fail=1, buckets={0: 10, 1: 10})}


async def test_failures_in_a_row_are_one_row_also_over_heartbeats(history: History) -> None:
    tally = ResultAccumulator()
    await beat(history, told(tally, (FAIL, State.UP), (FAIL, State.UP)))
    tally.take(result(START + 9 * SECOND, FAIL, detail="still"), State.DOWN)
    tally.take(result(START + 10 * SECOND, Reason.ACSE_TIMEOUT, phase=Phase.ASSOCIATE), State.DOWN)
    await beat(history, tally.take_batch(START + 11 * SECOND))
    tally.take(result(START + 12 * SECOND), State.DOWN)
    tally.take(result(START + 13 * SECOND, Reason.ACSE_TIMEOUT, phase=Phase.ASSOCIATE), State.DOWN)
    await beat(history, tally.take_batch(START + 14 * SECOND))
    kept = [(r["reason"], r["count"], r["detail"], (r["ended"] - START) // SECOND) for r in rows(history, t.failures)]
    assert kept == [("tcp_refused", 3, "still", 9), ("acse_timeout", 1, "", 10), ("acse_timeout", 1, "", 13)]


async def test_trends_are_kept_and_other_measurements_are_not(history: History) -> None:
    free = Measure("disk_free_bytes", "…", ("volume",), trend=True)
    probe = SimpleNamespace(kind="disk", measures=(free, Measure("disk_size_bytes", "…")))
    tally = ResultAccumulator()
    tally.adopt([cast("Check", SimpleNamespace(id=DISK, probe=probe))])
    for second, value in ((0, 7.0), (1, 6.5)):
        measurements = (
            Measurement("disk_free_bytes", value, (("volume", "/data"),)),
            Measurement("disk_free_bytes", 1.0, (("volume", "/"),)),
            Measurement("disk_size_bytes", 9.0),
        )
        tally.take(result(START + second, check=DISK, measurements=measurements), State.UP)
        await beat(history, tally.take_batch(START + second))
    series = {row["id"]: row["labels"]["volume"] for row in rows(history, t.series)}
    kept = sorted((series[row["series_id"]], row["at"] - START, row["value"]) for row in rows(history, t.samples))
    assert kept == [("/", 0, 1.0), ("/", 1, 1.0), ("/data", 0, 7.0), ("/data", 1, 6.5)]


async def test_what_a_probe_keeps_is_written_when_it_changes(history: History) -> None:
    memory: dict[str, Any] = {"sent": 1}
    await beat(history, HeartbeatBatch(START, memory={ECHO: memory}))
    memory["sent"] = 2
    await beat(history, HeartbeatBatch(START, memory={ECHO: memory, DISK: {"never": object()}}))
    assert history.reader.memory() == {ECHO: {"sent": 2}}


async def test_coverage_reaches_to_the_last_heartbeat_and_to_any_committed_row(
    reopen: Opener, clock: HandClock
) -> None:
    history = reopen()
    await beat(history, HeartbeatBatch(clock.move(5)))
    assert history.reader.coverage() == (Coverage(START, START + 5 * SECOND),)
    clock.move(2)
    await history.record(outage(START))
    assert history.reader.coverage() == (Coverage(START, START + 7 * SECOND),)
    history.close()
    again = clock.move(3600)
    history = reopen()
    await beat(history, HeartbeatBatch(clock.move(5)))
    assert history.reader.coverage() == (
        Coverage(START, START + 7 * SECOND),
        Coverage(again, again + 5 * SECOND),
    )
    assert history.reader.coverage(again) == (Coverage(again, again + 5 * SECOND),)


async def test_a_machine_that_slept_was_not_running(history: History, clock: HandClock) -> None:
    await beat(history, HeartbeatBatch(clock.move(5)))
    woke = clock.move(3600)
    await beat(history, HeartbeatBatch(woke))
    await beat(history, HeartbeatBatch(clock.move(5)))
    assert history.reader.coverage() == (
        Coverage(START, START + 5 * SECOND),
        Coverage(woke, woke + 5 * SECOND),
    )


async def test_a_clock_that_is_set_makes_both_of_its_readings_ambiguous(history: History, clock: HandClock) -> None:
    await beat(history, HeartbeatBatch(clock.move(5)))
    back = clock.move(-3600 + 5)
    await beat(history, HeartbeatBatch(back, step=-3600 * SECOND))
    await beat(history, HeartbeatBatch(clock.move(5)))
    assert sorted(history.reader.coverage()) == sorted(
        (
            Coverage(back - 5 * SECOND, START + 10 * SECOND, Cause.CLOCK),
            Coverage(back, back + 5 * SECOND),
            Coverage(START, START + 5 * SECOND),
        )
    )


def test_a_clock_that_is_set_forward_leaves_the_time_that_it_skipped_ambiguous() -> None:
    alive = Alive(1, "run", 0)
    alive.extend(5 * SECOND)
    alive.step(3610 * SECOND, 3600 * SECOND)
    spans = [numbered.coverage for numbered in (*alive._closed, alive._current)]
    assert Coverage(5 * SECOND, 3610 * SECOND, Cause.CLOCK) in spans
    assert spans[-1] == Coverage(3610 * SECOND, 3610 * SECOND)


async def boots_behind(reopen: Opener, clock: HandClock, *seen: Transition) -> tuple[Coverage, ...]:
    """The ambiguous time: an hour is recorded, a minute later the next run begins a day behind, and is set right."""
    history = reopen()
    for _ in range(120):
        await beat(history, HeartbeatBatch(clock.move(30)))
    history.close()
    clock.move(60 - DAY)
    history = reopen()
    await beat(history, HeartbeatBatch(clock.move(5)))
    await history.record(Entry(seen))
    await beat(history, HeartbeatBatch(clock.move(DAY + 5), step=DAY * SECOND))
    return tuple(span for span in history.reader.coverage() if span.cause is Cause.CLOCK)


async def test_a_machine_that_boots_with_a_clock_that_is_behind_takes_nothing_from_the_record(
    reopen: Opener, clock: HandClock
) -> None:
    nothing_measured = went(State.UNKNOWN, START + 1800 * SECOND, reason=Reason.NOT_MEASURED)
    (ambiguous,) = await boots_behind(reopen, clock, nothing_measured)
    assert ambiguous == Coverage(START + 3600 * SECOND, START + 3670 * SECOND, Cause.CLOCK)


async def test_where_a_clock_that_is_behind_has_written_into_the_record_nothing_can_be_said(
    reopen: Opener, clock: HandClock
) -> None:
    down_since = START + 1800 * SECOND
    (ambiguous,) = await boots_behind(reopen, clock, went(State.DOWN, down_since))
    assert ambiguous == Coverage(down_since, START + 3670 * SECOND, Cause.CLOCK)


def test_failed_runs_that_never_became_a_change_of_state_are_brief() -> None:
    up, down = State.UP, State.DOWN
    assert told(ResultAccumulator(), (None, up), (FAIL, up), (FAIL, up), (None, up)).runs[ECHO].brief == 2
    assert (
        told(ResultAccumulator(), (None, up), (FAIL, up), (FAIL, up), (FAIL, down), (None, down), (None, up))
        .runs[ECHO]
        .brief
        == 0
    )
    assert told(ResultAccumulator(), (None, up), (FAIL, up), (Reason.DNS, up), (None, up)).runs[ECHO].brief == 1
    assert (
        told(ResultAccumulator(), (FAIL, down), (None, down), (FAIL, down), (None, down), (None, up)).runs[ECHO].brief
        == 0
    )
    assert told(ResultAccumulator(), (FAIL, State.DEGRADED), (Reason.BUSY, State.DEGRADED)).runs[ECHO].brief == 1


def test_a_pulse_takes_everything_away_but_what_goes_on() -> None:
    tally = ResultAccumulator()
    told(tally, (None, State.UP), (FAIL, State.UP))
    tally.take(result(START + 9), State.UP)
    batch = tally.take_batch(START + 10)
    assert (batch.runs[ECHO].ok, batch.runs[ECHO].brief, batch.failures) == (1, 1, ())
    assert tally.take_batch(START + 11) == HeartbeatBatch(START + 11)


def test_unknown_runs_have_no_duration() -> None:
    runs = told(ResultAccumulator(), (None, State.UP), (Reason.DNS, State.UP)).runs[ECHO]
    assert (runs.ok, runs.unknown, runs.seconds, sum(runs.buckets.values())) == (1, 1, 0.01, 1)


@given(st.floats(1e-9, 1e5))
def test_a_bucket_holds_what_is_at_most_its_bound(seconds: float) -> None:
    number = bucket(seconds)
    assert seconds <= GROWTH**number * 1e-6 * (1 + 1e-9)
    assert number == 0 or seconds > GROWTH ** (number - 1) * 1e-6 * (1 - 1e-9)


@given(
    st.lists(
        st.builds(
            Runs,
            ok=st.integers(0, 9),
            fail=st.integers(0, 9),
            buckets=st.dictionaries(st.integers(0, 5), st.integers(1, 9)),
        )
    )
)
def test_merging_runs_in_any_order_gives_the_same(parts: list[Runs]) -> None:
    forwards, backwards = Runs(), Runs()
    for part in parts:
        forwards.add(part)
    for part in reversed(parts):
        backwards.add(part)
    assert forwards == backwards
