"""What plots are drawn from, gathered by either database."""

from __future__ import annotations

from pacs_monitor.history import History, Revision, Runs, trends
from pacs_monitor.history.trends import Growth, RunsIn, Slot
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND
from tests.history.conftest import START
from tests.history.things import DISK, ECHO
from tests.support.measured import Counted, Values, put

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
BEGIN = START // DAY * DAY


async def test_runs_are_found_by_the_hours_and_days_that_touch_a_time(history: History, url: str) -> None:
    await history.adopt([ECHO, DISK], Revision("r"))
    counted = [
        Counted(ECHO, 86_400, BEGIN - DAY, Runs(ok=9, buckets={1: 9})),
        Counted(ECHO, 86_400, BEGIN - 2 * DAY, Runs(ok=8)),
        Counted(ECHO, 3600, BEGIN, Runs(ok=2, unknown=1)),
        Counted(ECHO, 3600, BEGIN + 5 * HOUR, Runs(ok=1)),
        Counted(DISK, 3600, BEGIN, Runs(ok=7)),
    ]
    put(url, counted=counted)

    found = trends.runs_of(history.reader, [ECHO], Interval(BEGIN - HOUR, BEGIN + 5 * HOUR))

    day, hour = Interval(BEGIN - DAY, BEGIN), Interval(BEGIN, BEGIN + HOUR)
    assert found == {ECHO: [RunsIn(day, Runs(ok=9, buckets={1: 9})), RunsIn(hour, Runs(ok=2, unknown=1))]}


async def test_values_are_gathered_in_slots_and_empty_ones_are_left_out(history: History, url: str) -> None:
    await history.adopt([DISK], Revision("r"))
    at = [(BEGIN, 4.0), (BEGIN + 14 * MINUTE, 8.0), (BEGIN + 15 * MINUTE, 1.0), (BEGIN + 3 * HOUR, 5.0)]
    put(url, [Values(DISK, "disk_free_bytes", {"volume": "/"}, at)])
    put(url, [Values(DISK, "disk_free_bytes", {"volume": "/srv"}, [(BEGIN, 9.0)])])

    first, second = trends.series_of(history.reader, "ris")
    times = [Interval(BEGIN, BEGIN + HOUR), Interval(BEGIN + 2 * HOUR, BEGIN + 3 * HOUR)]
    found = trends.levels(history.reader, [first.id, second.id], times, 15 * MINUTE)

    assert [first.labels, second.labels] == [(("volume", "/"),), (("volume", "/srv"),)]
    assert found == {
        first.id: [Slot(BEGIN, 4.0, 8.0, 6.0), Slot(BEGIN + 15 * MINUTE, 1.0, 1.0, 1.0)],
        second.id: [Slot(BEGIN, 9.0, 9.0, 9.0)],
    }


async def test_what_came_is_the_growth_of_a_total_and_nothing_is_told_across_a_gap(history: History, url: str) -> None:
    await history.adopt([DISK], Revision("r"))
    counts = [
        (BEGIN - 30 * MINUTE, 100.0),
        (BEGIN, 110.0),
        (BEGIN + 30 * MINUTE, 112.0),
        (BEGIN + 59 * MINUTE, 111.0),  # one was deleted
        (BEGIN + 70 * MINUTE, 3.0),  # begun anew
        (BEGIN + 80 * MINUTE, 4.0),
        (BEGIN + 5 * HOUR, 900.0),  # nobody has looked for hours
        (BEGIN + 5 * HOUR + 30 * MINUTE, 950.0),
    ]
    put(url, [Values(DISK, "hl7_feed_messages", {"feed": "ADT"}, counts)])
    (series,) = trends.series_of(history.reader, "ris")

    found = trends.growth(history.reader, [series.id], [Interval(BEGIN, BEGIN + 6 * HOUR)])

    assert found == {
        series.id: [
            Growth(BEGIN, 12.0, 89 * MINUTE),
            Growth(BEGIN + HOUR, 4.0, 21 * MINUTE),
            Growth(BEGIN + 5 * HOUR, 50.0, 30 * MINUTE),
        ]
    }
