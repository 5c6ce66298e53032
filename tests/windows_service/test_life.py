"""The states of the service, by whatever happens to it in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.windows_service.life import ACCEPTS, SERVICE_SPECIFIC, START_HINT, STOP_HINT, Exit, Life, State

Change = Callable[[Life], Life]
CHANGES: list[Change] = [Life.goes_on, Life.ready, Life.ending]
ENDS: list[Change] = [lambda life, code=code: life.ended(code) for code in Exit]  # type: ignore[misc]


def test_it_starts_runs_ends_and_is_stopped() -> None:
    life = Life()
    assert life.report() == (0x10, State.START_PENDING, 0, 0, 0, 1, START_HINT)
    assert life.goes_on().report() == (0x10, State.START_PENDING, 0, 0, 0, 2, START_HINT)
    running = life.goes_on().ready()
    assert running.report() == (0x10, State.RUNNING, ACCEPTS, 0, 0, 0, 0)
    ending = running.ending().goes_on()
    assert ending.report() == (0x10, State.STOP_PENDING, 0, 0, 0, 2, STOP_HINT)
    assert ending.ended(Exit.FINE).report() == (0x10, State.STOPPED, 0, 0, 0, 0, 0)


def test_a_bad_configuration_ends_it_with_a_code_of_ours_that_windows_does_not_take_for_its_own() -> None:
    report = Life().ended(Exit.CONFIGURATION).report()
    assert report == (0x10, State.STOPPED, 0, SERVICE_SPECIFIC, 0x20000001, 0, 0)


def test_one_that_is_to_end_does_not_run_any_more_when_it_gets_ready() -> None:
    assert Life().ending().ready().state is State.STOP_PENDING


@given(st.lists(st.sampled_from(CHANGES + ENDS)))
def test_whatever_happens_windows_is_told_of_progress_and_of_one_end(changes: list[Change]) -> None:
    lives = [Life()]
    for change in changes:
        lives.append(change(lives[-1]))
    for before, after in pairwise(lives):
        if before.state is State.STOPPED:
            assert after == before, "an end is final, and so is its code"
        if after.state is before.state:
            assert after.step >= before.step, "a checkpoint that goes back counts as a hang"
        assert not (before.state is State.STOP_PENDING and after.state is State.RUNNING)
    for life in lives:
        _, state, accepts, code, ours, step, hint = life.report()
        assert bool(accepts) == (state == State.RUNNING), "Windows sends no control to a service that is not ready"
        assert (step > 0) == (hint > 0) == life.is_pending
        assert (code == SERVICE_SPECIFIC) == (ours != 0)
        assert not (ours and state != State.STOPPED)
