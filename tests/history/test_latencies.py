"""Runs against agreed limits are counted once, and for good."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pacs_monitor.fields import Match
from pacs_monitor.history import History, ResultAccumulator
from pacs_monitor.history.latencies import counts
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.latency import Counted, CountedOf, Limit
from pacs_monitor.model import SECOND, CheckId, Micros, Reason, State
from pacs_monitor.windows import Window
from tests.history.conftest import START, HandClock, Opener
from tests.history.things import DISK, ECHO, result

EVER = Interval(-FOREVER, FOREVER)
HOUR = 3600 * SECOND
FAST, FASTER = Limit("fast", "dicom_echo", 2 * SECOND), Limit("faster", "dicom_echo", SECOND)
MIDNIGHT = 1_790_892_000 * SECOND
"""2026-10-02 00:00 in Berlin."""


def counting(*limits: Limit) -> ResultAccumulator:
    made = ResultAccumulator()
    made.latencies.adopt({ECHO: limits}, "Europe/Berlin")
    return made


def ran(
    made: ResultAccumulator, at: Micros, seconds: float, check: CheckId = ECHO, reason: Reason | None = None
) -> None:
    made.take(replace(result(at, reason, check=check), probe="dicom_echo", duration=seconds), State.UP)


async def beat(history: History, made: ResultAccumulator, now: Micros) -> None:
    await asyncio.wrap_future(history.beat(made.take_batch(now)))


async def test_counts_add_up_over_heartbeats_and_restarts(reopen: Opener, clock: HandClock) -> None:
    history, made = reopen(), counting(FAST, FASTER)
    for seconds in (0.5, 1.5, 2.5):
        ran(made, START, seconds)
    ran(made, START, 9.0, DISK)
    await beat(history, made, clock.move(5))
    ran(made, START + SECOND, 0.5)
    await beat(history, made, clock.move(5))
    history, made = reopen(), counting(FAST)
    ran(made, START + 2 * SECOND, 0.5)
    ran(made, START + 2 * SECOND, 0.5, reason=Reason.TCP_REFUSED)
    await beat(history, made, clock.move(5))
    found = counts(history.reader, EVER)
    assert {(of.check, of.objective): one for of, one in found.items()} == {
        (ECHO, "fast"): Counted(4, 1, 1),
        (ECHO, "faster"): Counted(2, 2, 0),
    }


async def test_each_day_of_the_monitors_zone_has_its_own(history: History, clock: HandClock) -> None:
    made = counting(FAST)
    for at in (MIDNIGHT - SECOND, MIDNIGHT, MIDNIGHT + 24 * HOUR - 1, MIDNIGHT + 24 * HOUR):
        ran(made, at, 0.5)
    await beat(history, made, clock.move(5))
    ran(made, MIDNIGHT - SECOND, 5.0)  # ended late
    await beat(history, made, clock.move(5))

    def of(day: Micros) -> CountedOf:
        return CountedOf(ECHO, "fast", "dicom_echo", 2 * SECOND, day)

    assert counts(history.reader, EVER) == {
        of(MIDNIGHT - 24 * HOUR): Counted(1, 1),
        of(MIDNIGHT): Counted(2),
        of(MIDNIGHT + 24 * HOUR): Counted(1),
    }
    assert list(counts(history.reader, Interval(MIDNIGHT, MIDNIGHT + 24 * HOUR))) == [of(MIDNIGHT)]


async def test_another_limit_counts_anew_and_what_is_planned_is_left_out(history: History, clock: HandClock) -> None:
    made = counting(FAST)
    ran(made, START, 1.5)
    made.latencies.adopt({ECHO: (replace(FAST, within=SECOND),)}, "Europe/Berlin")
    ran(made, START, 1.5)
    window = Window("01J", "patching", Match(), START, START + HOUR)
    made.latencies.planned = {ECHO: window}.get
    ran(made, START, 1.5)
    made.latencies.adopt({ECHO: (replace(FAST, within=SECOND, with_maintenance=True),)}, "Europe/Berlin")
    ran(made, START, 1.5)
    await beat(history, made, clock.move(5))
    found = {of.within: one for of, one in counts(history.reader, EVER).items()}
    assert found == {2 * SECOND: Counted(1), SECOND: Counted(0, 2)}
