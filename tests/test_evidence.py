"""What people state: everything is kept, the last statement holds, and what cannot be so is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.evidence import (
    EARLIEST,
    STEPS,
    About,
    Declared,
    Statement,
    What,
    as_json,
    corrections,
    held,
    in_order,
    moments,
    overlapping,
    refusal,
    span,
)
from pacs_monitor.model import SECOND, Micros

BEGAN: Micros = 1_800_000_000 * SECOND
MINUTE = 60 * SECOND


def said(what: What, at: int, moment: int | None = None, value: str = "", by: str = "anna", why: str = "") -> Statement:
    """Minutes after it began."""
    when = None if moment is None else BEGAN + moment * MINUTE
    return Statement(f"{at:04d}{what}", About.INCIDENT, "x", what, BEGAN + at * MINUTE, by, when, value, why)


def test_a_correction_keeps_who_when_and_from_what_to_what() -> None:
    statements = [
        said(What.REPORTED, 4, 4),
        said(What.RESPONDED, 60, 60),
        said(What.RESPONDED, 90, 42, by="ben", why="typed late"),
        said(What.COUNTS, 95, value="no", why="power cut"),
    ]
    found = as_json(statements)
    assert (found["reported"], found["responded"]) == ("2027-01-15T08:04:00.000000Z", "2027-01-15T08:42:00.000000Z")
    assert (found["counts"], found["counts_by"], found["counts_why"]) == ("no", "anna", "power cut")
    assert found["corrections"] == [
        {
            "what": "responded",
            "before": "2027-01-15T09:00:00.000000Z",
            "after": "2027-01-15T08:42:00.000000Z",
            "at": "2027-01-15T09:30:00.000000Z",
            "by": "ben",
            "why": "typed late",
        }
    ]


@pytest.mark.parametrize(
    ("known", "new", "tapped", "why"),
    [
        ([], said(What.REPORTED, 5, 5), True, None),
        ([said(What.REPORTED, 5, 5)], said(What.REPORTED, 6, 6), True, "nothing to do: reported is on record already"),
        ([said(What.REPORTED, 5, 5)], said(What.REPORTED, 6, 4), False, None),
        ([said(What.REPORTED, 5, 5)], said(What.REPORTED, 6, 5), False, "nothing to do: that is what is on record"),
        ([said(What.REPORTED, 5, 5)], said(What.RESPONDED, 6, 4), False, "responded would be before reported"),
        ([said(What.RESPONDED, 5, 5)], said(What.REPORTED, 6, 6), True, "responded would be before reported"),
        ([said(What.WORKAROUND, 5, 2)], said(What.REPORTED, 6, 6), True, None),
        ([], said(What.REPORTED, 5, 6), False, "correct the time: it is still to come"),
        ([], said(What.REPORTED, 5, -EARLIEST // MINUTE - 1), False, "more than 7 days before this began"),
        ([], said(What.REPORTED, 5), False, "nothing to take back: reported is not on record"),
        ([said(What.REPORTED, 5, 5)], said(What.REPORTED, 6), True, None),
        ([said(What.REPORTED, 5, 5), said(What.REPORTED, 6)], said(What.REPORTED, 7, 7), True, None),
        ([said(What.TICKET, 5, value="1")], said(What.TICKET, 6, value="2"), True, None),
    ],
)
def test_what_can_be_stated(known: list[Statement], new: Statement, tapped: bool, why: str | None) -> None:
    found = refusal(known, [new], BEGAN, tapped)
    assert (None if found is None else found.why) == why if why is None else found is not None and why in found.why


statements = st.lists(
    st.builds(
        said,
        st.sampled_from([*STEPS, What.TICKET]),
        st.integers(0, 50),
        st.none() | st.integers(-5, 50),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(statements)
def test_nothing_that_was_stated_is_lost(stated: list[Statement]) -> None:
    """Of one thing, what holds and what was corrected are all statements but those that took something back."""
    holds, corrected = held(stated), corrections(stated)
    kept = {one.id for one in holds.values()} | {one.before.id for one in corrected}
    assert kept == {one.id for one in stated if not one.is_taken_back}
    assert held(reversed(stated)) == holds
    assert corrections(reversed(stated)) == corrected


@given(statements)
def test_what_is_accepted_one_after_the_other_is_in_order(stated: list[Statement]) -> None:
    accepted: list[Statement] = []
    for one in in_order(stated):
        if refusal(accepted, [one], BEGAN, one.moment == one.at) is None:
            accepted.append(one)
    times = moments(held(accepted))
    assert all(at >= BEGAN - EARLIEST for at in times.values())
    if What.REPORTED in times:
        assert all(times[what] >= times[What.REPORTED] for what in (What.RESPONDED, What.RESTORED) if what in times)


def test_what_is_declared_twice_for_the_same_time_is_refused() -> None:
    first = Declared("a", BEGAN, "anna", BEGAN, BEGAN + 10 * MINUTE, "log", node="archive")
    corrected = [said(What.TO, 20, 20)]
    assert span(first, corrected) == (BEGAN, BEGAN + 20 * MINUTE)

    def new(start: int, end: int | None, node: str = "archive") -> Declared:
        last = None if end is None else BEGAN + end * MINUTE
        return Declared("b", BEGAN, "ben", BEGAN + start * MINUTE, last, "log", node=node)

    assert overlapping(new(10, 15), [(first, [])]) is None
    assert overlapping(new(10, 15), [(first, corrected)]) is not None
    assert overlapping(new(-5, None), [(first, [])]) is not None
    assert overlapping(new(0, 5, "ris"), [(first, [])]) is None
