"""What goes next, and when: the pure core of delivery."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pacs_monitor.model import DeliveryError, DeliveryStatus, Event, Severity
from tests.delivery.support import (
    BUSY,
    REFUSED,
    UNCONNECTED,
    UNSENDABLE,
    a_backlog,
    a_page,
    fail_all,
    take_all,
    times_of_attempts,
)


@pytest.mark.parametrize("error", [BUSY, UNCONNECTED])
def test_what_fails_for_now_is_tried_after_a_second_and_then_ever_less_often_up_to_a_minute(
    error: DeliveryError,
) -> None:
    backlog = a_backlog(opens_after=1e9)
    backlog.feed(a_page("a"), 0.0)
    assert times_of_attempts(backlog, 250.0, error) == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_from_the_tenth_refusal_a_page_is_tried_every_five_minutes() -> None:
    backlog = a_backlog(opens_after=1e9)
    backlog.feed(a_page("a"), 0.0)
    times = times_of_attempts(backlog, 1000.0, REFUSED)
    assert times[:10] == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert times[10:] == [543, 843]


def test_a_minute_of_failures_opens_the_circuit_and_one_page_at_a_time_is_tried() -> None:
    backlog = a_backlog()
    for name in "abcdef":
        backlog.feed(a_page(name), 0.0)
    assert len(fail_all(backlog, 0.0, UNCONNECTED)) == 6
    times = times_of_attempts(backlog, 59.0, UNCONNECTED, now=1.0)
    assert not backlog.circuit.is_open
    assert len(times) == 6 * 5
    opened = backlog.circuit.opens_at or 0.0
    assert opened == 60.0
    assert backlog.next(opened) is None
    assert backlog.circuit.is_open
    assert times_of_attempts(backlog, 250.0, UNCONNECTED, now=opened) == [61, 62, 64, 68, 76, 92, 124, 184, 244]


def test_a_circuit_with_refusals_alone_is_tried_every_five_minutes_in_the_end() -> None:
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("a"), 0.0)
    assert times_of_attempts(backlog, 900.0, REFUSED) == [0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 544, 844]


def test_the_most_severe_is_tried_first_and_a_refused_one_goes_behind_the_others() -> None:
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("minor", severity=Severity.INFO), 0.0)
    backlog.feed(a_page("worst", severity=Severity.CRITICAL), 0.0)
    backlog.feed(a_page("other", severity=Severity.WARNING), 0.0)
    backlog.circuit.open(0.0)
    tried = []
    for now in (0.0, 10.0, 20.0, 30.0):
        tried += fail_all(backlog, now, REFUSED)
    assert tried == ["worst", "other", "minor", "worst"]


def test_a_failure_to_connect_says_nothing_about_the_page_so_the_most_severe_stays_first() -> None:
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("worst", severity=Severity.CRITICAL), 0.0)
    backlog.feed(a_page("other"), 0.0)
    backlog.circuit.open(0.0)
    assert [fail_all(backlog, now, UNCONNECTED) for now in (0.0, 10.0, 20.0)] == [["worst"]] * 3


def test_a_success_closes_the_circuit_and_releases_the_rest_by_severity_ends_before_beginnings() -> None:
    backlog = a_backlog(opens_after=0.0, at_once=1)
    backlog.feed(a_page("first"), 0.0)
    backlog.circuit.open(0.0)
    fail_all(backlog, 0.0, UNCONNECTED)
    backlog.feed(a_page("info", severity=Severity.INFO), 0.0)
    backlog.feed(a_page("warning"), 0.0)
    backlog.feed(a_page("over", Event.RESOLVED), 0.0)
    backlog.feed(a_page("critical", severity=Severity.CRITICAL), 0.0)
    assert take_all(backlog, 0.0) == ["critical", "over", "first", "warning", "info"]
    assert not backlog.circuit.is_open


def test_a_new_page_does_not_wait_for_the_pause_of_a_channel_that_took_nothing() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("bad"), 0.0)
    now = times_of_attempts(backlog, 1000.0, REFUSED)[-1]
    backlog.feed(a_page("good"), now + 5)
    assert take_all(backlog, now + 5)[:1] == ["good"]


def test_retry_after_is_heeded_within_reason_also_by_what_comes_later() -> None:
    asks = DeliveryError("http_429", "slower", retry_after=120.0, may_have_arrived=False)
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("a"), 0.0)
    fail_all(backlog, 0.0, asks)
    backlog.feed(a_page("b"), 1.0)
    assert times_of_attempts(backlog, 200.0, UNCONNECTED, now=1.0)[0] == 120.0
    long = DeliveryError("http_503", "come back next year", retry_after=1e9)
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("a"), 0.0)
    assert times_of_attempts(backlog, 700.0, long) == [0, 300, 600]


def test_what_is_refused_while_others_are_taken_is_poison_and_opens_no_circuit() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("bad", severity=Severity.CRITICAL), 0.0)
    fail_all(backlog, 0.0, REFUSED)
    backlog.feed(a_page("good"), 0.5)
    item = backlog.next(0.5)
    assert item is not None
    backlog.taken(item, 0.5)
    backlog.done(item)
    times = times_of_attempts(backlog, 10_000.0, REFUSED, now=0.5)
    assert not backlog.circuit.is_open
    (bad,) = backlog.items()
    assert backlog.is_poison(bad)
    assert [round(later - earlier) for earlier, later in pairwise(times)][-2:] == [3600, 3600]


def test_a_channel_that_refuses_everything_makes_no_poison_of_what_waits() -> None:
    backlog = a_backlog()
    for name in "abc":
        backlog.feed(a_page(name), 0.0)
    times_of_attempts(backlog, 20_000.0, REFUSED)
    item = backlog.next(30_000.0)
    assert item is not None
    backlog.taken(item, 30_000.0)
    backlog.done(item)
    assert sorted(take_all(backlog, 30_000.0)) == sorted({"a", "b", "c"} - {item.notification.incident})


def test_other_failures_after_a_success_open_the_circuit_although_one_page_is_bad() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("bad"), 0.0)
    fail_all(backlog, 0.0, REFUSED)
    backlog.feed(a_page("good"), 0.5)
    assert take_all(backlog, 0.5)[0] == "good"
    backlog.feed(a_page("next"), 10.0)
    times_of_attempts(backlog, 75.0, REFUSED, now=10.0)
    assert backlog.circuit.is_open


def test_changed_settings_release_everything_also_poison() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    now = times_of_attempts(backlog, 5000.0, REFUSED)[-1] + 1
    assert backlog.next(now) is None
    backlog.release(now)
    assert not backlog.circuit.is_open
    assert take_all(backlog, now) == ["a"]


def test_an_ended_incident_that_surely_never_arrived_is_dropped_after_a_quarter_of_an_hour() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    times_of_attempts(backlog, 300.0, UNCONNECTED)
    backlog.feed(a_page("a", Event.CHANGED), 300.0)
    backlog.feed(a_page("a", Event.RESOLVED), 301.0)
    assert backlog.drop(899.0) == []
    assert (backlog.wake_at(899.0) or 0.0) <= 900.0
    (dropped,) = backlog.drop(900.0)
    assert dropped.missed
    assert [(item.notification.event, status) for item, status in dropped.items] == [
        (Event.OPENED, DeliveryStatus.DROPPED),
        (Event.CHANGED, DeliveryStatus.DROPPED),
        (Event.RESOLVED, DeliveryStatus.DROPPED),
    ]
    assert list(backlog.items()) == []


@pytest.mark.parametrize("before_the_start", [True, False])
def test_what_may_have_arrived_is_followed_by_its_end(before_the_start: bool) -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0, may_have_arrived=before_the_start)
    fail_all(backlog, 0.0, UNCONNECTED if before_the_start else BUSY)
    backlog.feed(a_page("a", Event.RESOLVED), 1.0)
    assert backlog.drop(2000.0) == []
    assert take_all(backlog, 2000.0) == [], "the circuit has just opened"
    assert take_all(backlog, 2001.0) == ["a", "a"]


def test_the_opened_of_an_incident_that_goes_on_is_never_given_up() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    week = 7 * 86400.0
    fail_all(backlog, 0.0, BUSY)
    assert backlog.drop(week) == []
    backlog.feed(a_page("a", Event.RESOLVED), week)
    (dropped,) = backlog.drop(week)
    assert [status for _, status in dropped.items] == [DeliveryStatus.GIVEN_UP, DeliveryStatus.DROPPED]


def test_an_opened_whose_end_is_not_owed_here_is_not_sent_once_the_incident_is_over() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    backlog.end("a")
    (dropped,) = backlog.drop(1.0)
    assert dropped.missed


def test_nothing_follows_an_opened_that_cannot_be_sent() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    item = backlog.next(0.0)
    assert item is not None
    backlog.failed(item, UNSENDABLE, 0.0, 0.0)
    backlog.done(item, lost=True)
    backlog.feed(a_page("a", Event.CHANGED), 1.0)
    (dropped,) = backlog.drop(1.0)
    assert [item.notification.event for item, _ in dropped.items] == [Event.CHANGED]


def test_a_lane_goes_by_the_worst_that_waits_in_it() -> None:
    backlog = a_backlog(at_once=1)
    backlog.feed(a_page("became critical"), 0.0)
    backlog.feed(a_page("became critical", Event.CHANGED, Severity.CRITICAL), 0.0)
    backlog.feed(a_page("warning"), 0.0)
    assert take_all(backlog, 0.0) == ["became critical", "became critical", "warning"]


def test_an_attempt_that_ended_in_no_known_way_frees_its_lane() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    item = backlog.next(0.0)
    assert item is not None
    backlog.abandon(item, 0.0)
    assert take_all(backlog, 1.0) == ["a"]


def test_a_digest_that_was_held_is_tried_once_nothing_else_is_left() -> None:
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("bad"), 0.0)
    backlog.feed(a_page("missed", Event.DIGEST), 0.0)
    now = times_of_attempts(backlog, 10.0, REFUSED)[-1] + 1
    backlog.end("bad")
    assert [dropped.missed for dropped in backlog.drop(now)] == [True]
    assert backlog.replace(a_page("missed", Event.DIGEST))
    assert backlog.next(now) is None
    assert backlog.wake_at(now) == 16.0
    assert take_all(backlog, 16.0) == ["missed"]


def test_the_circuit_of_a_channel_that_is_owed_nothing_does_not_stay_open() -> None:
    backlog = a_backlog(opens_after=0.0)
    backlog.feed(a_page("a"), 0.0)
    fail_all(backlog, 0.0, UNCONNECTED)
    item = backlog.next(1.0)
    assert item is not None
    backlog.failed(item, UNSENDABLE, 1.0, 1.0)
    assert backlog.next(1.0) is None
    assert backlog.circuit.is_open, "its end is not on record yet"
    backlog.done(item, lost=True)
    assert backlog.next(1.0) is None
    assert not backlog.circuit.is_open
    assert backlog.wake_at(1.0) is None


def test_no_end_is_sent_although_it_came_between_the_result_of_its_opened_and_its_dropping() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    item = backlog.next(0.0)
    assert item is not None
    backlog.failed(item, UNSENDABLE, 0.0, 0.0)
    backlog.done(item, lost=True)
    backlog.feed(a_page("a", Event.RESOLVED), 1.0)
    backlog.end("a")
    (dropped,) = backlog.drop(1.0)
    assert [item.notification.event for item, _ in dropped.items] == [Event.RESOLVED]
    assert backlog.next(1.0) is None


@pytest.mark.parametrize("end_is_owed", [True, False])
@pytest.mark.parametrize("ends_first", [True, False])
def test_nothing_is_kept_of_an_ended_incident_whose_opened_could_not_be_sent(
    end_is_owed: bool, ends_first: bool
) -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    item = backlog.next(0.0)
    assert item is not None
    backlog.failed(item, UNSENDABLE, 0.0, 0.0)
    if not ends_first:
        backlog.done(item, lost=True)
    if end_is_owed:
        backlog.feed(a_page("a", Event.RESOLVED), 1.0)
    backlog.end("a")
    if ends_first:
        backlog.done(item, lost=True)
    assert len(backlog.drop(1.0)) == end_is_owed
    backlog.feed(a_page("a", number=1), 2.0)
    assert backlog.drop(2.0) == []
    assert take_all(backlog, 2.0) == ["a"]
