"""What must hold whatever happens, in whatever order, and whichever process goes on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from pacs_monitor.alerting.timeline import in_order
from pacs_monitor.model import CheckId, Reason, State
from tests.alerting.machine import WAYS, Machine, Moves, Story, pages_after, whole_estate
from tests.alerting.speaking import Speaking
from tests.attacks import Attacked


def drive(record_property: Callable[[str, object], None], examples: int, length: int) -> str:
    Machine.steps = Machine.restarts = Machine.late = Speaking.words = 0
    run_state_machine_as_test(
        Speaking, settings=settings(max_examples=examples, stateful_step_count=length, deadline=None)
    )
    restarts = f"{Machine.restarts:,} of them restarts through the tables"
    late = f"{Machine.late:,} pages that were late"
    ran = f"{Machine.steps:,} steps, {restarts}, {late}, {Speaking.words:,} words of people that were accepted"
    record_property("summary", f"alerting core: {ran}")
    return ran


def test_whatever_happens_everybody_is_notified_once_and_to_the_end(
    record_property: Callable[[str, object], None],
) -> None:
    drive(record_property, 25, 25)


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_whatever_happens_for_thousands_of_examples(
    record_property: Callable[[str, object], None], attack: Attacked
) -> None:
    ran = drive(record_property, 2000, 50)
    attack("core-machine", f"{ran}: every property held")


CHECKS = sorted(whole_estate().checks)
MOVES = st.tuples(st.sampled_from(CHECKS), st.sampled_from(WAYS)).map(lambda move: (move[0], *move[1]))
MOMENTS = st.tuples(
    st.sampled_from([1.0, 20.0, 61.0, 300.0]), st.lists(MOVES, max_size=8, unique_by=lambda move: move[0]).map(tuple)
)


def shuffled(story: Story, random: Random) -> Story:
    return tuple((seconds, tuple(random.sample(moves, len(moves)))) for seconds, moves in story)


STORIES = st.lists(MOMENTS, max_size=6).map(tuple)
RANDOM = st.randoms(use_true_random=False)


@settings(max_examples=80)
@given(STORIES, RANDOM)
def test_the_order_of_simultaneous_results_makes_no_odds(story: Story, random: Random) -> None:
    estate = whole_estate()
    other = shuffled(story, random)
    assert list(pages_after(other, estate, in_order)) == list(pages_after(story, estate, in_order))


def first_failures(story: Story, moment: Moves) -> Moves:
    """Of checks that were well: which incident the others are in then depends on who leaves it first."""
    known = {check for _, moves in story for check, _, _ in moves}
    seconds, moves = moment
    return seconds, tuple(move for move in moves if move[1] is not State.UP and move[0] not in known)


@settings(max_examples=80)
@given(STORIES, MOMENTS, RANDOM)
def test_nor_does_the_order_in_which_they_are_decided_but_for_how_long_pages_wait(
    story: Story, last: Moves, random: Random
) -> None:
    estate, last = whole_estate(), first_failures(story, last)
    pages = [page._replace(at=0) for page in pages_after((*story, last), estate)]
    others = [page._replace(at=0) for page in pages_after((*story, *shuffled((last,), random)), estate)]
    assert sorted(others) == sorted(pages)


def down(check: str, reason: Reason) -> tuple[CheckId, State, Reason | None]:
    return CheckId.parse(check), State.DOWN, reason


SLOW = (CheckId("archive", "dicom_echo"), State.DEGRADED, Reason.SLOW)


@pytest.mark.parametrize(
    "moves",
    [
        (
            down("core-a/ping", Reason.TCP_TIMEOUT),
            down("core-b/ping", Reason.TCP_TIMEOUT),
            down("archive/dicom_echo", Reason.TCP_TIMEOUT),
            down("archive/tcp", Reason.TCP_REFUSED),
        ),
        (down("archive/dicom_echo", Reason.TCP_REFUSED), down("archive/tcp", Reason.TCP_TIMEOUT)),
    ],
    ids=["behind-switches", "alone"],
)
def test_an_incident_that_people_know_moves_with_others_at_one_moment(
    moves: tuple[tuple[CheckId, State, Reason | None], ...],
) -> None:
    estate = whole_estate()
    heard = {
        tuple(sorted(page._replace(at=0) for page in pages_after(((1.0, (SLOW,)), (61.0, order)), estate)))
        for order in permutations(moves)
    }
    assert len(heard) == 1
