"""What the event log is told, and in which form."""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.windows_service.events import AGAIN_AFTER, LONGEST, Damper, Event, of_log, shown


@pytest.mark.parametrize(
    ("logger", "level", "event"),
    [
        ("pacs_monitor.delivery.outbox", logging.WARNING, Event.PAGING_TROUBLE),
        ("pacs_monitor.dead_mans_switch", logging.ERROR, Event.PAGING_TROUBLE),
        ("pacs_monitor.delivery.outbox", logging.INFO, None),
        ("pacs_monitor.deliverymen", logging.WARNING, None),
        ("pacs_monitor.history.writer", logging.ERROR, Event.TROUBLE),
        ("pacs_monitor.history.writer", logging.WARNING, None),
        ("pacs_monitor.windows_service.service", logging.ERROR, None),
        ("uvicorn.error", logging.CRITICAL, Event.TROUBLE),
    ],
)
def test_trouble_with_paging_and_every_error_is_an_event(logger: str, level: int, event: Event | None) -> None:
    assert of_log(logger, level) is event


def test_the_loggers_of_paging_are_there() -> None:
    from pacs_monitor.windows_service import events

    for name in events.PAGING:
        __import__(name)


@given(st.text(alphabet=st.sampled_from("%19a\0 "), max_size=60))
def test_nothing_is_left_that_the_event_viewer_would_replace(text: str) -> None:
    found = shown(text)
    assert not re.search(r"%[\d%]|\0", found)
    assert found.replace(" ", "") == text.replace("\0", "").replace(" ", "")


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    found = shown("x" * 2 * LONGEST)
    assert len(found) < 31_839
    assert found.endswith("(the rest is in the log file)")


@given(st.lists(st.tuples(st.floats(0, 300), st.sampled_from("ab"))))
def test_the_same_trouble_is_written_once_in_ten_minutes_and_is_not_forgotten(steps: list[tuple[float, str]]) -> None:
    damper, now, written = Damper(), 0.0, {"a": -AGAIN_AFTER, "b": -AGAIN_AFTER}
    for pause, what in steps:
        now += pause
        due = now - written[what] >= AGAIN_AFTER
        assert damper.lets_through(now, what) == due
        if due:
            written[what] = now
