"""Periods as people write them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import SECOND
from pacs_monitor.reports import PeriodError, parse
from pacs_monitor.reports.periods import contract_years

BERLIN = "Europe/Berlin"
NOW = round(datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo(BERLIN)).timestamp()) * SECOND
FAR = NOW + 2 * 366 * 24 * 3600 * SECOND
HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-Q3", "2026-07-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),
        ("2026-Q4", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        ("2026-09", "2026-09-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),
        ("2025-12", "2025-12-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
        ("2026", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2026-09-01..2026-09-14", "2026-09-01T00:00:00+02:00", "2026-09-15T00:00:00+02:00"),
        ("2026-09-01..2026-09-01", "2026-09-01T00:00:00+02:00", "2026-09-02T00:00:00+02:00"),
        ("2026-09-01T08:30 .. 2026-09-01T09:00", "2026-09-01T08:30:00+02:00", "2026-09-01T09:00:00+02:00"),
        ("2026-03-01T00:00:00.000001Z..2026-03-02", "2026-03-01T01:00:00.000001+01:00", "2026-03-03T00:00:00+01:00"),
    ],
)
def test_a_period_begins_and_ends_in_the_time_zone_of_the_monitor(text: str, start: str, end: str) -> None:
    period = parse(text, BERLIN, NOW)
    assert (period.local(period.interval.start), period.local(period.interval.end)) == (start, end)
    assert period.name == text.replace(" ", "")
    assert period.so_far(NOW) == (period.interval.end > NOW)


@pytest.mark.parametrize(
    ("text", "name", "first", "after"),
    [
        ("today", "2026-11-24", "2026-11-24", "2026-11-25"),
        ("Yesterday", "2026-11-23", "2026-11-23", "2026-11-24"),
        ("2026-11-23", "2026-11-23", "2026-11-23", "2026-11-24"),
        ("2026-02-28", "2026-02-28", "2026-02-28", "2026-03-01"),
        ("2026-W48", "2026-W48", "2026-11-23", "2026-11-30"),
        ("2026-W01", "2026-W01", "2025-12-29", "2026-01-05"),
        ("this-week", "2026-W48", "2026-11-23", "2026-11-30"),
        ("last-week", "2026-W47", "2026-11-16", "2026-11-23"),
        ("this-month", "2026-11", "2026-11-01", "2026-12-01"),
        ("last month", "2026-10", "2026-10-01", "2026-11-01"),
        ("this-quarter", "2026-Q4", "2026-10-01", "2027-01-01"),
        ("last-quarter", "2026-Q3", "2026-07-01", "2026-10-01"),
        ("last_quarter", "2026-Q3", "2026-07-01", "2026-10-01"),
        ("this-year", "2026", "2026-01-01", "2027-01-01"),
        ("last-year", "2025", "2025-01-01", "2026-01-01"),
        ("2026-q3", "2026-Q3", "2026-07-01", "2026-10-01"),
        (" 2026-09 .. 2026-10 ", "2026-09..2026-10", "2026-09-01", "2026-11-01"),
        ("2026-Q3..yesterday", "2026-Q3..2026-11-23", "2026-07-01", "2026-11-24"),
        ("2026-09-01..today", "2026-09-01..2026-11-24", "2026-09-01", "2026-11-25"),
    ],
)
def test_a_period_has_a_name_that_means_the_same_tomorrow(text: str, name: str, first: str, after: str) -> None:
    period = parse(text, BERLIN, NOW)
    assert period.name == name
    assert period.local(period.interval.start).startswith(f"{first}T00:00:00")
    assert period.local(period.interval.end).startswith(f"{after}T00:00:00")


@pytest.mark.parametrize(
    ("zone", "later", "day"),
    [
        ("Pacific/Auckland", 3 * HOUR - 1, "2026-11-24"),
        ("Pacific/Auckland", 3 * HOUR, "2026-11-25"),
        ("Pacific/Pago_Pago", 0, "2026-11-23"),
    ],
)
def test_today_is_the_day_where_the_monitor_stands(zone: str, later: int, day: str) -> None:
    assert parse("today", zone, NOW + later).name == day


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-03-29..2026-03-29", 23),
        ("2026-10-25..2026-10-25", 25),
        ("2026-Q1", 90 * 24 - 1),
        ("2026-Q4", 92 * 24 + 1),
    ],
)
def test_a_day_or_a_quarter_over_daylight_saving_has_its_true_length(text: str, hours: int) -> None:
    interval = parse(text, BERLIN, NOW).interval
    assert interval.end - interval.start == hours * HOUR


@pytest.mark.parametrize(
    ("begins", "names"),
    [
        (date(2024, 4, 15), ["2025-04-15..2026-04-14", "2026-04-15..2027-04-14"]),
        (date(2026, 1, 1), ["2026-01-01..2026-12-31"]),
        (date(2026, 6, 30), ["2026-06-30..2027-06-29"]),
        (date(2024, 2, 29), ["2025-03-01..2026-02-28", "2026-03-01..2027-02-28"]),
        (date(2026, 7, 1), []),
    ],
)
def test_a_contract_year_begins_on_its_day_and_none_before_it(begins: date, names: list[str]) -> None:
    half = parse("2026-01..2026-06", BERLIN, NOW).interval
    years = contract_years(begins, half, BERLIN)
    assert [year.name for year in years] == names
    assert all(year.interval == parse(year.name, BERLIN, year.interval.end).interval for year in years)


def test_in_a_leap_year_a_contract_year_of_the_29th_of_february_ends_the_day_before() -> None:
    (year,) = contract_years(date(2024, 2, 29), parse("2028-02-28", BERLIN, FAR).interval, BERLIN)
    assert year.name == "2027-03-01..2028-02-28"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-Q5", "'2026-Q5' is not a period; write today, yesterday, 2026-09-14, .*; or FROM..TO"),
        ("2026-Q0", "is not a period"),
        ("2026-13", "is not a period"),
        ("2026-00", "is not a period"),
        ("2026-02-30", "is not a period"),
        ("2026-09-00", "is not a period"),
        ("2026-00..2026-09", "is not a period"),
        ("2026-W54", "is not a period"),
        ("2026-W00", "is not a period"),
        ("2025-W53", "is not a period"),
        ("20260901..20260914", "is not a period"),
        ("2026-9", "is not a period"),
        ("26-09", "is not a period"),
        ("last-fortnight", "is not a period"),
        ("tomorrow", "is not a period"),
        ("", "is not a period"),
        ("0000", "is not a period"),
        ("9999", "is not a period"),
        ("2026-09-01..", "is not a period"),
        ("2026-09-14..2026-09-01", "ends before it begins"),
        ("today..yesterday", "ends before it begins"),
        ("2031", "has not begun"),
        ("0001-Q1", "begins before 1970"),
        ("2026-11-25", "has not begun"),
    ],
)
def test_a_text_that_is_no_period_is_told_what_would_be(text: str, told: str) -> None:
    with pytest.raises(PeriodError, match=told):
        parse(text, BERLIN, NOW)


@given(
    st.text(st.characters(codec="utf-8"))
    | st.from_regex(
        r"(today|(this|last)-(week|year)|\d{4}(-[QW]?\d{1,2})?(-\d\d)?)(\.\.\d{4}-\d{2}-\d{2})?", fullmatch=True
    )
)
def test_any_text_is_a_period_or_a_period_error(text: str) -> None:
    try:
        period = parse(text, BERLIN, NOW)
    except PeriodError:
        return
    assert period.interval.start < period.interval.end
