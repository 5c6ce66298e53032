"""What plots draw and say: only what is known."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.history import Runs
from pacs_monitor.history.accumulator import bucket
from pacs_monitor.history.trends import RunsIn, Slot
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Outcome, Phase, Reason, Result, Status
from pacs_monitor.web.pages.plots import volumes
from pacs_monitor.web.pages.plots.axes import BYTES, COUNT, SECONDS, Unit, ticks, times
from pacs_monitor.web.pages.plots.drawing import HIGH, Plot
from pacs_monitor.web.pages.plots.latency import daily, latency, latest
from pacs_monitor.web.pages.plots.levels import Course, Forecast, level
from pacs_monitor.web.pages.plots.spans import DAY, HOUR, MINUTE, SPANS, View, around, back, gaps
from pacs_monitor.web.pages.times import Times

NOW = 1_795_780_800 * SECOND  # 2026-11-27 12:00 UTC
VIEW = back(SPANS["day"], NOW, "Europe/Berlin")
CHECK = CheckId("archive", "dicom_echo")


def shapes(plot: Plot, kind: str) -> list[ElementTree.Element]:
    """The parts of a plot that have a class."""
    return [one for one in ElementTree.fromstring(plot.svg).iter() if kind in one.get("class", "").split()]


def slots(*values: tuple[int, float]) -> list[Slot]:
    """Of a number of steps before now."""
    return [Slot(NOW - back * VIEW.step, value, value, value) for back, value in values]


def course(found: list[Slot], forecast: Forecast | None = None) -> Course:
    return Course("c", "room, /: free", BYTES, found, 3 * MINUTE, True, forecast)


@given(
    st.floats(-1e15, 1e15, allow_nan=False),
    st.floats(0, 1e15),
    st.sampled_from([SECONDS, BYTES, COUNT]),
)
def test_a_scale_has_a_few_round_values_and_holds_all_that_is_drawn(low: float, size: float, unit: Unit) -> None:
    high = max(0.0, low + size)
    found = ticks(low, high, unit)

    assert 2 <= len(found) <= 8
    assert found[0] <= min(low, 0) * (1 - 1e-9) + 1e-9
    assert found[-1] >= high * (1 - 1e-6)
    assert found == sorted(set(found))


@pytest.mark.parametrize("length", [HOUR, 6 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 900 * DAY])
def test_times_below_are_few_round_and_within(length: int) -> None:
    during = Interval(NOW - length, NOW)
    found = times(during, ZoneInfo("Europe/Berlin"))

    assert 2 <= len(found) <= 9
    assert all(during.start <= at < during.end for at, _ in found)


def test_what_was_not_measured_is_a_gap_and_no_zero() -> None:
    plot = level(course(slots((80, 5e9), (79, 5e9), (20, 4e9), (19, 4e9))), VIEW)

    (line,) = shapes(plot, "p-line")
    assert line.get("d", "").count("M") == 2
    assert not re.search(rf"[ L]\S+ {HIGH}\b", line.get("d", ""))
    assert len(shapes(plot, "p-gap")) == 3
    assert len(plot.rows) == 4


def test_nothing_at_all_is_said_and_hatched() -> None:
    plot = level(course([]), VIEW)

    assert plot.said == "Nothing was measured in this time."
    assert [one.get("width") for one in shapes(plot, "p-gap")] == ["100.00%"]
    assert not shapes(plot, "p-line")


def test_a_value_alone_is_a_dot() -> None:
    (line,) = shapes(level(course(slots((50, 5e9))), VIEW), "p-line")

    assert line.get("d", "").endswith("h0")


def test_the_forecast_is_drawn_as_the_check_has_said_it() -> None:
    found = slots(*((n, 1e9 + n * 1e8) for n in range(90, 0, -1)))
    plot = level(course(found, Forecast(NOW - MINUTE, 1e9, NOW + 2 * HOUR)), VIEW)

    (line,) = shapes(plot, "p-forecast")
    assert line.get("d", "").endswith(f" {HIGH}")  # nothing is left
    assert "At its present rate nothing is left in 2 h, on Fri 27 Nov 15:00." in plot.said
    assert any("forecast" in words for _, words in plot.legend)


def test_a_forecast_that_is_far_away_is_cut_on_its_way() -> None:
    plot = level(course(slots((2, 1e9), (1, 1e9)), Forecast(NOW, 1e9, NOW + 30 * DAY)), VIEW)

    (line,) = shapes(plot, "p-forecast")
    assert not line.get("d", "").endswith(f" {HIGH}")
    assert "in 30 d, on Sun 27 Dec 13:00" in plot.said


def test_without_a_forecast_none_is_drawn_and_it_is_said() -> None:
    plot = level(course(slots((2, 1e9), (1, 1e9))), VIEW)

    assert not shapes(plot, "p-forecast")
    assert "There is no forecast" in plot.said


def runs(*seconds: float, fail: int = 0) -> Runs:
    counted = Runs(ok=len(seconds) - fail, fail=fail)
    for one in seconds:
        counted.buckets[bucket(one)] = counted.buckets.get(bucket(one), 0) + 1
    return counted


def hour(back: int, counted: Runs) -> RunsIn:
    return RunsIn(Interval(NOW - back * HOUR, NOW - (back - 1) * HOUR), counted)


def test_latencies_have_their_failures_and_their_gaps() -> None:
    rows = [hour(9, runs(0.01, 0.02)), hour(8, Runs(unknown=5)), hour(7, runs(0.01, 5.0, fail=1))]
    plot = latency("l", rows, VIEW, "echo")

    assert len(shapes(plot, "p-line")) == 2
    assert len(shapes(plot, "p-failed")) == 1
    assert len(shapes(plot, "p-gap")) == 3
    assert plot.said.startswith("Half of the runs took at most 1")
    assert "1 of 9 runs failed." in plot.said
    assert [row[1:] for row in plot.rows][1] == ("5", "", "", "0", "5")


def test_one_time_out_does_not_flatten_all_else() -> None:
    rows = [hour(n, runs(*[0.01] * 40)) for n in range(9, 2, -1)] + [hour(2, runs(*[10.0] * 5, fail=5))]
    plot = latency("l", rows, VIEW, "echo")

    assert len(shapes(plot, "p-cut")) == 1
    assert "beyond the scale" in plot.said
    assert max(value for value in (one.text or "" for one in shapes(plot, "p-value"))) < "9"


def test_hours_become_days_in_a_quarter() -> None:
    merged = daily([hour(9, runs(0.01)), hour(8, runs(0.02)), hour(30, runs(0.03))][::-1])

    assert [one.runs.ok for one in merged] == [1, 2]
    assert all(one.during.end - one.during.start == DAY for one in merged)


def test_the_last_runs_are_stacked_by_phase() -> None:
    phases = {Phase.CONNECT: 0.001, Phase.ASSOCIATE: 0.003}
    good = Result(CHECK, "dicom_echo", Outcome(Status.OK, phases=phases), NOW - MINUTE, 0.004)
    bad = Outcome.of(Reason.ACSE_TIMEOUT, phase=Phase.ASSOCIATE, phases={Phase.CONNECT: 0.002})
    plot = latest("p", [good, Result(CHECK, "dicom_echo", bad, NOW, 1.0)], Times(NOW, "UTC"))

    assert plot is not None
    assert len(shapes(plot, "phase-connect")) == 2
    assert len(shapes(plot, "phase-associate")) == 1
    assert len(shapes(plot, "p-failed")) == 1
    assert plot.head == ("Started", "connect", "associate", "Result")
    assert plot.rows[0] == ("12:00:00", "2 ms", "", "failure")
    assert latest("p", [], Times(NOW, "UTC")) is None


def volume(values: dict[int, float], view: View) -> Plot:
    return volumes.volume("v", "feed", COUNT, volumes.hours(values, view), view, adds=True)


def test_an_hour_is_compared_with_the_same_hour_by_the_clock_in_the_weeks_before() -> None:
    now = 1_774_861_200 * SECOND  # 2026-03-30 11:00 in Berlin, a day after clocks were set
    view, asked = volumes.windows(now, "Europe/Berlin")
    last = now - 2 * HOUR
    values = {last: 10.0} | {last - 7 * week * DAY + HOUR: 40.0 + week for week in (1, 2, 3)}
    plot = volume(values, view)

    assert all(any(one.start <= at < one.end for one in asked) for at in values)
    assert len(shapes(plot, "p-usual")) == 1
    assert "10 in 1 hour that was measured." in plot.said
    assert "Less than half of the least of those weeks: 09:00." in plot.said


def test_without_three_weeks_nothing_is_usual() -> None:
    view, _ = volumes.windows(NOW, "UTC")
    plot = volume({NOW - 2 * HOUR: 10.0, NOW - 2 * HOUR - 7 * DAY: 9.0, NOW - 2 * HOUR - 14 * DAY: 9.0}, view)

    assert not shapes(plot, "p-usual")
    assert "not known yet" in plot.said
    assert plot.rows[2][2] == "not known"


def test_the_hour_that_goes_on_is_not_judged() -> None:
    view, _ = volumes.windows(NOW + MINUTE, "UTC")
    values = {NOW: 1.0} | {NOW - 7 * week * DAY: 90.0 for week in (1, 2, 3, 4)}
    plot = volume(values, view)

    assert plot.said == "No hour of this time was measured as a whole."
    assert len(shapes(plot, "p-begun")) == 1


def test_around_an_incident_there_is_time_before_and_after_but_none_to_come() -> None:
    view = around(NOW - HOUR, None, NOW, "UTC")
    over = around(NOW - 90 * DAY, NOW - 89 * DAY, NOW, "UTC")

    assert view.during == Interval(NOW - 4 * HOUR, NOW)
    assert over.during == Interval(NOW - 93 * DAY, NOW - 86 * DAY)
    assert (over.during.end - over.during.start) / over.step <= 100


def test_gaps_are_what_is_left() -> None:
    found = gaps([Interval(2, 4), Interval(4, 6), Interval(7, 8)], Interval(0, 20), 1)

    assert list(found) == [Interval(0, 2), Interval(8, 20)]


def test_what_others_say_is_text() -> None:
    plot = level(course(slots((1, 1.0)))._replace(title="<script>alert(1)</script>"), VIEW)

    assert "<script" not in plot.svg
