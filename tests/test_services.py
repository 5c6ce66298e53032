"""What users call the PACS: states and times of services from those of their members."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.intervals import Interval
from pacs_monitor.model import State
from pacs_monitor.pieces import Cause, Class
from pacs_monitor.services import (
    BEST_FIRST,
    Service,
    Standing,
    Stretch,
    checks_of,
    combined,
    cut,
    in_maintenance,
    of_service,
    state,
)

UP, DEGRADED, DOWN, UNKNOWN, ABSENT = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN, State.ABSENT
NAMES = ("a/x", "b/x", "c/x")
RULES = {
    "all": Service("all", 3, NAMES),
    "any": Service("any", 1, NAMES),
    "two": Service("two", 2, NAMES),
    "nested": Service("nested", 2, ("any", "d/x")),
}
LONG = Interval(0, 100)


@pytest.mark.parametrize(
    ("states", "of_all", "of_any", "of_two"),
    [
        ((UP, UP, UP), UP, UP, UP),
        ((UP, UP, DOWN), DOWN, UP, UP),
        ((UP, DOWN, DOWN), DOWN, UP, DOWN),
        ((UP, DEGRADED, DOWN), DOWN, UP, DEGRADED),
        ((UP, UNKNOWN, UP), UNKNOWN, UP, UP),
        ((UP, UNKNOWN, DOWN), DOWN, UP, UNKNOWN),
        ((UNKNOWN, DOWN, DOWN), DOWN, UNKNOWN, DOWN),
        ((UP, ABSENT, UP), ABSENT, UP, UP),
        ((DOWN, DOWN, DOWN), DOWN, DOWN, DOWN),
    ],
)
def test_a_service_is_as_good_as_its_nth_best_member(
    states: tuple[State, ...], of_all: State, of_any: State, of_two: State
) -> None:
    known = dict(zip(NAMES, states, strict=True))
    assert [state(name, RULES, known) for name in ("all", "any", "two")] == [of_all, of_any, of_two]


def test_a_check_of_which_nothing_is_known_is_not_fine() -> None:
    assert state("all", RULES, {"a/x": UP, "b/x": UP}) is UNKNOWN
    assert state("nested", RULES, {"a/x": UP}) is UNKNOWN
    assert state("nested", RULES, {"a/x": UP, "d/x": UP}) is UP


def test_services_rest_on_the_checks_of_their_services() -> None:
    assert checks_of("nested", RULES) == ("a/x", "b/x", "c/x", "d/x")
    assert [RULES[name].rule for name in ("all", "any", "two")] == ["all of 3", "any of 3", "2 of 3"]


def test_it_is_in_maintenance_when_it_cannot_work_without_what_is() -> None:
    assert [in_maintenance(name, RULES, ["a/x"]) for name in RULES] == [True, False, False, False]
    assert [in_maintenance(name, RULES, ["a/x", "b/x"]) for name in RULES] == [True, False, True, False]
    assert [in_maintenance(name, RULES, NAMES) for name in RULES] == [True, True, True, True]


def test_downtime_is_planned_only_where_the_plan_alone_explains_it() -> None:
    """Of two of which one must work, one is patched and the other fails: nobody had planned that."""
    patched = Standing(Class.DOWN, None, True, Class.UP)
    broken, works = Standing(Class.DOWN, unplanned=Class.DOWN), Standing(Class.UP)

    def together(need: int, *members: Standing) -> Standing:
        return combined(need, [[Stretch(0, 1, member)] for member in members])[0].standing

    assert together(1, patched, broken) == (Class.DOWN, None, False, Class.UP)
    assert together(2, patched, broken) == (Class.DOWN, None, True, Class.DOWN)
    assert together(2, patched, works) == (Class.DOWN, None, True, Class.UP)
    assert together(1, patched, patched) == (Class.DOWN, None, True, Class.UP)
    assert together(1, patched, works) == (Class.UP, None, False, Class.UP)


standings = st.builds(
    lambda felt, planned, cause: Standing(
        felt, cause if felt is Class.UNKNOWN else None, planned, Class.UP if planned else felt
    ),
    st.sampled_from(BEST_FIRST),
    st.booleans(),
    st.sampled_from(Cause),
)


@st.composite
def tracks(draw: st.DrawFn) -> list[Stretch[Standing]]:
    edges = sorted({0, 100, *draw(st.lists(st.integers(1, 99), max_size=5))})
    return [Stretch(start, end, draw(standings)) for start, end in pairwise(edges)]


def at(track: list[Stretch[Standing]], instant: int) -> Standing:
    return next(stretch.standing for stretch in track if stretch.start <= instant < stretch.end)


@given(st.lists(tracks(), min_size=3, max_size=3), st.permutations(range(3)))
def test_a_service_over_time_is_what_it_is_at_each_instant(
    members: list[list[Stretch[Standing]]], order: list[int]
) -> None:
    of = of_service("two", RULES, dict(zip(NAMES, members, strict=True)), LONG)
    assert [(stretch.start, stretch.end) for stretch in of] == [
        (start, end) for start, end in pairwise([*(stretch.start for stretch in of), 100])
    ]
    for stretch in of:
        for instant in (stretch.start, stretch.end - 1):
            felt = sorted((at(member, instant).felt for member in members), key=BEST_FIRST.index)
            assert stretch.standing.felt is felt[1]
    assert all(one.standing != other.standing for one, other in pairwise(of))
    assert combined(2, [members[n] for n in order]) == of


@given(st.lists(tracks(), min_size=3, max_size=3), st.integers(0, 100))
def test_the_parts_of_a_services_time_are_its_whole(members: list[list[Stretch[Standing]]], where: int) -> None:
    whole = combined(1, members)
    parts = [
        combined(1, [cut(member, part) for member in members]) for part in (Interval(0, where), Interval(where, 100))
    ]

    def lasting(*of: object) -> dict[Standing, int]:
        total: dict[Standing, int] = {}
        for track in of:
            for start, end, standing in track:  # type: ignore[attr-defined] # a track
                total[standing] = total.get(standing, 0) + end - start
        return total

    assert lasting(*parts) == lasting(whole)


def test_a_check_that_is_not_there_was_not_watched() -> None:
    (only,) = of_service("all", RULES, {}, LONG)
    assert only == (0, 100, (Class.UNKNOWN, Cause.NOT_WATCHED, False, Class.UNKNOWN))
