"""What a report reads of a ledger (history.periods) says as much as the whole, whatever clocks did."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from pacs_monitor.intervals import Interval
from pacs_monitor.proof import NOT_DOWN
from pacs_monitor.uptime import Timeline, account
from tests.test_uptime import instants, spans, timelines


def read(timeline: Timeline, start: int, end: int) -> Timeline:
    """From the last state that was no outage, before the first transition within the period, to the first beyond it."""
    ledger = timeline.transitions
    first = next((n for n, moved in enumerate(ledger) if moved.since >= start), len(ledger))
    entry = next((n for n in range(first - 1, -1, -1) if ledger[n].after in NOT_DOWN), 0)
    last = next((n for n in range(entry, len(ledger)) if ledger[n].since >= end), len(ledger))
    return replace(timeline, transitions=ledger[entry:last])


@given(timelines, spans, instants)
def test_the_last_state_before_a_period_is_enough(timeline: Timeline, period: Interval, now: int) -> None:
    whole, bounded = account(timeline, period, now), account(read(timeline, *period), period, now)
    assert bounded.classes == whole.classes
    assert bounded.causes == whole.causes
