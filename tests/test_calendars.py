from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.calendars import DAY, Hours, outside, within
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros

BERLIN = ZoneInfo("Europe/Berlin")
HOUR: Micros = 3600 * SECOND


def at(text: str, zone: ZoneInfo = BERLIN) -> Micros:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND


def windows(hours: str, start: str, end: str) -> list[tuple[str, str]]:
    found = Hours.parse(hours).intervals(Interval(at(start), at(end)), BERLIN)
    return [tuple(f"{datetime.fromtimestamp(t // SECOND, BERLIN):%a %H:%M}" for t in window) for window in found]  # type: ignore[misc]


def test_hours_of_the_week_are_found_in_the_zone() -> None:
    assert windows("Mon-Fri 06:00-20:00, Sat 8:00-12:00", "2026-11-27T19:00", "2026-11-30T07:00") == [
        *[("Fri 19:00", "Fri 20:00"), ("Sat 08:00", "Sat 12:00"), ("Mon 06:00", "Mon 07:00")]
    ]


def test_hours_over_midnight_end_on_the_next_day() -> None:
    assert windows("Fri 22:00-06:00", "2026-11-27T00:00", "2026-11-29T00:00") == [("Fri 22:00", "Sat 06:00")]
    assert windows("Fri 22:00-06:00", "2026-11-28T05:00", "2026-11-28T12:00") == [("Sat 05:00", "Sat 06:00")]


@pytest.mark.parametrize(
    "hours", ["24x7", "Mon-Sun 00:00-24:00", "Sat-Fri 12:00-12:00", "Mon-Sun 0:00-12:00, Mon-Sun 12:00-24:00"]
)
def test_hours_that_touch_are_one(hours: str) -> None:
    week = Interval(at("2026-03-24T00:00"), at("2026-04-03T05:00"))
    assert Hours.parse(hours).intervals(week, BERLIN) == [week]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-01", 24)])
def test_a_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    around = Interval(at(f"{day}T00:00") - DAY, at(f"{day}T00:00") + 2 * DAY)
    (window,) = Hours.parse("Sun 00:00-24:00").intervals(around, BERLIN)
    assert window.end - window.start == hours * HOUR


def test_an_hour_that_is_there_twice_counts_twice_and_one_that_is_not_there_does_not() -> None:
    def length(day: str) -> Micros:
        around = Interval(at(f"{day}T00:00"), at(f"{day}T12:00"))
        return sum(end - start for start, end in Hours.parse("Sun 02:00-03:00").intervals(around, BERLIN))

    assert (length("2026-10-25"), length("2026-03-29"), length("2026-11-01")) == (2 * HOUR, 0, HOUR)


@pytest.mark.parametrize(
    "text", ["", "Mon", "Mon 25:00-26:00", "Mon-Fri 06:00", "06:00-20:00", "Mon 24:30-24:40", "24x7, Mon"]
)
def test_what_are_no_hours_is_told(text: str) -> None:
    with pytest.raises(ValueError, match='write "Mon-Fri 06:00-20:00"'):
        Hours.parse(text)


spans = st.lists(st.tuples(st.integers(-50, 150), st.integers(-50, 150)).map(lambda pair: Interval(*pair)), max_size=6)


@given(spans)
def test_inside_and_outside_divide_the_time(some: list[Interval]) -> None:
    during = Interval(0, 100)
    parts = sorted(within(during, some) + outside(during, some))
    assert parts[0].start == 0
    assert parts[-1].end == 100
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert {moment for start, end in within(during, some) for moment in range(start, end)} == {
        moment for start, end in some for moment in range(start, end) if 0 <= moment < 100
    }


@given(st.integers(0, 400 * DAY), st.integers(0, 10 * DAY))
def test_hours_lie_in_the_time_that_is_looked_at(start: Micros, length: Micros) -> None:
    during = Interval(
        at("2026-01-01T00:00", ZoneInfo("UTC")) + start, at("2026-01-01T00:00", ZoneInfo("UTC")) + start + length
    )
    found = Hours.parse("Mon-Fri 22:00-06:00, Sun 02:00-03:00").intervals(during, BERLIN)
    assert all(during.start <= window.start < window.end <= during.end for window in found)
    assert Hours.parse("Mon 06:00-07:00").intervals(during, UTC) == sorted(
        Hours.parse("Mon 06:00-07:00").intervals(during, UTC)
    )


@pytest.mark.parametrize(("moment", "held"), [("05:59:59", False), ("06:00:00", True), ("20:00:00", False)])
def test_hours_hold_from_their_beginning_until_just_before_their_end(moment: str, held: bool) -> None:
    assert Hours.parse("Fri 06:00-20:00").hold(at(f"2026-11-27T{moment}"), BERLIN) is held
