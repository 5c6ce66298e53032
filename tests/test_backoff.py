"""Pauses between attempts that fail."""

from __future__ import annotations

from pacs_monitor.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.failed() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert (backoff.pause, backoff.failed(), backoff.failed()) == (1.0, 1.0, 2.0)


def test_to_look_at_the_next_pause_does_not_lengthen_it() -> None:
    backoff = Backoff(1.0, 60.0)
    assert (backoff.pause, backoff.pause, backoff.failed()) == (1.0, 1.0, 1.0)
