"""What strangers cause is written once a minute, and counted."""

from __future__ import annotations

import logging

import pytest

from pacs_monitor.net import rate_limit
from pacs_monitor.net.rate_limit import RateLimit, RateLimitedLog

log = logging.getLogger("tests.sparing")


def test_a_sentence_is_written_once_and_its_number_when_the_window_is_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = RateLimitedLog(log)
    for _ in range(1205):
        told.warning("10.0.0.1 talks nonsense")
    told.warning("10.0.0.2 talks nonsense")
    monkeypatch.setattr(rate_limit, "WINDOW", 0.0)
    told.flush()
    told.flush()
    assert caplog.messages == [
        "10.0.0.1 talks nonsense",
        "10.0.0.2 talks nonsense",
        "10.0.0.1 talks nonsense (and 1,204 more in the last minute)",
    ]


def test_many_different_sentences_are_counted_together(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = RateLimitedLog(log)
    for number in range(rate_limit.MOST + 1000):
        told.warning(f"10.0.{number // 256}.{number % 256}")
    assert len(caplog.messages) == rate_limit.MOST
    monkeypatch.setattr(rate_limit, "WINDOW", 0.0)
    told.flush()
    assert caplog.messages[rate_limit.MOST :] == [f"{rate_limit.OTHERS} (and 1,000 more in the last minute)"]


def test_a_library_writes_each_kind_of_record_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limit = RateLimit()
    log.addFilter(limit)
    try:
        for number in range(100):
            log.error("invalid %d", number)
        monkeypatch.setattr(rate_limit, "WINDOW", 0.0)
        log.error("another %s", "kind")
    finally:
        log.removeFilter(limit)
    assert caplog.messages[0] == "invalid 0"
    assert caplog.messages[1:] == [
        "another kind (and before that, 99 more within a minute of: tests.sparing: invalid %d)"
    ]
