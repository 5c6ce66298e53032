"""When a page has waited so long that others are told instead."""

from __future__ import annotations

from pacs_monitor.delivery.backlog import Backlog
from pacs_monitor.delivery.patience import AFTER_A_START
from pacs_monitor.model import Event
from tests.delivery.support import REFUSED, UNCONNECTED, a_backlog, a_page, fail_all, take_all


def patient(after: float = 120.0) -> Backlog:
    backlog = a_backlog()
    backlog.be_patient(after)
    return backlog


def test_a_page_is_late_once_and_what_was_delivered_never() -> None:
    backlog = patient()
    backlog.feed(a_page("a"), 0.0)
    backlog.feed(a_page("b"), 10.0)
    assert take_all(backlog, 10.0) == ["a", "b"]
    backlog.feed(a_page("c"), 20.0)
    fail_all(backlog, 20.0, UNCONNECTED)
    assert backlog.patience.late(139.9) == []
    assert backlog.patience.late(140.0) == ["c"]
    assert backlog.patience.late(10_000.0) == []


def test_somebody_looks_when_it_is_time() -> None:
    backlog = patient(0.5)
    backlog.feed(a_page("a"), 0.0)
    fail_all(backlog, 0.0, UNCONNECTED)
    assert backlog.wake_at(0.0) == 0.5


def test_reminders_that_replace_each_other_wait_as_long_as_the_first() -> None:
    backlog = patient()
    backlog.feed(a_page("a"), 0.0)
    take_all(backlog, 0.0)
    for number, now in enumerate((60.0, 120.0, 170.0)):
        backlog.feed(a_page("a", Event.REMINDED, number=number), now)
        fail_all(backlog, now, UNCONNECTED)
        backlog.drop(now)
    assert backlog.patience.late(180.0) == ["a"]


def test_what_still_waits_when_something_was_delivered_counts_for_itself() -> None:
    backlog = patient()
    backlog.feed(a_page("a"), 0.0)
    backlog.feed(a_page("a", Event.REMINDED), 100.0)
    item = backlog.next(110.0)
    assert item is not None
    backlog.taken(item, 110.0)
    backlog.done(item)
    fail_all(backlog, 111.0, UNCONNECTED)
    assert backlog.patience.late(219.0) == []
    assert backlog.patience.late(220.0) == ["a"]


def test_ends_and_small_changes_page_nobody() -> None:
    backlog = patient()
    for event in (Event.CHANGED, Event.RESOLVED, Event.ACKNOWLEDGED):
        backlog.feed(a_page("a", event), 0.0)
    assert backlog.patience.next_due() is None


def test_a_page_of_a_run_before_counts_from_when_it_was_made_and_is_tried_first() -> None:
    backlog = patient()
    backlog.feed(a_page("a"), 0.0, age=100.0)
    backlog.feed(a_page("b"), 0.0, age=4000.0)
    assert backlog.patience.late(AFTER_A_START - 0.1) == []
    assert backlog.patience.late(AFTER_A_START) == ["b"]
    assert backlog.patience.late(20.0) == ["a"]


def test_a_channel_that_has_failed_for_long_is_not_waited_for_again() -> None:
    backlog = patient(300.0)
    backlog.feed(a_page("a"), 0.0)
    fail_all(backlog, 0.0, REFUSED)
    backlog.wake_at(60.0)
    assert backlog.circuit.is_open
    backlog.feed(a_page("b"), 100.0)
    backlog.feed(a_page("c"), 1000.0)
    assert backlog.patience.late(299.0) == []
    assert backlog.patience.late(300.0) == ["a", "b"]
    assert backlog.patience.late(1000.0) == ["c"]


def test_other_settings_count_for_what_waits() -> None:
    backlog = patient(300.0)
    backlog.feed(a_page("a"), 0.0)
    backlog.be_patient(20.0)
    assert backlog.patience.next_due() == 20.0
    backlog.be_patient(None)
    assert backlog.patience.next_due() is None
