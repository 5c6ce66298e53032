from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.systems.shared.backlog import Backlog
from pacs_monitor.systems.shared.resources import Queue

MINUTE, HOUR = 60.0, 3600.0
QUARTER = 900.0


def queue(length: int | None, **more: object) -> Queue:
    return Queue("jobs", length, **more)  # type: ignore[arg-type]  # numbers by name


def followed(told: Iterable[Queue], every: float = MINUTE, begin: Backlog | None = None) -> Backlog:
    """After these answers, one each minute; the last comes at its time."""
    backlog = begin or Backlog()
    for turn, answer in enumerate(told):
        kept = json.loads(json.dumps(backlog.followed(answer, turn * every, HOUR, QUARTER)))
        backlog = Backlog(*kept)
    return backlog


def growth(length: Callable[[int], int], minutes: int) -> float:
    return followed(queue(length(minute)) for minute in range(minutes + 1)).growth(minutes * MINUTE)


def test_a_queue_that_only_grows_has_grown() -> None:
    assert growth(lambda minute: 2 * minute, 180) == pytest.approx(2 * 60, abs=2 * 16)


@pytest.mark.parametrize("period", [2, 5, 10, 14])
def test_a_queue_that_fills_and_empties_has_not_grown_at_any_time(period: int) -> None:
    assert max(growth(lambda minute: 100 * (minute % period), minutes) for minutes in range(60, 120)) == 0


def test_a_queue_whose_lowest_level_rises_has_grown() -> None:
    assert growth(lambda minute: minute + 50 * (minute % 10), 120) >= 40


def test_a_batch_has_grown_while_it_is_not_worked_off() -> None:
    """500 items at once after an hour."""

    def batch(minute: int) -> int:
        return 500 if minute >= 60 else 0

    assert [growth(batch, minutes) for minutes in (60, 70, 80, 104, 180)] == [0, 0, 500, 500, 0]


def stuck(*told: Queue) -> float | None:
    return followed(told).stuck_since


def test_a_queue_stands_still_since_nothing_is_in_progress_and_none_leaves() -> None:
    assert stuck(queue(3, in_progress=0), queue(3, in_progress=0), queue(4, in_progress=0)) == 0
    assert stuck(queue(3, in_progress=1), queue(3, in_progress=0), queue(4, in_progress=0)) == MINUTE
    assert stuck(queue(3, in_progress=0), queue(0, in_progress=0), queue(4, in_progress=0)) == 2 * MINUTE


def test_a_queue_that_is_always_caught_between_two_items_does_not_stand_still() -> None:
    assert stuck(queue(3, in_progress=0), queue(2, in_progress=0)) == MINUTE
    assert stuck(*(queue(3, in_progress=0, oldest=float(at)) for at in (1, 1, 1))) == 0
    assert stuck(*(queue(3, in_progress=0, oldest=float(at)) for at in (1, 2, 3))) == 2 * MINUTE


@pytest.mark.parametrize("told", [queue(0, in_progress=0), queue(3), queue(3, in_progress=1)])
def test_an_empty_queue_and_one_that_tells_no_progress_do_not_stand_still(told: Queue) -> None:
    assert stuck(told, told) is None


def failed(*counts: int, failed_is_total: bool = False) -> float:
    return followed(queue(0, failed=count, failed_is_total=failed_is_total) for count in counts).newly_failed


def test_failed_items_count_from_the_second_run_on() -> None:
    assert [failed(7), failed(7, 7), failed(7, 9), failed(0, 1, 2)] == [0, 0, 2, 2]


def test_failed_items_that_somebody_takes_away_are_no_new_ones() -> None:
    assert [failed(10, 9), failed(10, 9, 10), failed(10, 0)] == [0, 1, 0]


def test_a_tally_that_begins_anew_counts_what_failed_since() -> None:
    assert [
        failed(10, 0, failed_is_total=True),
        failed(10, 3, failed_is_total=True),
        failed(10, 3, 4, failed_is_total=True),
    ] == [0, 3, 4]


def test_failed_items_are_told_apart_by_name_where_the_system_forgets() -> None:
    told = [queue(0, failures=frozenset(names)) for names in ("ab", "bc", "c", "cd")]
    assert followed(told).newly_failed == 2


def test_what_failed_is_told_for_as_long_as_asked() -> None:
    answers = [queue(0, failed=0), queue(0, failed=1), *[queue(0, failed=1)] * 13]
    assert followed(answers).newly_failed == 1
    assert followed([*answers, *[queue(0, failed=1)] * 2]).newly_failed == 0


def test_a_clock_that_was_set_back_forgets_no_failure_and_no_standstill() -> None:
    before = Backlog().followed(queue(3, in_progress=0, failed=0), 2 * HOUR, HOUR, QUARTER)
    before = before.followed(queue(3, in_progress=0, failed=1), 2 * HOUR + MINUTE, HOUR, QUARTER)
    after = before.followed(queue(3, in_progress=0, failed=1), HOUR, HOUR, QUARTER)
    assert (after.stuck_since, after.newly_failed, after.growth(HOUR)) == (HOUR, 1, 0)
    later = after.followed(queue(3, in_progress=0, failed=1), HOUR + QUARTER, HOUR, QUARTER)
    assert (later.stuck_since, later.newly_failed) == (HOUR, 0)


TOLD = st.builds(
    Queue,
    name=st.just("jobs"),
    length=st.integers(0, 1000),
    oldest=st.none() | st.floats(0, 1e6),
    in_progress=st.none() | st.integers(0, 2),
    failed=st.none() | st.integers(0, 50),
    failed_is_total=st.booleans(),
    failures=st.none() | st.frozensets(st.sampled_from("abcdef")),
)


@given(st.lists(st.tuples(st.floats(-HOUR, HOUR), TOLD), max_size=200), st.sampled_from([QUARTER, 7 * 24 * HOUR]))
def test_whatever_comes_little_is_remembered_and_nothing_of_the_future(
    steps: list[tuple[float, Queue]], within: float
) -> None:
    backlog, now = Backlog(), 1e6
    for step, told in steps:
        now += step
        backlog = Backlog(*json.loads(json.dumps(backlog.followed(told, now, within, within))))
        times = [at for at, _ in [*backlog.lengths, *backlog.news]] + [backlog.stuck_since or now]
        assert all(at <= now for at in times)
        assert backlog.newly_failed >= 0
        assert abs(backlog.growth(now)) <= 1000
        assert max(len(backlog.lengths), len(backlog.news)) <= 62


def test_what_is_not_told_once_changes_nothing_that_is_remembered() -> None:
    before = followed([queue(5, in_progress=0, failed=1)] * 3)
    after = followed([queue(None, in_progress=0)], begin=before)
    assert (after.length, after.stuck_since, after.failed, after.lengths) == (5, 0.0, 1, before.lengths)
    again = followed([queue(5, in_progress=0, failed=3)], begin=after)
    assert (again.stuck_since, again.newly_failed) == (0.0, 2)
