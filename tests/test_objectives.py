"""Whether what was agreed was kept, to the second and by hand for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.calendars import Calendar, Hours
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import SECOND, CheckId, Micros, Reason, State, Transition
from pacs_monitor.objectives import (
    WHOLE,
    Bounds,
    Counts,
    Kept,
    Maintenance,
    Share,
    Terms,
    account,
    announced_in_time,
    bounded,
    reach,
)
from pacs_monitor.pieces import Class, Coverage, Timeline, pieces
from pacs_monitor.services import Standing, Stretch, Track, of_check
from tests.test_services import tracks
from tests.test_uptime import timelines

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
CHECK = CheckId("archive", "dicom_echo")
NINES = Terms(availability=999 * WHOLE // 1000)


def at(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> Micros:
    return round(datetime(2026, month, day, hour, minute, second, tzinfo=BERLIN).timestamp()) * SECOND


Q3 = Interval(at(7, 1), at(10, 1))


def moved(since: Micros, after: State, *, before: State, last: Micros | None = None) -> Transition:
    reason = Reason.TCP_REFUSED if after is State.DOWN else None
    return Transition(CHECK, before, after, last, since, since + 10 * SECOND, reason)


def outage(start: Micros, end: Micros) -> list[Transition]:
    """Echoes every minute: the last good one a minute before, the last bad one ten seconds before the end."""
    return [
        moved(start, State.DOWN, before=State.UP, last=start - MINUTE),
        moved(end, State.UP, before=State.DOWN, last=end - 10 * SECOND),
    ]


LEDGER = [
    moved(at(6, 1), State.UP, before=State.UNKNOWN),
    *outage(at(7, 10, 3), at(7, 10, 3, 45)),  # 45 min, not planned
    *outage(at(8, 9, 2, 10), at(8, 9, 3, 10)),  # 60 min within a window of 2 h
    *outage(at(9, 13, 3, 30), at(9, 13, 4, 20)),  # 30 min within a window, 20 min after its end
    *outage(at(9, 20, 12), at(9, 20, 12, 3)),  # 3 min, not planned
]
WINDOWS = [Interval(at(8, 9, 2), at(8, 9, 4)), Interval(at(9, 13, 2), at(9, 13, 4))]
DAYS = 92


def track(ledger: Sequence[Transition] = LEDGER, windows: Sequence[Interval] = WINDOWS) -> Track:
    everything = (Interval(at(6, 1), FOREVER),)
    covered = (Coverage(at(6, 1), at(12, 1)),)
    return of_check(pieces(Timeline(ledger, everything, covered, maintained=windows), Interval(at(6, 15), at(10, 15))))


def kept(terms: Terms, track: Track | None = None, hours: list[Interval] | None = None, **rest: Micros) -> Kept:
    return account(track or QUARTER, Q3, rest.get("now", at(11, 1)), hours, terms)


QUARTER = track()


@pytest.mark.parametrize(
    ("maintenance", "down", "excluded"),
    [
        pytest.param(Maintenance.EXCLUDE_DOWNTIME, 45 + 20 + 3, 60 + 30, id="exclude_downtime"),
        pytest.param(Maintenance.EXCLUDE_WINDOWS, 45 + 20 + 3, 120 + 120, id="exclude_windows"),
        pytest.param(Maintenance.INCLUDE, 45 + 60 + 50 + 3, 0, id="include"),
    ],
)
def test_a_quarter_by_hand_for_each_rule_of_maintenance(maintenance: Maintenance, down: int, excluded: int) -> None:
    found = kept(replace(NINES, maintenance=maintenance))
    whole = DAYS * 24 * 60
    minutes = {share: time / MINUTE for share, time in found.shares.items() if time}
    expected = {Share.DOWN: down, Share.EXCLUDED: excluded, Share.UP: whole - down - excluded}
    assert minutes == {share: time for share, time in expected.items() if time}
    assert found.used(Counts.FELT) == down * MINUTE
    assert found.counted(Counts.FELT) == (whole - excluded) * MINUTE
    assert found.allowed == (whole - excluded) * MINUTE // 1000
    assert found.met is (down <= (whole - excluded) / 1000)
    assert found.measured == ((whole - excluded) * MINUTE, (whole - excluded) * MINUTE)


def test_more_maintenance_than_agreed_counts_as_what_it_was() -> None:
    found = kept(replace(NINES, cap=70 * MINUTE))
    assert (found.shares[Share.EXCLUDED], found.shares[Share.DOWN]) == (70 * MINUTE, (45 + 20 + 3 + 20) * MINUTE)
    windows = kept(replace(NINES, maintenance=Maintenance.EXCLUDE_WINDOWS, cap=120 * MINUTE))
    assert (windows.shares[Share.EXCLUDED], windows.shares[Share.DOWN]) == (120 * MINUTE, (45 + 50 + 3) * MINUTE)


def test_short_outages_are_forgiven_and_what_runs_over_a_window_is_one_of_its_own() -> None:
    found = kept(replace(NINES, minimum_outage=30 * MINUTE))
    assert (found.shares[Share.DOWN], found.shares[Share.FORGIVEN]) == (45 * MINUTE, 23 * MINUTE)
    assert found.counted(Counts.FELT) == (DAYS * 24 * 60 - 90) * MINUTE


def test_an_outage_at_the_edge_is_as_long_as_it_is_on_both_sides() -> None:
    terms = replace(NINES, minimum_outage=30 * MINUTE)
    over = track([LEDGER[0], *outage(Q3.end - 10 * MINUTE, Q3.end + 25 * MINUTE)], [])
    assert kept(terms, over).used(Counts.FELT) == 10 * MINUTE
    short = track([LEDGER[0], *outage(Q3.end - 10 * MINUTE, Q3.end + 15 * MINUTE)], [])
    assert kept(terms, short).used(Counts.FELT) == 0
    assert reach(terms) == HOUR


@pytest.mark.parametrize(
    ("bounds", "seconds"),
    [(Bounds.MEASURED, 45 * 60), (Bounds.AT_LEAST, 45 * 60 - 10), (Bounds.AT_MOST, 46 * 60)],
)
def test_an_outage_lasts_as_agreed(bounds: Bounds, seconds: int) -> None:
    found = kept(NINES, track(bounded(LEDGER[:3], bounds), []))
    assert found.used(Counts.FELT) == seconds * SECOND


def test_only_agreed_hours_count() -> None:
    core = Calendar("core", Hours.parse("Mon-Fri 06:00-20:00"), BERLIN)
    rest = Calendar("rest", Hours.parse("24x7"), BERLIN, outside_of=core)
    inside, outside = (kept(NINES, hours=calendar.intervals(Q3)) for calendar in (core, rest))
    weekdays = 66  # of the third quarter of 2026
    assert inside.shares[Share.OUTSIDE_HOURS] == (DAYS * 24 - weekdays * 14) * HOUR
    assert inside.used(Counts.FELT) == 0
    assert outside.used(Counts.FELT) == kept(NINES).used(Counts.FELT)
    assert inside.counted(Counts.FELT) + outside.counted(Counts.FELT) == kept(NINES).counted(Counts.FELT)


def test_permitted_minutes_are_compared_to_the_microsecond() -> None:
    assert kept(Terms(allowed=68 * MINUTE)).met is True
    assert kept(Terms(allowed=68 * MINUTE - 1)).met is False


def test_a_period_that_goes_on_has_the_allowance_of_the_whole() -> None:
    found = kept(NINES, now=at(7, 11))
    assert (found.remaining, found.used(Counts.FELT)) == (82 * 24 * HOUR, 45 * MINUTE)
    assert (found.allowed, found.met) == (DAYS * 24 * HOUR // 1000, True)


def test_too_little_measured_is_not_assessable() -> None:
    everything = (Interval(at(6, 1), FOREVER),)
    half = (Coverage(at(6, 1), at(8, 16)),)
    partly = of_check(pieces(Timeline(LEDGER, everything, half), Q3))
    found = kept(replace(NINES, coverage=WHOLE // 2 + 1), partly)
    assert (found.met, found.measured) == (None, (46 * 24 * HOUR, 92 * 24 * HOUR))
    assert kept(replace(NINES, coverage=WHOLE // 2), partly).met is not None
    assert kept(NINES, of_check(pieces(Timeline(), Q3))).met is None


def test_what_stood_behind_a_dead_parent_is_felt_but_not_attributable() -> None:
    unreachable = [Stretch(Q3.start, Q3.end, standing(Class.UP))]
    found = kept(NINES, unreachable)
    assert found.used(Counts.FELT) == 0
    span = Interval(at(8, 1), at(8, 1, 2))
    parts = [
        Stretch(Q3.start, span.start, standing(Class.UP)),
        Stretch(*span, standing(Class.UNREACHABLE)),
        Stretch(span.end, Q3.end, standing(Class.UP)),
    ]
    found = kept(NINES, parts)
    assert (found.used(Counts.FELT), found.used(Counts.ATTRIBUTABLE)) == (2 * HOUR, 0)
    assert found.counted(Counts.FELT) - found.counted(Counts.ATTRIBUTABLE) == 2 * HOUR
    assert (kept(NINES, parts).met, kept(replace(NINES, counts=Counts.ATTRIBUTABLE), parts).met) == (True, True)
    assert kept(replace(NINES, availability=WHOLE), parts).met is False


def test_degraded_counts_as_agreed() -> None:
    slow = [Stretch(*Q3, standing(Class.DEGRADED))]
    assert kept(NINES, slow).used(Counts.FELT) == 0
    assert kept(replace(NINES, degraded_is_up=False), slow).met is False


def test_the_day_of_the_announcement_counts_whole() -> None:
    week = 7 * 24 * HOUR
    assert announced_in_time(date(2026, 8, 2), at(8, 9, 0), week, BERLIN)
    assert not announced_in_time(date(2026, 8, 3), at(8, 9, 23), week, BERLIN)
    assert not announced_in_time(None, at(8, 9), week, BERLIN)
    assert announced_in_time(None, at(8, 9), 0, UTC)


def standing(kind: Class) -> Standing:
    return Standing(kind, unplanned=kind)


terms = st.builds(
    Terms,
    availability=st.sampled_from([WHOLE, 999 * WHOLE // 1000, WHOLE // 2]),
    degraded_is_up=st.booleans(),
    maintenance=st.sampled_from(Maintenance),
    minimum_outage=st.sampled_from([0, 1, 7, 30]),
    coverage=st.sampled_from([0, WHOLE // 2]),
    counts=st.sampled_from(Counts),
)
calendars = st.none() | st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda pair: Interval(min(pair), max(pair))), max_size=4
)


@given(tracks(), calendars, terms, st.none() | st.integers(0, 60), st.integers(-5, 120))
def test_the_shares_sum_to_the_period_up_to_now_exactly(
    stretches: list[Stretch[Standing]], hours: list[Interval] | None, agreed: Terms, cap: int | None, now: int
) -> None:
    found = account(stretches, Interval(0, 100), now, hours, replace(agreed, cap=cap))
    assert sum(found.shares.values()) == max(0, min(100, now))
    assert sum(part.end - part.start for part in found.parts) == max(0, min(100, now))
    assert found.used(agreed.counts) <= found.counted(agreed.counts)
    assert found.used(Counts.ATTRIBUTABLE) <= found.used(Counts.FELT)
    assert cap is None or found.shares[Share.EXCLUDED] <= cap


@given(tracks(), calendars, terms, terms, st.none() | st.integers(0, 60))
def test_what_users_felt_is_the_same_whatever_is_agreed_of_it(
    stretches: list[Stretch[Standing]], hours: list[Interval] | None, agreed: Terms, other: Terms, cap: int | None
) -> None:
    """By the rules of maintenance, short outages and the network; what slowness counts as is the same here."""
    other = replace(other, degraded_is_up=agreed.degraded_is_up, cap=cap)
    one, two = (account(stretches, Interval(0, 100), 100, hours, each) for each in (agreed, other))
    assert one.experienced == two.experienced
    plain = replace(agreed, maintenance=Maintenance.INCLUDE, minimum_outage=0, cap=None)
    included = account(stretches, Interval(0, 100), 100, hours, plain)
    assert one.experienced == (included.used(Counts.FELT), included.counted(Counts.FELT))
    assert one.experienced[0] >= one.used(Counts.FELT)


@given(tracks(), calendars, terms, st.none() | st.integers(0, 60))
def test_what_is_tolerated_is_what_could_have_been_down_of_all_that_nobody_knows(
    track: Track, hours: list[Interval] | None, agreed: Terms, cap: int | None
) -> None:
    """If all of it had been downtime: not measured, and behind a network fault where only own downtime counts."""
    found = account(track, Interval(0, 100), 100, hours, replace(agreed, cap=cap))
    unknown = {Share.UNKNOWN} | ({Share.UNREACHABLE} if agreed.counts is Counts.ATTRIBUTABLE else set())
    worst = replace(
        found, parts=tuple(one._replace(share=Share.DOWN) if one.share in unknown else one for one in found.parts)
    )
    assert (worst.used(agreed.counts) <= worst.allowed) == (found.unassessed <= found.tolerated)


@given(tracks(), calendars, terms, st.integers(0, 100))
def test_the_shares_of_parts_sum_to_those_of_the_whole(
    stretches: list[Stretch[Standing]], hours: list[Interval] | None, agreed: Terms, where: int
) -> None:
    whole = account(stretches, Interval(0, 100), 100, hours, agreed)
    parts = [account(stretches, part, 100, hours, agreed) for part in (Interval(0, where), Interval(where, 100))]
    assert {share: sum(part.shares[share] for part in parts) for share in Share} == whole.shares


@given(timelines, st.randoms(use_true_random=False), terms)
def test_the_order_of_windows_does_not_matter(timeline: Timeline, random: object, agreed: Terms) -> None:
    shuffled = list(timeline.maintained)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # random.Random
    period = Interval(0, 1000)
    one, other = (
        account(of_check(pieces(each, period)), period, 1000, None, agreed)
        for each in (timeline, replace(timeline, maintained=shuffled))
    )
    assert one.parts == other.parts
