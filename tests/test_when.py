"""Times as people write them, in a zone whose clocks are set twice a year."""

from __future__ import annotations

from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import SECOND, Micros, parse_iso
from pacs_monitor.when import parse_future, parse_past, parse_when

BERLIN = ZoneInfo("Europe/Berlin")
NOW = parse_iso("2026-11-27T10:00:00+01:00")
"""A Friday."""


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("10:45", "2026-11-27T10:45+01:00"),
        ("09:00", "2026-11-27T09:00+01:00"),
        (" today 9:05 ", "2026-11-27T09:05+01:00"),
        ("24:00", "2026-11-28T00:00+01:00"),
        ("tomorrow 07:00", "2026-11-28T07:00+01:00"),
        ("Mon 07:00", "2026-11-30T07:00+01:00"),
        ("monday 07:00", "2026-11-30T07:00+01:00"),
        ("Fri 11:00", "2026-11-27T11:00+01:00"),
        ("fri 10:00", "2026-12-04T10:00+01:00"),
        ("2026-12-15", "2026-12-15T00:00+01:00"),
        ("2026-12-15 07:00", "2026-12-15T07:00+01:00"),
        ("2026-12-15T07:00:30", "2026-12-15T07:00:30+01:00"),
        ("2026-12-15T07:00Z", "2026-12-15T07:00+00:00"),
        ("2026-12-15T07:00:00.250-05:00", "2026-12-15T07:00:00.250-05:00"),
        ("2026-10-25 02:30", "2026-10-25T02:30+02:00"),
        ("2026-03-29 02:30", "2026-03-29T03:30+02:00"),
        ("2027-07-01", "2027-07-01T00:00+02:00"),
    ],
)
def test_a_time_is_that_of_the_clocks_on_the_wall(text: str, at: str) -> None:
    assert parse_when(text, NOW, BERLIN) == parse_iso(at)


@pytest.mark.parametrize("text", ["next Sunday 02:00", "Next sun 2:00"])
def test_next_sunday_is_asked_back_with_both_days(text: str) -> None:
    with pytest.raises(ValueError, match="may be either of two days; write 2026-11-29 02:00 or 2026-12-06 02:00"):
        parse_when(text, NOW, BERLIN)


def test_a_date_that_ends_something_ends_with_its_day() -> None:
    assert parse_when("2026-12-15", NOW, BERLIN, day_ends=True) == parse_iso("2026-12-16T00:00+01:00")


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "7", "25:00", "24:30", "10:60", "10.45", "2026-13-01", "2026-02-30", "15.12.2026", "12/15/2026"),
        *(
            "1764230000",
            "next tomorrow 07:00",
            "next 07:00",
            "next",
            "-1h",
            "8h",
            "tomorrow",
            "Mon",
            "mumble 07:00",
            "2026-12-15T",
            "2026-12-15T07:00+25:00",
        ),
        *("2026-12-15T07:00Z\r\nX: y", "\u0660\u0667:\u0660\u0660", "0000-01-01", "9999-12-31"),
    ],
)
def test_what_is_no_time_is_told_with_what_would_be_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 10:45|ten years|not a time"):
        parse_when(text, NOW, BERLIN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("09:00", "has passed; write tomorrow 09:00"),
        ("10:00", "has passed; write tomorrow 10:00"),
        ("today 09:00", "has passed"),
        ("2026-11-26", "has passed"),
        ("0001-01-01", "is before 1970; check the year"),
        ("2025-12-15", "has passed"),
        ("2036-12-15", "ten years"),
    ],
)
def test_what_has_passed_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_future(text, NOW, BERLIN, day_ends=True)


def test_today_lasts_until_midnight() -> None:
    assert parse_future("2026-11-27", NOW, BERLIN, day_ends=True) == parse_iso("2026-11-28T00:00+01:00")


@given(
    now=st.integers(NOW, NOW + 4 * 366 * 86_400 * SECOND),
    day=st.sampled_from(["tomorrow", "Mon", "Wed", "Sun"]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_named_day_is_always_still_to_come_and_less_than_nine_days_away(
    now: Micros, day: str, hour: int, minute: int
) -> None:
    then = parse_future(f"{day} {hour:02d}:{minute:02d}", now, BERLIN)
    assert now < then < now + 9 * 86_400 * SECOND


@given(
    now=st.integers(NOW, NOW + 4 * 366 * 86_400 * SECOND),
    day=st.sampled_from(["", "Mon ", "Wed ", "Sun "]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_what_has_been_is_the_last_time_that_the_clock_showed_it(now: Micros, day: str, hour: int, minute: int) -> None:
    then = parse_past(f"{day}{hour:02d}:{minute:02d}", now, BERLIN)
    days = 7 if day else 1
    assert now - (days * 24 + 2) * 3600 * SECOND < then <= now


@pytest.mark.parametrize(
    ("now", "text", "meant"),
    [
        ("2026-03-30T00:30+02:00", "01:00", "2026-03-29T01:00+01:00"),  # after a day of 23 hours
        ("2026-10-26T00:30+01:00", "23:00", "2026-10-25T23:00+01:00"),  # of 25 hours
        ("2026-10-25T02:30+01:00", "02:45", "2026-10-25T02:45+02:00"),  # the first of the two
        ("2026-11-27T09:00+01:00", "Fri 08:00", "2026-11-27T08:00+01:00"),
        ("2026-11-27T09:00+01:00", "Fri 10:00", "2026-11-20T10:00+01:00"),
    ],
)
def test_what_has_been_is_right_where_the_clock_is_changed(now: str, text: str, meant: str) -> None:
    assert parse_past(text, parse_iso(now), BERLIN) == parse_iso(meant)


@pytest.mark.parametrize("text", ["tomorrow 07:00", "2031-01-01", "today 23:59"])
def test_what_is_still_to_come_has_not_been(text: str) -> None:
    with pytest.raises(ValueError, match="is still to come"):
        parse_past(text, NOW, BERLIN)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_time_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_when(text, NOW, BERLIN), int)
