"""The record of where and as whom a check asked: what it proves over restarts, reloads, lost heartbeats and edits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import text

from pacs_monitor.history import HeartbeatBatch, History, HistoryError, ResultAccumulator, Revision
from pacs_monitor.history.engines import parse, writing
from pacs_monitor.history.identities import Known
from pacs_monitor.intervals import FOREVER
from pacs_monitor.model import SECOND, CheckId, Entry, Micros, Outcome, Reason, Result, State
from pacs_monitor.proof import Identity
from tests.history.conftest import START, HandClock, Opener
from tests.history.things import DISK, ECHO, outage, result, went

FIRST, SECOND_TIME = START + 5 * SECOND, START + 30 * SECOND
AS_ONE, AS_TWO = {ECHO: "one"}, {ECHO: "two"}


async def adopt(history: History, prints: Mapping[CheckId, str]) -> None:
    await history.adopt(prints.keys(), Revision("r"), prints)


async def beat(history: History, clock: HandClock, good: Mapping[Known, Micros]) -> None:
    await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.now(), good=good)))


async def test_a_good_result_proves_once_and_a_restart_remembers(reopen: Opener, clock: HandClock) -> None:
    history = reopen()
    await adopt(history, {ECHO: "one", DISK: "disk"})
    assert (await history.restore()).proven == frozenset()
    clock.move(60)
    await beat(history, clock, {Known(ECHO, "one"): FIRST})
    await beat(history, clock, {Known(ECHO, "one"): SECOND_TIME})
    history = reopen()
    await adopt(history, {ECHO: "one", DISK: "disk"})
    restored, identities = await history.restore(), history.reader.identities()
    assert (restored.proven, restored.held) == (frozenset({ECHO}), frozenset())
    assert identities == {ECHO: (Identity(START, FOREVER, FIRST),), DISK: (Identity(START, FOREVER, None),)}


async def test_another_identity_is_not_proven_and_the_one_of_before_is_again(
    history: History, clock: HandClock
) -> None:
    await adopt(history, AS_ONE)
    await beat(history, clock, {Known(ECHO, "one"): START})
    there, back = clock.move(10), START + 20 * SECOND
    await adopt(history, AS_TWO)
    elsewhere = (await history.restore()).proven
    clock.move(10)
    await adopt(history, AS_ONE)
    assert (elsewhere, (await history.restore()).proven) == (frozenset(), frozenset({ECHO}))
    assert history.reader.identities()[ECHO] == (
        Identity(START, there, START),
        Identity(there, back, None),
        Identity(back, FOREVER, back),
    )


async def test_an_edit_in_an_outage_is_held_to_what_it_was_until_something_good(
    history: History, clock: HandClock
) -> None:
    await adopt(history, AS_ONE)
    await history.record(Entry((went(State.UP, START, before=State.UNKNOWN, reason=None),)))
    await history.record(outage(FIRST))
    clock.move(60)
    for prints in (AS_TWO, {ECHO: "three"}):
        await adopt(history, prints)
        restored = await history.restore()
        assert (restored.proven, restored.held) == (frozenset(), frozenset({ECHO}))
        clock.move(60)
    up = clock.now()
    await history.record(Entry((went(State.UP, up, before=State.DOWN, reason=None),)))
    await adopt(history, {ECHO: "three"})
    assert (await history.restore()).proven == {ECHO}


async def test_a_daemon_that_was_killed_before_its_heartbeat_has_its_ledger(reopen: Opener, clock: HandClock) -> None:
    history = reopen()
    await adopt(history, AS_ONE)
    await history.record(Entry((went(State.UP, FIRST, before=State.UNKNOWN, reason=None),)))
    clock.move(60)
    history = reopen()
    await adopt(history, AS_ONE)
    assert (await history.restore()).proven == {ECHO}
    assert history.reader.identities()[ECHO] == (Identity(START, FOREVER, FIRST),)


async def test_what_an_older_version_recorded_is_proven_if_it_was_ever_good(history: History, clock: HandClock) -> None:
    """It has no identities on record; what was watched counts as what is configured now."""
    await history.adopt([ECHO, DISK], Revision("r"))
    down = went(State.DOWN, FIRST, before=State.UNKNOWN)
    typo = went(State.DOWN, FIRST, before=State.UNKNOWN, check=DISK)
    good = went(State.UP, SECOND_TIME, before=State.DOWN, reason=None)
    await history.record(Entry((down, typo, good)))
    assert history.reader.identities() == {}
    clock.move(3600)
    await adopt(history, {ECHO: "one", DISK: "disk"})
    assert (await history.restore()).proven == {ECHO}
    assert history.reader.identities() == {
        ECHO: (Identity(START, FOREVER, SECOND_TIME),),
        DISK: (Identity(START, FOREVER, None),),
    }


async def test_what_was_proven_by_a_clock_that_was_ahead_is_proven_anew(history: History, clock: HandClock) -> None:
    await adopt(history, AS_ONE)
    await beat(history, clock, {Known(ECHO, "one"): START + 10**6 * SECOND})
    assert (await history.restore()).proven == frozenset()
    await beat(history, clock, {Known(ECHO, "one"): START + 1})
    clock.move(1)
    assert (await history.restore()).proven == {ECHO}


async def test_a_proof_that_cannot_be_written_is_kept_and_written_later(
    url: str, reopen: Opener, clock: HandClock
) -> None:
    history = reopen()
    await adopt(history, AS_ONE)
    engine = writing(parse(url))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE identities RENAME TO away"))
    with pytest.raises(HistoryError):
        await beat(history, clock, {Known(ECHO, "one"): START})
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO identities"))
    engine.dispose()
    await beat(history, clock, {})
    assert history.reader.identities()[ECHO] == (Identity(START, FOREVER, START),)


def warned(started: Micros) -> Result:
    outcome = Outcome.of(Reason.SLOW, warn=True)
    return Result(ECHO, "dicom_echo", outcome, started, 1.0)


def test_the_tally_tells_of_the_first_good_result_of_each_identity() -> None:
    tally, one, two = ResultAccumulator(), Known(ECHO, "one"), Known(ECHO, "two")
    tally.adopt((), AS_ONE)
    tally.take(result(1, Reason.TCP_REFUSED), State.UNKNOWN)
    tally.take(result(2, Reason.CALLED_AET_UNKNOWN), State.UNKNOWN)
    tally.take(result(3, Reason.ISOLATED), State.UNKNOWN)
    assert tally.take_batch(4).good == {}
    tally.take(result(4 * SECOND, Reason.TCP_TIMEOUT), State.DOWN)
    tally.take(warned(5 * SECOND), State.DOWN)
    tally.take(result(7 * SECOND), State.UP)
    tally.adopt((), AS_TWO)
    tally.take(result(8 * SECOND, duration=0.0), State.UP)
    assert tally.take_batch(9 * SECOND).good == {one: 6 * SECOND, two: 8 * SECOND}
    tally.adopt((), AS_TWO, {ECHO})
    tally.take(result(9 * SECOND), State.UP)
    assert tally.take_batch(10 * SECOND).good == {}
    tally.clock_was_set(-5 * SECOND)
    tally.take(result(5 * SECOND, duration=0.0), State.UP)
    assert tally.take_batch(6 * SECOND).good == {two: 5 * SECOND}
