from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.calendars import Calendar, Days, Hours
from pacs_monitor.hl7.silence import MOST_PAUSES, Limits, note_pause, pauses_of
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros

BERLIN = ZoneInfo("Europe/Berlin")
BY_HOURS = {"Mon-Fri 07:00-19:00": "15m", "Sat 08:00-12:00": "1h", "otherwise": "4h"}
IN_HOURS = {"Mon-Fri 07:00-19:00": "15m"}


def at(text: str) -> Micros:
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * SECOND


def seconds(within: object, last: str, now: str) -> float | None:
    limit = Limits.parse(within).exceeded(at(last), at(now), BERLIN)
    return limit and limit.seconds


@pytest.mark.parametrize(
    ("last", "now", "exceeded"),
    [
        ("2026-11-24T10:00", "2026-11-24T10:14", None),
        ("2026-11-24T10:00", "2026-11-24T10:15", 900),
        ("2026-11-24T18:55", "2026-11-24T22:59", None),
        ("2026-11-24T18:55", "2026-11-24T23:00", 14400),
        ("2026-11-27T18:55", "2026-11-27T22:00", None),
        ("2026-11-28T04:30", "2026-11-28T08:30", None),
        ("2026-11-28T07:00", "2026-11-28T09:00", 3600),
        ("2026-11-24T05:00", "2026-11-24T07:14", None),
        ("2026-11-24T05:00", "2026-11-24T07:15", 900),
    ],
)
def test_each_hour_has_its_limit(last: str, now: str, exceeded: float | None) -> None:
    assert seconds(BY_HOURS, last, now) == exceeded


def test_out_of_hours_a_feed_may_be_silent_and_has_its_time_when_they_begin() -> None:
    assert seconds(IN_HOURS, "2026-11-27T18:50", "2026-11-30T07:14") is None
    assert seconds(IN_HOURS, "2026-11-27T18:50", "2026-11-30T07:15") == 900


def test_a_silence_that_was_too_long_does_not_end_with_the_hours() -> None:
    assert seconds(IN_HOURS, "2026-11-27T18:40", "2026-11-29T03:00") == 900


def too_long_with(pauses: list[tuple[str, str]], last: str, now: str, within: object = "1h") -> bool:
    intervals = [Interval(at(start), at(end)) for start, end in pauses]
    return Limits.parse(within).exceeded(at(last), at(now), BERLIN, pauses=intervals) is not None


def test_silence_counts_afresh_from_the_end_of_a_pause() -> None:
    pause = [("2026-11-24T10:30", "2026-11-24T14:00")]
    assert not too_long_with(pause, "2026-11-24T10:00", "2026-11-24T14:59")
    assert too_long_with(pause, "2026-11-24T10:00", "2026-11-24T15:00")
    assert not too_long_with(pause, "2026-11-24T13:00", "2026-11-24T14:59")
    assert not too_long_with(
        [("2026-11-30T06:00", "2026-11-30T08:00")], "2026-11-27T18:55", "2026-11-30T08:14", IN_HOURS
    )


def test_a_silence_that_was_too_long_before_a_pause_is_so_after_it() -> None:
    assert too_long_with([("2026-11-24T11:30", "2026-11-24T14:00")], "2026-11-24T10:00", "2026-11-24T14:01")


def test_pauses_at_short_intervals_hide_no_silence_for_ever() -> None:
    nightly = [(f"2026-11-{day}T02:00", f"2026-11-{day}T03:00") for day in range(20, 25)]
    assert not too_long_with(nightly, "2026-11-20T12:00", "2026-11-22T12:00", "26h")
    assert too_long_with(nightly, "2026-11-20T12:00", "2026-11-22T18:01", "26h")


def test_the_latest_pauses_are_remembered() -> None:
    memory: dict[str, Any] = {}
    for number in range(MOST_PAUSES + 5):
        note_pause(memory, number, number + 1)
    assert pauses_of(memory)[-1] == Interval(MOST_PAUSES + 4, MOST_PAUSES + 5)
    assert len(pauses_of(memory)) == MOST_PAUSES


def test_a_silence_of_weeks_is_found() -> None:
    assert seconds(IN_HOURS, "2026-06-01T10:00", "2026-11-29T03:00") == 900
    assert seconds("30d", "2026-10-26T10:00", "2026-11-24T10:00") is None
    assert seconds("30d", "2026-10-24T10:00", "2026-11-24T10:00") == 30 * 86400


@pytest.mark.parametrize(
    ("last", "now", "exceeded"),
    [
        ("2026-03-29T00:30", "2026-03-29T03:20", None),
        ("2026-03-29T00:30", "2026-03-29T03:30", 7200),
        ("2026-10-25T01:30", "2026-10-25T02:29", None),
        ("2026-10-25T01:30", "2026-10-25T03:00", 7200),
    ],
)
def test_over_a_change_of_daylight_saving_time_silence_is_as_long_as_it_is(
    last: str, now: str, exceeded: float | None
) -> None:
    assert seconds({"Mon-Sun 00:00-06:00": "2h"}, last, now) == exceeded


@given(st.integers(0, 20 * 86400), st.integers(0, 20 * 86400), st.integers(0, 86400))
def test_what_is_too_long_stays_too_long_as_time_passes(start: int, length: int, more: int) -> None:
    last = at("2026-10-20T00:00") + start * SECOND
    limits = Limits.parse(BY_HOURS)
    if limits.exceeded(last, last + length * SECOND, BERLIN):
        assert limits.exceeded(last, last + (length + more) * SECOND, BERLIN)


@pytest.mark.parametrize(
    ("within", "expected"), [("5m", True), (BY_HOURS, True), (IN_HOURS, False), ({"Sun 00:00-24:00": "1h"}, True)]
)
def test_a_feed_is_watched_in_the_hours_that_have_a_limit(within: object, expected: bool) -> None:
    assert Limits.parse(within).apply(at("2026-11-29T10:00"), BERLIN) is expected


@pytest.mark.parametrize("wrong", [{}, "soon", {"Mon": "5m"}, {"Mon 07:00-19:00": "soon"}])
def test_what_are_no_limits_is_told(wrong: object) -> None:
    with pytest.raises(ValueError):
        Limits.parse(wrong)


def test_only_silence_within_the_calendar_counts() -> None:
    """24 November 2026, a Tuesday, is a holiday here."""
    holiday = Days(date(2026, 11, 24), date(2026, 11, 24))
    core = Calendar("core", Hours.parse("Mon-Fri 07:00-19:00"), BERLIN, (holiday,))
    limits = Limits.parse("4h")

    def exceeded(last: str, now: str) -> bool:
        return limits.exceeded(at(last), at(now), BERLIN, core) is not None

    assert not exceeded("2026-11-23T17:00", "2026-11-25T10:59")
    assert exceeded("2026-11-23T17:00", "2026-11-25T11:00")
    assert [limits.apply(at(f"2026-11-{day}T12:00"), BERLIN, core) for day in (23, 24)] == [True, False]
