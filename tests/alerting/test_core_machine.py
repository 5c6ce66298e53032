"""What must hold whatever happens, in whatever order, and whichever process goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from pacs_monitor.alerting.timeline import in_order
from pacs_monitor.config import Estate
from tests.alerting.machine import WAYS, Machine, Moves, Story, pages_after, whole_estate
from tests.attacks import Attacked


def drive(record_property: Callable[[str, object], None], examples: int, length: int) -> str:
    Machine.steps = Machine.restarts = 0
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=length, deadline=None)
    )
    ran = f"{Machine.steps:,} steps, {Machine.restarts:,} of them restarts through the tables"
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


def patient_estate() -> Estate:
    """Nobody is notified before a minute has gone: what comes of an instant is decided after all of it is known."""
    estate = whole_estate()
    checks = {identity: replace(check, page_after=60.0) for identity, check in estate.checks.items()}
    return replace(estate, checks=checks)


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


@settings(max_examples=80)
@given(STORIES, MOMENTS, RANDOM)
def test_nor_does_the_order_in_which_they_are_decided_but_for_how_long_pages_wait(
    story: Story, last: Moves, random: Random
) -> None:
    estate = patient_estate()
    pages = [page._replace(at=0) for page in pages_after((*story, last), estate)]
    others = [page._replace(at=0) for page in pages_after((*story, *shuffled((last,), random)), estate)]
    assert sorted(others) == sorted(pages)
