from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.systems.trend import LOOKS, STEP, Sample, grown, rate

HOUR, GB = 3600.0, 1e9
SIZE = 100 * GB


def followed(usage: Callable[[float], float], until: float, every: float = 60.0) -> list[Sample]:
    samples: list[Sample] = []
    now = 0.0
    while now <= until:
        samples = grown(samples, now, usage(now))
        now += every
    return samples


def predicted(usage: Callable[[float], float], at: float) -> float | None:
    """Hours until full, as forecast at this time."""
    speed = rate(followed(usage, at))
    return (SIZE - usage(at)) / speed / HOUR if speed and speed > 0 else None


def test_a_steady_rate_is_predicted_to_the_percent_an_hour_ahead() -> None:
    assert predicted(lambda t: t / (8 * HOUR) * SIZE, 7 * HOUR) == pytest.approx(1.0, rel=0.01)


def test_a_rush_that_began_two_hours_ago_is_predicted_an_hour_ahead() -> None:
    """Quiet for five hours, then full within three: the long look alone would say four hours."""

    def rush(t: float) -> float:
        return 0.4 * SIZE + max(0.0, t - 5 * HOUR) / (3 * HOUR) * 0.6 * SIZE

    assert predicted(rush, 7 * HOUR) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("period", [20 * 60.0, 30 * 60.0, HOUR])
def test_bursts_are_predicted_to_the_period_an_hour_ahead(period: float) -> None:
    """All of a period's growth comes in its first fifth; the eighth hour's last one fills the disk."""

    def bursts(t: float) -> float:
        whole, part = divmod(t, period)
        return (whole + min(1.0, part / (period / 5))) * period / (8 * HOUR) * SIZE

    full = 8 * HOUR - 0.8 * period
    for ahead in range(45, 76, 5):
        assert predicted(bursts, full - ahead * 60) == pytest.approx(ahead / 60, abs=period / HOUR)


def test_a_disk_that_was_just_cleaned_has_no_forecast_until_it_is_known_again() -> None:
    def cleaned(t: float) -> float:
        return t / (8 * HOUR) * SIZE if t < 7 * HOUR else 0.5 * SIZE + (t - 7 * HOUR) / (40 * HOUR) * SIZE

    assert predicted(cleaned, 7 * HOUR - 60) == pytest.approx(1.0, rel=0.05)
    assert predicted(cleaned, 7 * HOUR + 60) is None
    assert predicted(cleaned, 7.5 * HOUR) is None
    assert predicted(cleaned, 8 * HOUR) == pytest.approx(19.0, rel=0.05)


def test_a_quiet_disk_and_one_that_empties_have_no_forecast() -> None:
    assert predicted(lambda _: 0.7 * SIZE, 7 * HOUR) is None
    assert predicted(lambda t: SIZE * (1 - t / (80 * HOUR)), 7 * HOUR) is None


def test_a_deleter_that_keeps_the_level_every_half_hour_causes_no_forecast() -> None:
    def sawtooth(t: float) -> float:
        return (0.8 + 0.1 * (t % (HOUR / 2)) / (HOUR / 2)) * SIZE

    assert all(predicted(sawtooth, 6 * HOUR + minutes * 60) is None for minutes in range(0, 60, 5))


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 1e15)), max_size=200))
def test_whatever_comes_the_samples_are_few_ordered_and_end_with_the_newest(steps: list[Sample]) -> None:
    samples: list[Sample] = []
    now = 0.0
    for step, value in steps:
        now += step
        samples = grown(samples, now, value)
        rate(samples)
        assert samples[-1] == (now, value)
    assert len(samples) <= LOOKS[-1] / STEP + 2
    assert samples == sorted(samples, key=lambda sample: sample[0])
