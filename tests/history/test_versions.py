"""What is written twice, or late, does no harm: the last version of an incident stays, and so does a delivery."""

from __future__ import annotations

import random

import pytest

from pacs_monitor.history import History, UnrecordedError
from pacs_monitor.model import DeliveryResult, DeliveryStatus, Ending, Entry, Severity, State
from tests.history.conftest import START
from tests.history.things import DISK, ECHO, outage


@pytest.mark.parametrize("seed", range(8))
async def test_entries_in_any_order_and_any_number_end_in_the_last_version(history: History, seed: int) -> None:
    dice = random.Random(seed)
    first = outage(START)
    (opened,) = first.incidents
    worse = opened.changed(severity=Severity.WARNING, state=State.DEGRADED, members=(ECHO, DISK))
    ended = worse.changed(ended=START + 100, ending=Ending.RESOLVED, state=State.UP, members=(DISK,))
    entries = [first, Entry(incidents=(worse,)), Entry(incidents=(ended,))]
    for entry in dice.sample(entries * 3, 9):
        await history.record(entry)
    (found,) = history.reader.incidents()
    assert found == ended
    assert found.version == ended.version == 3
    assert {owed.id for owed in history.reader.notifications()} == {owed.id for owed in first.notifications}


async def test_a_result_that_comes_late_makes_no_delivery_undone(history: History) -> None:
    entry = outage(START)
    await history.record(entry)
    one, _ = entry.notifications
    pending = DeliveryResult(one.id, DeliveryStatus.PENDING, 3, "HTTP 503")
    await history.record_results([pending])
    await history.record_results([pending._replace(status=DeliveryStatus.DELIVERED, attempts=4)])
    await history.record_results([pending])
    await history.record_results([pending._replace(status=DeliveryStatus.DROPPED, attempts=0)])
    found = {owed.id: (owed.status, owed.attempts) for owed in history.reader.notifications()}
    assert found[one.id] == (DeliveryStatus.DELIVERED, 4)
    with pytest.raises(UnrecordedError):
        await history.record_results([pending._replace(notification="01JD0000000000000000000000")])
