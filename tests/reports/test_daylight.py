"""Quarters in which the clock is set, of zones that do it in odd ways, and time that is divided in any way."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor import objectives
from pacs_monitor.calendars import Calendar, Hours
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND
from pacs_monitor.objectives import WHOLE, Share, Terms
from pacs_monitor.pieces import Class
from pacs_monitor.reports.periods import days, overlapping, parse
from pacs_monitor.services import Standing, Stretch, cut
from tests.test_services import tracks

HOUR = 3600 * SECOND
NOW = round(datetime(2027, 6, 1, tzinfo=UTC).timestamp()) * SECOND
TERMS = Terms(availability=WHOLE)


@pytest.mark.parametrize(
    ("zone", "quarter", "whole_days", "hours_more"),
    [
        pytest.param("Europe/Berlin", "2026-Q1", 90, -1, id="Berlin, forward"),
        pytest.param("Europe/Berlin", "2026-Q4", 92, 1, id="Berlin, back"),
        pytest.param("Europe/Dublin", "2026-Q1", 90, -1, id="Dublin, whose winter time is the exception, forward"),
        pytest.param("Europe/Dublin", "2026-Q4", 92, 1, id="Dublin, back"),
        pytest.param("Australia/Lord_Howe", "2026-Q2", 91, 0.5, id="Lord Howe, half an hour back"),
        pytest.param("Australia/Lord_Howe", "2026-Q4", 92, -0.5, id="Lord Howe, half an hour forward"),
    ],
)
def test_a_quarter_is_as_long_as_it_is(zone: str, quarter: str, whole_days: int, hours_more: float) -> None:
    period = parse(quarter, zone, NOW)
    length = round((whole_days * 24 + hours_more) * HOUR)
    assert period.interval.end - period.interval.start == length

    listed = days(period.interval, zone)
    assert len(listed) == whole_days
    assert sum(day.end - day.start for _, day in listed) == length
    odd = [day.end - day.start for _, day in listed if day.end - day.start != 24 * HOUR]
    assert odd == [round((24 + hours_more) * HOUR)]

    months = overlapping("month", period.interval, zone)
    assert len(months) == 3
    assert sum(month.interval.end - month.interval.start for month in months) == length
    assert [one.name for one in overlapping("quarter", period.interval, zone)] == [quarter]


@pytest.mark.parametrize("quarter", ["2026-Q1", "2026-Q2", "2026-Q4"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe"])
def test_hours_and_the_hours_that_are_not_are_the_whole(zone: str, quarter: str) -> None:
    period = parse(quarter, zone, NOW)
    nights = Calendar("nights", Hours.parse("Mon-Sun 22:00-06:00"), ZoneInfo(zone))
    other = Calendar("days", Hours.parse("24x7"), ZoneInfo(zone), outside_of=nights)
    track = [Stretch(*period.interval, Standing(Class.UP))]
    inside, outside = (
        objectives.account(track, period.interval, NOW, calendar.intervals(period.interval), TERMS)
        for calendar in (nights, other)
    )
    whole = period.interval.end - period.interval.start
    assert inside.shares[Share.UP] + outside.shares[Share.UP] == whole
    count = len(days(period.interval, zone))
    assert outside.shares[Share.UP] == count * 16 * HOUR  # the clock is set at night


@given(tracks(), st.lists(st.integers(0, 100), max_size=5), st.integers(0, 100))
def test_however_often_the_configuration_is_read_again_the_account_is_the_same(
    track: list[Stretch[Standing]], reloads: list[int], now: int
) -> None:
    """Time goes from one configuration to the next; where they agree, nobody can tell."""
    edges = sorted({0, *reloads, 100})
    parts = [part for start, end in pairwise(edges) for part in cut(track, Interval(start, end))]
    terms = Terms(availability=WHOLE // 2, minimum_outage=7)
    whole, divided = (
        objectives.account(each, Interval(10, 90), now, [Interval(0, 50), Interval(60, 95)], terms)
        for each in (track, parts)
    )
    assert whole.shares == divided.shares
