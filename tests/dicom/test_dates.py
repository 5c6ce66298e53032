"""Dates of queries, written relative to today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.dicom.dates import resolve_dates, today
from pacs_monitor.model import SECOND

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("today", "20260301"),
        ("yesterday", "20260228"),
        ("today-1d", "20260228"),
        ("today + 30d", "20260331"),
        ("yesterday-1d", "20260227"),
        ("2026-11-24", "20261124"),
        ("20261124", "20261124"),
        ("today-7d..today", "20260222-20260301"),
        ("..today", "-20260301"),
        ("2026-01-01..", "20260101-"),
    ],
)
def test_dates_are_asked_as_dicom_writes_them(written: str, asked: str) -> None:
    assert resolve_dates(written, DAY) == asked


@pytest.mark.parametrize("written", ["", "..", "tomorrow", "today..yesterday", "2026-02-30", "today-1w", "-20260101"])
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        resolve_dates(written, DAY)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 9999))
def test_days_count_over_any_month_and_year(day: date, days: int) -> None:
    assert resolve_dates(f"today-{days}d", day) == (day - timedelta(days)).strftime("%Y%m%d")


def test_what_day_it_is_depends_on_where_one_stands() -> None:
    now = int(datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp()) * SECOND
    assert today(now, UTC) == DAY
    assert today(now, ZoneInfo("Europe/Berlin")) == date(2026, 3, 2)
