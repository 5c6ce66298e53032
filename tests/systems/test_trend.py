from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.systems.shared.trend import CLOSEST, KEPT, SHORTEST, Sample, full_in, noted
from tests.systems.filling import (
    DAY,
    FILLING,
    STANDING,
    Pattern,
    ahead,
    bursts,
    first_warning,
    forecasts,
    rows,
    rush,
    steady,
    told,
    with_files_that_come_and_go,
    with_noise,
    with_rotation,
    working_days,
)

HOUR, GB = 3600.0, 1e9
SIZE = 100 * GB


def followed(free: Callable[[float], float], times: Iterable[float]) -> list[Sample]:
    samples: list[Sample] = []
    for now in times:
        samples = noted(samples, now, free(now))
    return samples


def every(step: float, until: float) -> Iterable[float]:
    return (turn * step for turn in range(int(until / step) + 1))


def forecast(free: Callable[[float], float], at: float, step: float = 60.0) -> float | None:
    """Hours until full, as forecast at this time."""
    found = full_in(followed(free, every(step, at)))
    return None if found is None else found / HOUR


def filling(hours: float) -> Callable[[float], float]:
    return lambda t: SIZE * (1 - t / (hours * HOUR))


def test_a_steady_rate_is_predicted_to_the_percent_at_any_time_ahead() -> None:
    for left in (6 * 60, 3 * 60, 60, 30, 5):
        assert ahead(steady, left, [0]) == [pytest.approx(left, rel=0.01)]


def test_a_rush_that_began_two_hours_ago_is_predicted_an_hour_ahead() -> None:
    """After thirty quiet hours, which would say that there is time."""
    assert ahead(rush, 60, [0]) == [pytest.approx(60, rel=0.05)]


@pytest.mark.parametrize("period", [20 * 60.0, 30 * 60.0, HOUR])
def test_regular_bursts_are_predicted_to_the_period_an_hour_ahead(period: float) -> None:
    """All of a period's growth comes in its first fifth; the eighth hour's last one fills the disk."""

    def free(t: float) -> float:
        whole, part = divmod(t, period)
        return SIZE - (whole + min(1.0, part / (period / 5))) * period / (8 * HOUR) * SIZE

    full = 8 * HOUR - 0.8 * period
    for left in range(45, 76, 5):
        assert forecast(free, full - left * 60) == pytest.approx(left / 60, abs=period / HOUR)


@pytest.mark.parametrize(("period", "early", "late"), [(20, 0.5, 2.5), (60, 0.3, 4.0)])
def test_irregular_bursts_are_predicted_an_hour_ahead_to_a_burst_or_two(period: int, early: float, late: float) -> None:
    for found in ahead(bursts(period), 60, range(4)):
        assert found is not None
        assert early * 60 < found < late * 60


def test_who_asks_for_six_hours_is_warned_of_bursts_three_to_ten_hours_ahead() -> None:
    pattern = Pattern("", bursts(60))
    for seed in range(4):
        assert 2.5 * 60 < first_warning(pattern, forecasts(pattern.uses(seed)), 360) < 10 * 60


def test_day_and_night_are_predicted_an_hour_ahead() -> None:
    for found in ahead(working_days, 30, range(3)):
        assert found == pytest.approx(30, rel=0.4)


@pytest.mark.parametrize("pattern", [with_rotation, with_files_that_come_and_go, with_noise])
def test_what_is_deleted_now_and_then_hides_no_forecast(pattern: Callable[[int], list[float]]) -> None:
    for found in ahead(pattern, 60, range(3)):
        assert found == pytest.approx(60, rel=0.3)


@pytest.mark.parametrize("pattern", STANDING[:3], ids=lambda pattern: pattern.words)
def test_a_disk_that_something_keeps_from_filling_is_never_said_to_be_full_soon(pattern: Pattern) -> None:
    assert told(pattern, 12 * 60, [1]) == 0


def test_a_deleter_that_keeps_the_level_every_half_hour_causes_no_forecast() -> None:
    def sawtooth(t: float) -> float:
        return (0.2 - 0.1 * (t % (HOUR / 2)) / (HOUR / 2)) * SIZE

    assert all(forecast(sawtooth, 6 * HOUR + minutes * 60) is None for minutes in range(0, 60, 5))


def test_one_import_is_no_trend_once_it_is_over() -> None:
    found = [found for _, found in forecasts(STANDING[3].uses(0))]
    assert sum(value is not None for value in found) <= 30


@pytest.mark.parametrize("seed", range(4))
def test_a_disk_that_was_cleaned_for_good_is_never_said_to_be_full(seed: int) -> None:
    assert told(STANDING[4], 100 * DAY, [seed]) == 0


def test_a_disk_that_was_cleaned_has_a_forecast_again_when_it_has_filled_as_long_as_that_reaches() -> None:
    """At 5 % an hour to 95 %, cleaned to 40 % after 19 hours: half of the rest is gone six hours later."""

    def free(t: float) -> float:
        return SIZE * (1 - 0.05 * t / HOUR if t < 19 * HOUR else 0.6 - 0.05 * (t - 19 * HOUR) / HOUR)

    assert forecast(free, 19 * HOUR - 60) == pytest.approx(1, rel=0.05)
    assert [forecast(free, (19 + hours) * HOUR) for hours in (0, 0.5, 2, 5.9)] == [None] * 4
    assert [forecast(free, (19 + hours) * HOUR) for hours in (7, 8, 11)] == pytest.approx([5, 4, 1], rel=0.01)


def test_a_quiet_disk_and_one_that_empties_have_no_forecast() -> None:
    assert forecast(lambda _: 0.3 * SIZE, 7 * HOUR) is None
    assert forecast(lambda _: 0, 7 * HOUR) is None
    assert forecast(lambda t: SIZE * t / (80 * HOUR), 7 * HOUR) is None


def test_a_volume_that_was_extended_is_as_one_that_was_cleaned_and_one_that_shrank_is_full_no_later() -> None:
    """Steady at 5 % an hour; after ten hours 20 % of the size come or go."""

    def resized(by: float) -> Callable[[float], float]:
        return lambda t: SIZE * (1 - 0.05 * t / HOUR + (by if t >= 10 * HOUR else 0))

    assert forecast(resized(0.2), 10 * HOUR) is None
    assert forecast(resized(0.2), 21.9 * HOUR) == pytest.approx(2.1, rel=0.01)
    assert forecast(resized(-0.2), 9.9 * HOUR) is None
    for left in (5, 3, 2, 1):
        found = forecast(resized(-0.2), (16 - left) * HOUR)
        assert found is not None
        assert 0.4 * left < found <= left


def test_a_gap_of_the_monitor_is_bridged() -> None:
    seen = [at for at in every(60, 15 * HOUR) if not 7 * HOUR < at < 12 * HOUR]
    assert full_in(followed(filling(16), seen)) == pytest.approx(HOUR, rel=0.01)
    assert full_in(followed(filling(16), (at for at in seen if at <= 12 * HOUR))) == pytest.approx(4 * HOUR, rel=0.01)


def test_a_clock_that_was_set_back_begins_anew_and_one_that_was_set_forward_only_slows_the_forecast() -> None:
    whole = followed(filling(8), every(60, 7 * HOUR))
    assert noted(whole, 6 * HOUR, 1.0) == [(6 * HOUR, 1.0)]
    late = full_in(noted(whole, 8 * HOUR, SIZE / 8 - GB))
    assert late is not None
    assert 0.9 * HOUR < late < 2 * HOUR


@pytest.mark.parametrize("minutes", [1 / 3, 5, 15, 60])
def test_whatever_the_interval_a_steady_rate_is_predicted(minutes: float) -> None:
    assert forecast(filling(24), 20 * HOUR, minutes * 60) == pytest.approx(4, rel=0.02)


def test_a_system_that_brings_its_numbers_up_to_date_every_quarter_of_an_hour_is_predicted_to_that() -> None:
    steps = filling(24)
    assert forecast(lambda t: steps(t // 900 * 900), 23 * HOUR) == pytest.approx(1, abs=0.25)


def test_a_slow_archive_is_predicted_a_month_ahead() -> None:
    assert forecast(filling(120 * 24), 90 * 24 * HOUR, HOUR) == pytest.approx(30 * 24, rel=0.01)


STEPS = st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 10**15)), max_size=300)


@given(STEPS)
def test_whatever_comes_the_samples_are_few_ordered_and_end_with_the_newest(steps: list[tuple[int, int]]) -> None:
    samples: list[Sample] = []
    now = 0
    for step, free in steps:
        now += step
        samples = noted(samples, now, free)
        found = full_in(samples)
        assert samples[-1] == (now, free)
        assert found is None or 0 <= found <= now - samples[0][0] <= KEPT
    assert samples == sorted(samples, key=lambda sample: sample[0])
    assert len(samples) < 150


def test_a_hundred_days_of_every_minute_are_few_samples_near_enough_to_each_other() -> None:
    samples: list[Sample] = []
    now = 0.0
    while now < 1.1 * KEPT:
        now += 60 if now > KEPT else 3600
        samples = noted(samples, now, SIZE)
    assert len(samples) < 150
    for (at, _), (following, _) in pairwise(samples):
        assert following - at <= max(CLOSEST, (now - at) / 8, 3600)
    assert now - samples[0][0] > 0.85 * KEPT > SHORTEST


@pytest.mark.proof
def test_the_figures_of_the_docs_are_those_of_the_simulation() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "systems.md").read_text(encoding="utf-8")
    for row in rows():
        assert row in docs, "run python -m tests.systems.filling"


def test_the_patterns_are_what_they_say() -> None:
    for pattern in FILLING:
        uses = pattern.uses(0)
        assert (round(uses[-1], 9), max(uses)) == (1.0, max(uses[-1], 1.0))
    for pattern in STANDING:
        assert max(pattern.uses(0)) < 1
