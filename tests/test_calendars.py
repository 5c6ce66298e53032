from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.calendars import DAY, Calendar, Days, Hours, WeeklyTimes, outside, within
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


def calendar(
    hours: str = "Mon-Fri 06:00-20:00", *closed: str, grace: int = 0, outside_of: Calendar | None = None
) -> Calendar:
    days = tuple(Days(date.fromisoformat(day), date.fromisoformat(day)) for day in closed)
    return Calendar("core", Hours.parse(hours), BERLIN, days, grace * 60 * SECOND, outside_of)


def there(moment: Micros | None) -> str | None:
    return None if moment is None else f"{datetime.fromtimestamp(moment // SECOND, BERLIN):%a %m-%d %H:%M}"


CORE = calendar("Mon-Fri 06:00-20:00", "2026-12-24", "2026-12-25", grace=45)
"""24 December 2026 is a Thursday."""
NIGHTS = calendar(outside_of=CORE)


@pytest.mark.parametrize(
    ("when", "is_open", "opening", "closing", "pages"),
    [
        ("2026-12-23T05:59", False, "Wed 12-23 06:00", "Wed 12-23 20:00", "Wed 12-23 06:45"),
        ("2026-12-23T06:00", True, "Mon 12-28 06:00", "Wed 12-23 20:00", "Wed 12-23 06:45"),
        ("2026-12-23T06:45", True, "Mon 12-28 06:00", "Wed 12-23 20:00", "Wed 12-23 06:45"),
        ("2026-12-23T19:59", True, "Mon 12-28 06:00", "Wed 12-23 20:00", "Wed 12-23 19:59"),
        ("2026-12-23T20:00", False, "Mon 12-28 06:00", "Mon 12-28 20:00", "Mon 12-28 06:45"),
        ("2026-12-24T12:00", False, "Mon 12-28 06:00", "Mon 12-28 20:00", "Mon 12-28 06:45"),
    ],
)
def test_an_excluded_day_is_closed_all_day(when: str, is_open: bool, opening: str, closing: str, pages: str) -> None:
    moment = at(when)
    assert CORE.is_open(moment) is is_open
    found = CORE.next_opening(moment), CORE.next_closing(moment), CORE.pages_from(moment)
    assert tuple(map(there, found)) == (opening, closing, pages)


def test_outside_of_a_calendar_is_open_when_that_one_is_closed() -> None:
    during = at("2026-12-22T00:00"), at("2026-12-26T00:00")
    assert [tuple(map(there, one)) for one in NIGHTS.intervals(during)] == [
        ("Tue 12-22 00:00", "Tue 12-22 06:00"),
        ("Tue 12-22 20:00", "Wed 12-23 06:00"),
        ("Wed 12-23 20:00", "Sat 12-26 00:00"),
    ]


def test_what_is_always_open_never_closes_and_what_is_never_open_never_opens() -> None:
    always, now = calendar("24x7", grace=45), at("2026-12-23T12:00")
    never = calendar(outside_of=always)
    assert (always.is_open(now), always.next_opening(now), always.next_closing(now)) == (True, None, None)
    assert always.pages_from(now) == now
    assert (never.is_open(now), never.next_opening(now), never.next_closing(now)) == (False, None, None)
    assert never.pages_from(now) is None


def test_hours_shorter_than_the_grace_page_nobody() -> None:
    brief = calendar("Mon 06:00-06:30, Sat 08:00-12:00", grace=45)
    assert there(brief.pages_from(at("2026-12-21T06:10"))) == "Sat 12-26 08:45"


@pytest.mark.parametrize(
    ("hours", "when", "opening", "closing"),
    [
        ("Sun 02:00-04:00", "2026-03-28T12:00", "2026-03-29T01:00Z", "2026-03-29T02:00Z"),
        ("Sun 02:30-04:00", "2026-03-28T12:00", "2026-03-29T01:30Z", "2026-03-29T02:00Z"),
        ("Sun 02:00-03:00", "2026-10-24T12:00", "2026-10-25T00:00Z", "2026-10-25T02:00Z"),
        ("Sat 22:00-06:00", "2026-10-24T12:00", "2026-10-24T20:00Z", "2026-10-25T05:00Z"),
    ],
)
def test_a_daylight_saving_night_opens_and_closes_once(hours: str, when: str, opening: str, closing: str) -> None:
    night, moment = calendar(hours), at(when)
    found = night.next_opening(moment), night.next_closing(moment)
    assert found == tuple(round(datetime.fromisoformat(text).timestamp()) * SECOND for text in (opening, closing))


def test_a_range_of_days_is_closed_over_the_end_of_the_year() -> None:
    away = Calendar("core", Hours.parse("24x7"), BERLIN, (Days(date(2026, 12, 28), date(2027, 1, 6)),))
    assert there(away.next_closing(at("2026-12-01T00:00"))) == "Mon 12-28 00:00"
    assert there(away.next_opening(at("2026-12-31T23:30"))) == "Thu 01-07 00:00"


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 06:00-20:00",
        "24x7",
        "Sat-Mon 22:00-02:00",
        "Mon Wed-Thu 08:00-24:00, Sun 00:00-12:30",
        "Mon-Sun 00:00-24:00",
    ],
)
def test_hours_are_written_as_they_were_read(text: str) -> None:
    hours = Hours.parse(text)
    assert Hours.parse(str(hours)) == hours
    assert len(str(hours)) <= len(text)


moments = st.integers(at("2026-01-01T00:00") // SECOND, at("2027-12-31T00:00") // SECOND).map(lambda s: s * SECOND)
zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"])
clocks = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
weekly = st.tuples(st.sampled_from(["Mon-Fri", "Sat", "Sat-Mon", "Tue Thu", "Mon-Sun", "Sun"]), clocks, clocks).map(
    lambda drawn: f"{drawn[0]} {drawn[1]}-{drawn[2]}"
)


@st.composite
def calendars(draw: st.DrawFn, depth: int = 2) -> Calendar:
    days = draw(st.lists(st.dates(date(2025, 12, 28), date(2028, 1, 3)), max_size=4))
    closures = tuple(Days(day, day + timedelta(days=draw(st.integers(0, 9)))) for day in days)
    hours = Hours.parse(draw(st.one_of(st.just("24x7"), st.lists(weekly, min_size=1, max_size=3).map(", ".join))))
    zone, grace = ZoneInfo(draw(zones)), draw(st.sampled_from([0, 15, 45, 180])) * 60 * SECOND
    other = draw(calendars(depth=depth - 1)) if depth and draw(st.booleans()) else None
    return Calendar("any", hours, zone, closures, grace, other)


@given(calendars(), moments, st.integers(1, 40 * 24 * 3600))
@settings(deadline=None)
def test_open_and_closed_intervals_partition_time(some: Calendar, start: Micros, length: int) -> None:
    during = Interval(start, start + length * SECOND)
    inside = some.intervals(during)
    parts = sorted([*inside, *outside(during, inside)])
    assert (parts[0].start, parts[-1].end) == during
    assert all(before.end == after.start for before, after in pairwise(parts))
    for part in parts:
        for moment in (part.start, (part.start + part.end) // 2, part.end - 1):
            assert some.is_open(moment) is (part in inside)
    middle = (during.start + during.end) // 2
    halves = [*some.intervals((during.start, middle)), *some.intervals((middle, during.end))]
    assert within(during, halves) == inside


@given(calendars(), moments)
@settings(deadline=None)
def test_openings_and_closings_agree_with_what_is_open(some: Calendar, moment: Micros) -> None:
    opening, closing = some.next_opening(moment), some.next_closing(moment)
    for edge, after in ((opening, True), (closing, False)):
        if edge is not None:
            assert edge > moment
            assert (some.is_open(edge - 1), some.is_open(edge)) == (not after, after)
    if opening is not None and closing is not None:
        assert opening != closing
        first, last = min(opening, closing), max(opening, closing)
        assert some.is_open(moment) is (first == closing)
        assert len({some.is_open(at_) for at_ in (moment, first - 1)}) == 1
        assert len({some.is_open(at_) for at_ in (first, last - 1)}) == 1


@given(calendars(), moments)
@settings(deadline=None)
def test_nobody_is_paged_outside_of_it_or_within_its_grace(some: Calendar, moment: Micros) -> None:
    pages = some.pages_from(moment)
    if pages is None:
        return
    assert pages >= moment
    assert some.intervals((pages - some.opening_grace, pages + 1)) == [(pages - some.opening_grace, pages + 1)]
    assert some.pages_from(pages) == pages
    between = (moment + pages) // 2
    assert some.pages_from(between) == pages


@pytest.mark.parametrize(
    ("times", "after", "until", "found"),
    [
        ("07:00", "2026-11-27T06:59", "2026-11-27T07:00", "2026-11-27T07:00"),
        ("07:00", "2026-11-27T07:00", "2026-11-28T06:59", None),
        ("Mon-Fri 07:00, Sat Sun 09:00", "2026-11-27T12:00", "2026-11-29T12:00", "2026-11-29T09:00"),
        ("Tue 10:00", "2026-11-20T00:00", "2026-11-30T00:00", "2026-11-24T10:00"),
        ("Fri-Mon 10:00", "2026-11-24T12:00", "2026-11-26T23:00", None),
    ],
)
def test_the_latest_of_weekly_times_is_found(times: str, after: str, until: str, found: str | None) -> None:
    assert WeeklyTimes.parse(times).latest(at(after), at(until), BERLIN) == (None if found is None else at(found))
    assert str(WeeklyTimes.parse(str(WeeklyTimes.parse(times)))) == str(WeeklyTimes.parse(times))


@pytest.mark.parametrize("minute", ["02:30", "02:00", "01:59", "03:00"])
@pytest.mark.parametrize("night", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_weekly_time_comes_once_in_the_nights_when_the_clock_is_set(night: date, minute: str) -> None:
    """APScheduler's cron triggers run twice what is there twice."""
    times, moment = WeeklyTimes.parse(minute), at(f"{night}T00:00")
    found = set()
    for _ in range(24 * 60):
        before, moment = moment, moment + 60 * SECOND
        if (time := times.latest(before, moment, BERLIN)) is not None:
            found.add(time)
    assert len(found) == 1


@given(st.integers(0, 400 * 24), st.integers(1, 400 * 24))
def test_looking_often_and_looking_once_find_the_same_latest_time(first: int, hours: int) -> None:
    times, start = WeeklyTimes.parse("Mon-Fri 07:00, Sun 22:15"), at("2026-01-01T00:00") + first * HOUR
    often = [times.latest(start + n * HOUR, start + (n + 1) * HOUR, BERLIN) for n in range(min(hours, 200))]
    once = times.latest(start, start + min(hours, 200) * HOUR, BERLIN)
    assert once == max((one for one in often if one is not None), default=None)


@pytest.mark.parametrize("wrong", ["", "7", "24:00", "Tuesday 10:00", "10:00,", "Mon-", "07:00 Mon"])
def test_what_is_no_weekly_time_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write 07:00"):
        WeeklyTimes.parse(wrong)
