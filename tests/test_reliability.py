"""Outages of checks and of what is made of them: bounds, means, and maintenance planned against used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.intervals import ALL_TIME, Amount, Interval
from pacs_monitor.model import Micros, Reason, State
from pacs_monitor.pieces import Cause, Class, Coverage, Timeline, pieces
from pacs_monitor.reliability import View, extents, maintenance, outages, reliability, seen, together, ways
from pacs_monitor.services import Standing, Stretch, Together, Track, merged, of_check
from pacs_monitor.uptime import FAILED, account, spells
from tests.test_uptime import ALWAYS, DAY, RUNNING, UP_DOWN_UP, instants, spans, timelines, went


def views_of(timelines: Sequence[Timeline], need: int, period: Interval = DAY) -> Callable[[View], Track]:
    of_checks = [seen(of_check(pieces(each, period)), list(spells(each, period))) for each in timelines]
    return ways(merged(need, of_checks, Together(together))).__getitem__


FIRST = Timeline(UP_DOWN_UP, ALWAYS, RUNNING)
"""Down from 300 to 500, at least 190, at most 210."""
SECOND = Timeline(
    went((None, 0, State.UP, None), (440, 450, State.DOWN, Reason.TCP_REFUSED), (690, 700, State.UP, None)),
    ALWAYS,
    RUNNING,
)
"""Down from 450 to 700, at least 240, at most 260."""


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        pytest.param(2, (300, 700, 302, 390, 400, 410), id="all of 2: from the first to the last"),
        pytest.param(1, (450, 500, 452, 40, 50, 60), id="any of 2: while both are down"),
    ],
)
def test_the_bounds_of_a_service_are_made_of_those_of_its_checks(need: int, expected: tuple[int, ...]) -> None:
    (found,) = outages(views_of([FIRST, SECOND], need), DAY)
    assert (found.since, found.ended, found.noticed, found.at_least, found.down, found.at_most) == expected
    assert found.planned == 0


def test_an_outage_of_one_check_is_the_same_as_by_its_ledger() -> None:
    planned = replace(FIRST, maintained=(Interval(250, 400),))
    for timeline in (FIRST, SECOND, planned):
        (by_ledger,) = account(timeline, DAY, 1000).outages
        assert outages(views_of([timeline], 1), DAY) == [
            by_ledger._replace(last_good=None, reason=None, last_failed=None)
        ]


def test_unknown_in_between_ends_no_outage_and_what_is_not_watched_does() -> None:
    def stretch(start: int, end: int, kind: Class, cause: Cause | None = None) -> Stretch[Standing]:
        return Stretch(start, end, Standing(kind, cause, unplanned=kind))

    def found(cause: Cause) -> list[Interval]:
        track = [
            stretch(0, 10, Class.UP),
            stretch(10, 20, Class.DOWN),
            stretch(20, 30, Class.UNKNOWN, cause),
            stretch(30, 40, Class.UNREACHABLE),
        ]
        return [one.span for one in extents(lambda _: track, Interval(0, 40))]

    assert found(Cause.MONITOR_NOT_RUNNING) == [Interval(10, 40)]
    assert found(Cause.NOT_WATCHED) == [Interval(10, 20), Interval(30, 40)]


def test_means_are_of_the_outages_that_nobody_had_planned() -> None:
    third = went(
        *((moved.last_before, moved.since, moved.after, moved.reason) for moved in UP_DOWN_UP),
        (790, 800, State.DOWN, Reason.TCP_REFUSED),
        (890, 900, State.UP, None),
    )
    timeline = Timeline(third, ALWAYS, RUNNING, maintained=(Interval(780, 950),))
    found = reliability(outages(views_of([timeline], 1), DAY), 630)
    assert (found.outages, found.planned, found.down, found.at_least, found.at_most) == (1, 1, 200, 190, 210)
    assert (found.repair, found.between, found.notice, found.slowest_notice) == (200, 630, 2, 2)
    assert found.longest is not None
    assert found.longest.since == 300
    none = reliability([], 1000)
    assert (none.outages, none.repair, none.between, none.notice, none.longest) == (0, None, None, None, None)


def test_what_is_down_after_the_end_of_a_window_is_overrun() -> None:
    def planned(*windows: Interval) -> Track:
        return of_check(pieces(replace(FIRST, maintained=windows), DAY))

    assert maintenance(planned(Interval(250, 400))) == (150, 100, 100)
    assert maintenance(planned(Interval(350, 600))) == (250, 150, 0)
    assert maintenance(planned(Interval(100, 200))) == (100, 0, 0)
    assert maintenance(planned(Interval(250, 400)), hours=[Interval(390, 450)]) == (10, 10, 50)


@given(timelines, spans)
def test_each_way_of_seeing_a_track_holds_the_one_before(timeline: Timeline, period: Interval) -> None:
    view = views_of([timeline], 1, period)
    least, measured, most = (view(way) for way in (View.AT_LEAST, View.MEASURED, View.AT_MOST))
    for track in (least, most, view(View.NOTICED)):
        assert sum(part.end - part.start for part in track) == sum(part.end - part.start for part in measured)
    down = [Amount(Interval(p.start, p.end) for p in t if p.standing.felt in FAILED) for t in (least, measured, most)]
    edges = sorted({part.start for track in (least, measured, most) for part in track} | {period.end})
    for start, end in pairwise(edges):
        amounts = [amount.within(Interval(start, end)) for amount in down]
        assert amounts == sorted(amounts)


@given(st.lists(timelines, min_size=1, max_size=3), st.integers(1, 3), spans)
def test_outages_add_up_to_the_downtime_and_lie_within_their_bounds(
    of_checks: list[Timeline], need: int, period: Interval
) -> None:
    need = min(need, len(of_checks))
    view = views_of(of_checks, need, period)
    found = outages(view, period)
    down = sum(p.end - p.start for p in view(View.MEASURED) if p.standing.counted in FAILED)
    planned = sum(p.end - p.start for p in view(View.MEASURED) if p.standing.planned and p.standing.felt in FAILED)
    assert sum(outage.down for outage in found) == down
    assert sum(outage.planned for outage in found) == planned
    for outage in found:
        assert 0 <= outage.at_least <= outage.down <= outage.at_most
    assert reliability(found, 0).down == down


@given(timelines, spans, instants)
def test_maintenance_of_the_parts_of_hours_is_that_of_the_whole(
    timeline: Timeline, period: Interval, cut: Micros
) -> None:
    track = of_check(pieces(timeline, period))
    whole = maintenance(track)
    parts = [maintenance(track, hours=[part]) for part in (Interval(ALL_TIME.start, cut), Interval(cut, ALL_TIME.end))]
    assert tuple(map(sum, zip(*parts, strict=True))) == whole
    assert whole.used <= whole.whole


def test_while_the_monitor_did_not_run_an_outage_may_have_gone_on() -> None:
    gap = replace(FIRST, coverage=(Coverage(0, 400), Coverage(450, 1000)))
    (found,) = outages(views_of([gap], 1), DAY)
    assert (found.at_least, found.down, found.at_most) == (140, 150, 210)
