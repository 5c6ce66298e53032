from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor import cron

BERLIN = ZoneInfo("Europe/Berlin")


def runs(line: str, start: datetime, hours: float) -> list[datetime]:
    """When a scheduler that wakes a moment after each time runs a line, in UTC."""
    trigger, found = cron.trigger(line, "Europe/Berlin"), []
    at = trigger.get_next_fire_time(None, start.astimezone(BERLIN))
    while at.astimezone(UTC) < start.astimezone(UTC) + timedelta(hours=hours):
        found.append(at.astimezone(UTC))
        woken = (at.astimezone(UTC) + timedelta(milliseconds=5)).astimezone(BERLIN)
        at = trigger.get_next_fire_time(at, woken)
    return found


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        ("0", {"Sun"}),
        ("7", {"Sun"}),
        ("1", {"Mon"}),
        ("1-5", {"Mon", "Tue", "Wed", "Thu", "Fri"}),
        ("sat,sun", {"Sat", "Sun"}),
        ("6,0", {"Sat", "Sun"}),
        ("*", {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}),
        ("*/3", {"Sun", "Wed", "Sat"}),
        ("1-5/2", {"Mon", "Wed", "Fri"}),
        ("fri-sun", {"Fri", "Sat", "Sun"}),
        ("5-7", {"Fri", "Sat", "Sun"}),
    ],
)
def test_weekdays_are_those_of_crontab(weekdays: str, expected: set[str]) -> None:
    found = runs(f"0 12 * * {weekdays}", datetime(2026, 6, 1, tzinfo=UTC), 7 * 24)

    assert {at.strftime("%a") for at in found} == expected


def test_a_day_of_the_month_and_a_weekday_are_either_or_as_in_crontab() -> None:
    june = runs("0 12 1,15 * mon", datetime(2026, 6, 1, tzinfo=UTC), 30 * 24)

    assert [at.day for at in june] == [1, 8, 15, 22, 29]
    wednesdays_too = runs("0 12 1 * wed", datetime(2026, 6, 1, tzinfo=UTC), 14 * 24)
    assert [at.day for at in wednesdays_too] == [1, 3, 10]


@pytest.mark.parametrize("line", ["", "* * * *", "61 * * * *", "0 0 * * 8", "0 0 * * mon-funday", "@daily"])
def test_what_is_no_cron_line_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cron.trigger(line, "UTC")


@pytest.mark.parametrize("evening", [datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)])
def test_over_a_daylight_saving_night_an_hourly_line_runs_every_hour(evening: datetime) -> None:
    found = runs("0 * * * *", evening, 12)

    assert found == [evening + timedelta(hours=hour) for hour in range(12)]


@pytest.mark.parametrize("evening", [datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)])
def test_over_a_daylight_saving_night_a_line_of_every_five_minutes_neither_stops_nor_bursts(evening: datetime) -> None:
    found = runs("*/5 * * * *", evening, 12)

    assert found == [evening + timedelta(minutes=5 * n) for n in range(12 * 12)]


def test_in_autumn_a_nightly_line_runs_at_least_once_and_the_day_after_again() -> None:
    found = runs("30 2 * * *", datetime(2026, 10, 24, 20, tzinfo=UTC), 36)

    assert datetime(2026, 10, 25, 0, 30, tzinfo=UTC) in found
    assert datetime(2026, 10, 26, 1, 30, tzinfo=UTC) in found
