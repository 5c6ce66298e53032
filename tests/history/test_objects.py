"""The ledger of test objects: what is recorded is there until removed, and the caps outlive restarts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pacs_monitor.history import History, Revision, open_ledger
from pacs_monitor.model import STORES_A_DAY, STORES_A_MINUTE, CheckId, StoreCapError, TestObject
from tests.history.conftest import START, HandClock, Opener

STORE, WEB = CheckId("archive", "dicom_store"), CheckId("archive", "dicomweb")


def an_object(number: int, node: str = "archive", check: CheckId = STORE) -> TestObject:
    return TestObject(node, f"2.25.{number}", "1.2.840.10008.5.1.4.1.1.7", "2.25.1", "2.25.2", check, START + number)


async def test_an_object_and_its_copies_are_outstanding_until_each_is_removed(reopen: Opener) -> None:
    sent, copy = an_object(1), an_object(1, "vna")
    await reopen().objects.record([sent, copy])
    history = reopen()
    assert set(await history.objects.outstanding(STORE)) == {sent, copy}
    await history.objects.remove("archive", sent.sop_instance)
    assert await history.objects.outstanding(STORE) == (copy,)


async def test_when_it_was_first_missed_is_kept_and_taken_back(history: History) -> None:
    sent = an_object(1)
    await history.objects.record([sent])
    await history.objects.mark_missed("archive", sent.sop_instance, START + 9)
    assert await history.objects.outstanding(STORE) == (replace(sent, missed=START + 9),)
    await history.objects.mark_missed("archive", sent.sop_instance, None)
    assert await history.objects.outstanding(STORE) == (sent,)


async def test_checks_keep_out_of_each_others_objects_and_inherit_those_of_checks_that_are_gone(
    history: History,
) -> None:
    sent = an_object(1)
    await history.adopt([STORE, WEB], Revision("1"))
    await history.objects.record([sent])
    assert await history.objects.outstanding(WEB) == ()
    await history.adopt([WEB], Revision("2"))
    assert await history.objects.outstanding(WEB) == (sent,)
    assert await history.objects.outstanding(CheckId("vna", "dicom_store")) == ()


async def test_objects_at_nodes_where_nobody_stores_any_more_are_stranded(history: History) -> None:
    await history.objects.record([an_object(1), an_object(1, "vna")])
    await history.objects.record([an_object(2)])
    assert await history.objects.stranded(["archive"]) == {}
    assert await history.objects.stranded(["other"]) == {"archive": 2, "vna": 1}
    assert await history.objects.stranded([]) == {"archive": 2, "vna": 1}


async def test_the_ledger_can_be_opened_beside_a_running_monitor(history: History, url: str, clock: HandClock) -> None:
    sent = an_object(1)
    with open_ledger(url, "east", clock) as beside:
        assert beside.seed == history.objects.seed
        await beside.record([sent])
        assert await history.objects.outstanding(STORE) == (sent,)
        assert await history.objects.holds(sent.sop_instance)
        await history.objects.remove("archive", sent.sop_instance)
        assert not await beside.holds(sent.sop_instance)


async def test_the_ledger_can_be_opened_before_any_monitor_ran(url: str, clock: HandClock) -> None:
    with open_ledger(url, "east", clock) as alone:
        await alone.record([an_object(1)])
    history = History.open(url, "east", clock)
    assert await history.objects.outstanding(STORE) == (an_object(1),)
    assert history.reader.coverage() == ()
    history.close()


async def test_a_node_is_sent_no_more_than_its_cap_a_minute(history: History, clock: HandClock) -> None:
    for number in range(STORES_A_MINUTE):
        await history.objects.record([an_object(number)])
    with pytest.raises(StoreCapError, match="archive was sent 12 test objects within a minute"):
        await history.objects.record([an_object(99)])
    await history.objects.record([an_object(99, "vna")])
    assert len(await history.objects.outstanding(STORE)) == STORES_A_MINUTE + 1
    clock.move(60)
    await history.objects.record([an_object(100)])


async def test_a_node_is_sent_no_more_than_its_cap_a_day_over_restarts_too(sqlite_url: str, clock: HandClock) -> None:
    sent = 0
    for _ in range(2):
        history = History.open(sqlite_url, "east", clock)
        for _ in range(STORES_A_DAY // 2 // 10):
            await asyncio.gather(*(history.objects.record([an_object(sent + n)]) for n in range(10)))
            sent += 10
            clock.move(60)
        history.close()
    history = History.open(sqlite_url, "east", clock)
    with pytest.raises(StoreCapError, match="archive was sent 2000 test objects within a day"):
        await history.objects.record([an_object(sent)])
    assert history.write_failures == 0
    clock.move(86_400 - STORES_A_DAY // 10 * 60)
    await history.objects.record([an_object(sent)])
    history.close()


async def test_what_was_removed_still_counts(history: History) -> None:
    for number in range(STORES_A_MINUTE):
        await history.objects.record([an_object(number)])
        await history.objects.remove("archive", f"2.25.{number}")
    with pytest.raises(StoreCapError):
        await history.objects.record([an_object(99)])


def test_the_seed_of_an_installation_stays_and_is_its_own(reopen: Opener, url: str, clock: HandClock) -> None:
    seed = reopen().objects.seed
    assert len(seed) == 32
    assert reopen().objects.seed == seed
    other = History.open(url, "west", clock)
    assert other.objects.seed not in ("", seed)
    other.close()
