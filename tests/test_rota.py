"""Who is on call when: over both nights in which the clock is set, with overlaps, gaps and vacations."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.calendars import DAY, Hours, WeeklyTimes
from pacs_monitor.intervals import ALL_TIME, Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.rota import ALWAYS, OnCall, Rota, Rotation, Shift, Span

BERLIN, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
HOUR: Micros = 3600 * SECOND
NIGHTS = {
    BERLIN: (("2026-03-29", -HOUR), ("2026-10-25", HOUR)),
    LORD_HOWE: (("2026-10-04", -HOUR // 2), ("2026-04-05", HOUR // 2)),
}
"""The clock is set forward and back; how much longer the day is."""


class Calendar(NamedTuple):
    """Shifts that are listed."""

    every: tuple[Span, ...]

    def spans(self, during: Interval) -> list[Span]:
        found = [one for one in self.every if one.during.start < during.end and during.start < one.during.end]
        return sorted(found, key=lambda one: (one.during, one.who))


def at(text: str, zone: ZoneInfo = BERLIN) -> Micros:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND


def turns(
    *order: str, handover: str = "Mon 08:00", start: str = "2026-01-05", zone: ZoneInfo = BERLIN, hours: str = "24x7"
) -> Rotation:
    when = handover if handover.startswith("FREQ") else WeeklyTimes.parse(handover)
    return Rotation(order, datetime.fromisoformat(start), zone, when, Hours.parse(hours))


def span(who: str, start: str, end: str, zone: ZoneInfo = BERLIN) -> Span:
    return Span(who, Interval(at(start, zone), at(end, zone)))


def on_call(rota: Rota, covers: str = "24x7", zone: ZoneInfo = BERLIN) -> OnCall:
    every = {who for rotation in rota.rotations for who in rotation.order}
    every |= {one.who for one in (*rota.overrides, *rota.vacations)}
    every |= {one.who for one in ([] if rota.listed is None else rota.listed.spans(ALL_TIME))}
    people = tuple((who, (f"{who}-phone",)) for who in sorted(every))
    return OnCall("it", rota, ("duty",), people, zone, Hours.parse(covers))


def told(shifts: list[Shift], zone: ZoneInfo = BERLIN) -> list[str]:
    """`a Mon 08:00`: who, from when."""
    return [
        f"{'+'.join(shift.people) or ('-' if shift.covered else '.')} "
        f"{datetime.fromtimestamp((shift.start or 0) // SECOND, zone):%a %H:%M}"
        for shift in shifts
    ]


def week(rota: Rota, start: str, days: int = 7, covers: str = "24x7", zone: ZoneInfo = BERLIN) -> list[str]:
    first = at(start, zone)
    return told(on_call(rota, covers, zone).shifts(Interval(first, first + days * DAY)), zone)


def test_people_take_turns_at_the_handover() -> None:
    assert week(Rota((turns("anna", "ben"),)), "2026-01-05T00:00", 21) == [
        *("- Mon 00:00", "anna Mon 08:00", "ben Mon 08:00", "anna Mon 08:00")
    ]


def test_with_handovers_on_some_days_nobody_loses_a_turn_to_the_weekend() -> None:
    rota = Rota((turns("a", "b", "c", handover="Mon-Fri 09:00", hours="Mon-Fri 09:00-19:00"),))
    assert [one for one in week(rota, "2026-01-08T09:00", 5) if one[0] != "-"] == [
        *("a Thu 09:00", "b Fri 09:00", "c Mon 09:00")
    ]


def test_a_rule_hands_over_every_other_week() -> None:
    rota = Rota((turns("a", "b", handover="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", start="2026-01-05T08:00"),))
    assert on_call(rota).at(at("2026-01-18T12:00")).people == ("a",)
    assert on_call(rota).at(at("2026-01-19T12:00")).people == ("b",)


def test_the_next_person_stands_in_for_whoever_is_away_and_nobody_elses_turn_moves() -> None:
    rota = Rota((turns("a", "b", "c"),), vacations=(span("a", "2026-01-07T00:00", "2026-01-09T00:00"),))
    assert week(rota, "2026-01-05T08:00", 15) == [
        "a Mon 08:00",
        "b Wed 00:00",
        "a Fri 00:00",
        "b Mon 08:00",
        "c Mon 08:00",
    ]


def test_where_all_are_away_there_is_a_gap() -> None:
    away = tuple(span(who, "2026-01-07T00:00", "2026-01-08T00:00") for who in ("a", "b"))
    oncall = on_call(Rota((turns("a", "b"),), vacations=away))
    assert oncall.gaps(Interval(at("2026-01-05T08:00"), at("2026-01-12T08:00"))) == [away[0].during]
    assert oncall.at(at("2026-01-07T12:00")) == Shift((), *away[0].during)
    assert oncall.channels(oncall.at(at("2026-01-07T12:00"))) == ("duty",)


def test_an_override_counts_above_the_shifts_the_last_one_above_the_others_also_of_one_who_is_away() -> None:
    overrides = (span("b", "2026-01-06T10:00", "2026-01-06T20:00"), span("c", "2026-01-06T12:00", "2026-01-06T14:00"))
    rota = Rota((turns("a", "b"),), overrides=overrides, vacations=(span("c", "2026-01-06T00:00", "2026-01-07T00:00"),))
    assert week(rota, "2026-01-06T00:00", 1) == [
        "a Tue 00:00",
        "b Tue 10:00",
        "c Tue 12:00",
        "b Tue 14:00",
        "a Tue 20:00",
    ]


def test_what_overlaps_is_as_many_as_are_to_be_on_call_the_first_ones_first() -> None:
    day, night = turns("a", hours="Mon-Sun 08:00-20:00"), turns("b", hours="Mon-Sun 18:00-10:00")
    assert week(Rota((day, night)), "2026-01-06T00:00", 1) == ["b Tue 00:00", "a Tue 08:00", "b Tue 20:00"]
    assert week(Rota((day, night), at_once=2), "2026-01-06T00:00", 1) == [
        *("b Tue 00:00", "a+b Tue 08:00", "a Tue 10:00", "a+b Tue 18:00", "b Tue 20:00")
    ]


def test_two_at_once_are_two_people() -> None:
    rota = Rota((turns("a", "b", "c"), turns("a", "b", "c")), at_once=2)
    assert on_call(rota).at(at("2026-01-06T00:00")).people == ("a", "b")


def test_outside_of_what_it_covers_nobody_is_on_call_and_that_is_no_gap() -> None:
    oncall = on_call(Rota((turns("a", "b"),)), "Mon-Fri 07:00-17:00")
    assert week(oncall.rota, "2026-01-16T00:00", 4, "Mon-Fri 07:00-17:00") == [
        *(". Fri 00:00", "b Fri 07:00", ". Fri 17:00", "b Mon 07:00", "a Mon 08:00", ". Mon 17:00")
    ]
    assert not oncall.gaps(Interval(at("2026-01-06T00:00"), at("2026-02-06T00:00")))
    assert oncall.channels(oncall.at(at("2026-01-17T12:00"))) == ("duty",)
    assert oncall.channels(oncall.at(at("2026-01-16T12:00"))) == ("b-phone",)


@pytest.mark.parametrize("zone", [BERLIN, LORD_HOWE], ids=["Berlin", "Lord_Howe"])
def test_shifts_are_by_the_clocks_of_the_zone_over_both_nights(zone: ZoneInfo) -> None:
    rota = Rota((turns("a", "b", handover="08:00, 20:00", zone=zone),))
    for night, longer in NIGHTS[zone]:
        eve = (datetime.fromisoformat(night) - timedelta(days=1)).strftime("%Y-%m-%d")
        shift = on_call(rota, zone=zone).at(at(f"{night}T05:00", zone))
        assert (shift.start, shift.end) == (at(f"{eve}T20:00", zone), at(f"{night}T08:00", zone))
        assert (shift.end or 0) - (shift.start or 0) == 12 * HOUR + longer


@pytest.mark.parametrize("zone", [BERLIN, LORD_HOWE], ids=["Berlin", "Lord_Howe"])
@pytest.mark.parametrize("clock", ["01:30", "01:45", "02:00", "02:15", "02:30", "03:00"])
def test_a_handover_within_the_hour_that_is_skipped_or_twice_there_is_once(zone: ZoneInfo, clock: str) -> None:
    rota = Rota((turns("a", "b", handover=clock, zone=zone),))
    for night, _ in NIGHTS[zone]:
        middle = at(f"{night}T12:00", zone)
        shifts = on_call(rota, zone=zone).shifts(Interval(middle - 2 * DAY, middle + 2 * DAY))
        assert [shift.people for shift in shifts] in ([("a",), ("b",)] * 2 + [("a",)], [("b",), ("a",)] * 2 + [("b",)])
        handed = [shift.start or 0 for shift in shifts[1:]]
        lengths = {(after - before) // (HOUR // 4) for before, after in pairwise(handed)}
        assert lengths <= {4 * 23, 4 * 24 - 2, 4 * 24, 4 * 24 + 2, 4 * 25}, (
            "no turn is much longer or shorter than a day"
        )


def test_a_shift_is_told_as_long_as_it_is_and_no_end_where_there_is_none() -> None:
    oncall = on_call(Rota((turns("a"),)))
    assert oncall.at(at("2027-06-01T00:00")) == Shift(("a",), None, None)
    assert oncall.at(at("2026-03-01T00:00")) == Shift(("a",), at("2026-01-05T08:00"), None)
    assert oncall.after(oncall.at(at("2027-06-01T00:00"))) is None
    monthly = on_call(Rota((turns("a", "b", handover="FREQ=MONTHLY;BYMONTHDAY=1", start="2026-01-01T08:00"),)))
    shift = monthly.at(at("2026-03-15T00:00"))
    assert shift == Shift(("a",), at("2026-03-01T08:00"), at("2026-04-01T08:00"))
    assert monthly.after(shift) == Shift(("b",), at("2026-04-01T08:00"), at("2026-05-01T08:00"))


PEOPLE = ("a", "b", "c")
FIRST = at("2026-01-01T00:00")
rotations = st.builds(
    Rotation,
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(["2026-01-05", "2026-02-03T22:30", "2026-10-24"]).map(datetime.fromisoformat),
    st.sampled_from([BERLIN, LORD_HOWE]),
    st.one_of(
        st.sampled_from(["Mon 08:00", "08:00, 20:00", "02:30", "Mon-Fri 02:15"]).map(WeeklyTimes.parse),
        st.sampled_from(["FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY;BYDAY=2SU", "FREQ=DAILY;COUNT=9"]),
    ),
    st.sampled_from(["24x7", "Mon-Fri 07:00-17:00", "Sat-Sun 22:00-02:30"]).map(Hours.parse),
)
spans = st.builds(
    lambda who, start, length: Span(who, Interval(FIRST + start * HOUR // 2, FIRST + (start + length) * HOUR // 2)),
    st.sampled_from(PEOPLE),
    st.integers(0, 48 * 360),
    st.integers(1, 48 * 20),
)
rotas = st.builds(
    Rota,
    st.lists(rotations, max_size=3).map(tuple),
    st.lists(spans, max_size=3).map(lambda found: Calendar(tuple(found))),
    st.lists(spans, max_size=4).map(tuple),
    st.lists(spans, max_size=4).map(tuple),
    st.integers(1, 3),
)
moments = st.one_of(
    st.integers(0, 48 * 365).map(lambda n: FIRST + n * HOUR // 2),
    st.tuples(
        st.sampled_from([at(f"{night}T00:00", zone) for zone, some in NIGHTS.items() for night, _ in some]),
        st.integers(-96, 192),
    ).map(lambda both: both[0] + both[1] * HOUR // 4),
)


@settings(max_examples=150, deadline=None)
@given(rotas, st.sampled_from(["24x7", "Mon-Fri 07:00-17:00"]), st.sampled_from([BERLIN, LORD_HOWE]), moments)
def test_at_most_the_configured_number_is_on_call_and_a_shift_is_the_same_at_all_of_its_moments(
    rota: Rota, covers: str, zone: ZoneInfo, moment: Micros
) -> None:
    oncall = on_call(rota, covers, zone)
    shift = oncall.at(moment)
    assert len(set(shift.people)) == len(shift.people) <= rota.at_once
    assert shift.covered == Hours.parse(covers).hold(moment, zone)
    assert oncall.channels(shift), "a page always has somewhere to go"
    start, end = shift.start, shift.end
    assert start is None or start <= moment
    assert end is None or moment < end
    for other in (start, None if end is None else end - 1, (moment + (end or moment)) // 2):
        if other is not None:
            assert oncall.at(other) == shift
    for beside in (end, None if start is None else start - 1):
        if beside is not None:
            assert (oncall.at(beside).people, oncall.at(beside).covered) != (shift.people, shift.covered)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=3, unique=True),
    st.sampled_from(["Mon 08:00", "08:00, 20:00", "02:30"]),
    st.sampled_from([BERLIN, LORD_HOWE]),
    st.lists(spans, max_size=3),
    st.integers(1, 2),
    moments,
)
def test_a_whole_rota_has_somebody_at_every_moment_that_it_covers(
    order: list[str], handover: str, zone: ZoneInfo, overrides: list[Span], at_once: int, moment: Micros
) -> None:
    rotation = Rotation(tuple(order), datetime.fromisoformat("2025-12-01"), zone, WeeklyTimes.parse(handover), ALWAYS)
    away = Span(order[0], Interval(moment - DAY, moment + DAY))
    oncall = on_call(Rota((rotation,), overrides=tuple(overrides), vacations=(away,), at_once=at_once), zone=zone)
    assert 1 <= len(oncall.at(moment).people) <= at_once
    assert not oncall.gaps(Interval(moment - 2 * DAY, moment + 2 * DAY))
