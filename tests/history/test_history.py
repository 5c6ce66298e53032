"""The record on both databases: durable, whole, and back after a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import event

from pacs_monitor.history import HeartbeatBatch, History, HistoryError, HistoryReader, Revision, UnrecordedError
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import (
    DeliveryResult,
    DeliveryStatus,
    Ending,
    Entry,
    Event,
    IncidentKind,
    Notification,
    Reason,
    Standing,
    State,
    Suppressed,
)
from tests.history.conftest import START, HandClock, Opener
from tests.history.things import DISK, ECHO, STORE, incident, outage, owed, result, went

REVISION = Revision("abc", "reload", "+ archive/dicom_store")


async def test_what_was_recorded_is_read_back_equal(history: History) -> None:
    entry = outage(START)
    held = Suppressed(entry.incidents[0].id, Event.REMINDED, "acknowledged by Ada", START + 5, "oncall")
    everywhere = Suppressed(entry.incidents[0].id, Event.OPENED, "page_after", START + 4)
    await history.record(replace(entry, suppressed=(held, everywhere)))
    assert history.reader.transitions() == {ECHO: list(entry.transitions)}
    assert history.reader.incidents() == entry.incidents
    assert history.reader.notifications() == entry.notifications
    found = history.reader.incident(entry.incidents[0].id)
    assert found is not None
    assert (found.incident, found.notifications) == (entry.incidents[0], entry.notifications)
    assert found.suppressed == (held, everywhere)
    assert history.reader.incident("01JD") is None


async def test_recording_an_entry_twice_is_the_same_as_once(history: History) -> None:
    entry = outage(START)
    entry = replace(entry, suppressed=(Suppressed(entry.incidents[0].id, Event.OPENED, "shadow", START),))
    await history.record(entry)
    await history.record_results([DeliveryResult(entry.notifications[0].id, DeliveryStatus.DELIVERED, 1, "200")])
    await history.record(entry)
    assert history.reader.transitions() == {ECHO: list(entry.transitions)}
    assert [n.status for n in history.reader.notifications()] == [DeliveryStatus.DELIVERED, DeliveryStatus.PENDING]
    found = history.reader.incident(entry.incidents[0].id)
    assert found is not None
    assert len(found.suppressed) == 1


async def test_an_entry_that_cannot_be_written_leaves_nothing_behind_and_takes_no_other_with_it(
    history: History,
) -> None:
    bad = outage(START)
    bad = replace(bad, notifications=(*bad.notifications, owed(incident(START), channel="nowhere")))
    good = [outage(START + n, members=(STORE,)) for n in range(1, 4)]
    outcomes = await asyncio.gather(*map(history.record, [good[0], bad, *good[1:]]), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), HistoryError, type(None), type(None)]
    assert {i.id for i in history.reader.incidents()} == {entry.incidents[0].id for entry in good}
    assert history.reader.transitions() == {STORE: [entry.transitions[0] for entry in good]}
    assert history.write_failures == 1
    assert history.trouble is None


async def test_what_a_peer_says_never_stops_the_record(history: History) -> None:
    await history.record(Entry((went(State.DOWN, START, detail="a\0b\udc80\U0001f480"),)))
    assert history.reader.transitions()[ECHO][0].detail == "a?b?\U0001f480"


async def test_an_incident_is_kept_as_it_was_last_recorded(history: History) -> None:
    about = incident(START, kind=IncidentKind.BLIND, members=(ECHO, STORE))
    await history.record(Entry((), (about,)))
    ended = about.changed(members=(STORE, DISK), ended=START + 60, ending=Ending.RESOLVED, state=State.UP, reason=None)
    await history.record(Entry((), (ended,)))
    assert history.reader.incidents() == (ended,)
    assert history.reader.incidents(open_only=True) == ()


async def test_a_report_may_hold_more_incidents_than_a_statement_takes_values(
    sqlite_url: str, clock: HandClock
) -> None:
    history = History.open(sqlite_url, "east", clock)
    many = tuple(incident(START + number) for number in range(50))
    await history.record(Entry(incidents=many))

    @event.listens_for(history.reader._engine, "checkout")
    def _(connection: sqlite3.Connection, *_: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)  # as tens of thousands would meet in PostgreSQL

    assert set(history.reader.incidents()) == set(many)
    assert len(history.reader.incidents(limit=7)) == 7
    history.close()


async def test_a_delivery_is_settled_once_its_notification_is_recorded(history: History) -> None:
    entry = outage(START)
    with pytest.raises(UnrecordedError):
        await history.record_results([DeliveryResult(entry.notifications[0].id, DeliveryStatus.DELIVERED, 1, "")])
    await history.record(entry)
    await history.record_results([DeliveryResult(entry.notifications[0].id, DeliveryStatus.PENDING, 3, "503")])
    await history.record_results([DeliveryResult(entry.notifications[1].id, DeliveryStatus.REFUSED, 1, "410 Gone")])
    statuses = [(n.status, n.attempts) for n in history.reader.notifications()]
    assert statuses == [(DeliveryStatus.PENDING, 3), (DeliveryStatus.REFUSED, 1)]
    assert history.reader.notifications(status=DeliveryStatus.REFUSED)[0].id == entry.notifications[1].id
    assert history.reader.notifications(limit=1)[0].id == entry.notifications[1].id


async def test_a_caller_that_is_cancelled_does_not_take_its_entry_back(history: History) -> None:
    entry = outage(START)
    recording = asyncio.create_task(history.record(entry))
    await asyncio.sleep(0)
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await history.record(Entry())
    assert history.reader.incidents() == entry.incidents


async def test_a_restart_brings_back_the_class_of_failure_and_since_when_it_is_down(
    reopen: Opener, clock: HandClock
) -> None:
    history = reopen()
    await history.adopt([ECHO], REVISION)
    hung = went(State.DOWN, START + 9, before=State.DOWN, reason=Reason.DIMSE_TIMEOUT)
    for transition in (went(State.DOWN, START), hung):
        await history.record(Entry((transition,)))
    (standing,) = (await reopen().restore()).standings.values()
    assert (standing.state, standing.reason) == (State.DOWN, Reason.DIMSE_TIMEOUT)
    assert (standing.since, standing.state_since) == (START + 9, START)


async def test_a_restart_brings_everything_back(reopen: Opener, clock: HandClock) -> None:
    history = reopen()
    await history.adopt([ECHO, STORE, DISK], REVISION)
    entry = outage(START)
    ended = incident(START, members=(STORE,), ended=START + 7, ending=Ending.RESOLVED)
    late = owed(ended, Event.RESOLVED)
    await history.record(entry)
    await history.record(Entry((went(State.UP, START + 7, check=STORE, reason=None),), (ended,), (late,)))
    await history.record_results([DeliveryResult(entry.notifications[0].id, DeliveryStatus.DELIVERED, 1, "")])
    batch = HeartbeatBatch(
        clock.move(5), results={ECHO: result(START + 30), DISK: result(START + 40, check=DISK)}, memory={DISK: {"n": 7}}
    )
    history.beat(batch)
    history = reopen()
    back = await history.restore()
    assert dict(back.standings) == {
        ECHO: Standing(State.DOWN, START, Reason.TCP_REFUSED, troubled=True, last=START + 30),
        STORE: Standing(State.UP, START + 7, None),
        DISK: Standing(State.UNKNOWN, START, Reason.NOT_MEASURED, last=START + 40),
    }
    assert back.incidents == entry.incidents
    assert back.pending == (entry.notifications[1], late)
    assert back.memory == {DISK: {"n": 7}}


@pytest.mark.parametrize("status", [DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP])
async def test_an_opened_of_an_open_incident_that_was_not_taken_is_owed_anew(
    history: History, status: DeliveryStatus
) -> None:
    entry = outage(START)
    await history.record(entry)
    await history.record_results([DeliveryResult(entry.notifications[0].id, status, 1, "")])
    assert (await history.restore()).pending == (replace(entry.notifications[0], attempts=1), entry.notifications[1])


async def test_a_digest_is_owed_with_what_it_replaces_and_takes_later_words(history: History) -> None:
    entry = outage(START)
    await history.record(entry)
    digest = Notification("digest-1", "hook", Event.DIGEST, START, {"missed": [1]})
    first, second = (notification.id for notification in entry.notifications)
    await history.record_results([DeliveryResult(first, DeliveryStatus.DROPPED)], digest)
    longer = replace(digest, data={"missed": [1, 2]})
    await history.record_results([DeliveryResult(second, DeliveryStatus.DROPPED)], longer)
    assert history.reader.notifications(status=DeliveryStatus.PENDING) == (longer,)


async def test_a_check_that_comes_back_keeps_its_ledger_and_starts_unknown(history: History, clock: HandClock) -> None:
    await history.adopt([ECHO, STORE], REVISION)
    await history.record(Entry((went(State.DOWN, START + 1),)))
    history.beat(HeartbeatBatch(clock.move(5), results={ECHO: result(START + 4, Reason.TCP_REFUSED)}))
    removed = clock.move(55)
    await history.adopt([STORE], REVISION)
    assert (await history.restore()).standings.keys() == {STORE}
    again = clock.move(60)
    await history.adopt([ECHO, STORE], REVISION)
    assert history.reader.watched() == {
        ECHO: (Interval(START, removed), Interval(again, FOREVER)),
        STORE: (Interval(START, FOREVER),),
    }
    last = history.reader.transitions()[ECHO][-1]
    assert (last.before, last.after, last.since) == (State.DOWN, State.UNKNOWN, again)
    assert (last.last_before, last.reason) == (START + 4, Reason.NOT_MEASURED)
    assert (await history.restore()).standings[ECHO] == Standing(
        State.UNKNOWN, again, Reason.NOT_MEASURED, troubled=False, last=START + 4
    )


async def test_adopting_the_same_checks_again_changes_nothing(reopen: Opener, clock: HandClock) -> None:
    await reopen().adopt([ECHO], REVISION)
    clock.move(60)
    history = reopen()
    await history.adopt([ECHO], REVISION)
    assert history.reader.watched() == {ECHO: (Interval(START, FOREVER),)}
    assert history.reader.transitions() == {}


async def test_each_revision_of_the_configuration_is_kept(history: History, clock: HandClock) -> None:
    await history.adopt([ECHO], Revision("a"))
    later = clock.move(60)
    await history.adopt([ECHO], Revision("b", "Ada", "+ x"))
    now = history.reader.revision()
    before = history.reader.revision(at=later)
    assert now is not None
    assert before is not None
    assert (now.hash, now.at, now.who, now.diff) == ("b", later, "Ada", "+ x")
    assert (before.hash, before.at) == ("a", START)
    assert history.reader.revision(at=START) is None


async def test_the_history_can_be_read_while_no_daemon_runs(history: History, url: str) -> None:
    entry = outage(START)
    await history.record(entry)
    history.close()
    reader = HistoryReader.open(url, "east")
    assert reader.incidents(start=START - 5, end=START + 5) == entry.incidents
    assert reader.incidents(end=START) == ()
    reader.close()
    with pytest.raises(HistoryError, match="contains no monitor named 'west'"):
        HistoryReader.open(url, "west")
    with pytest.raises(HistoryError, match="closed"):
        await history.record(Entry())


async def test_the_event_loop_reads_in_a_thread_of_its_own(history: History) -> None:
    entry = outage(START)
    await history.record(entry)
    assert await history.read(lambda reader: reader.incidents(open_only=True, limit=1)) == entry.incidents


async def test_two_monitors_share_a_database_and_see_nothing_of_each_other(
    history: History, url: str, clock: HandClock
) -> None:
    west = History.open(url, "west", clock)
    await history.adopt([ECHO], REVISION)
    await west.adopt([STORE], REVISION)
    await west.record(outage(START, members=(ECHO,)))
    west.beat(HeartbeatBatch(clock.move(5), results={ECHO: result(START)}, memory={ECHO: {"a": 1}}))
    west.close()
    assert history.reader.incidents() == ()
    assert history.reader.notifications() == ()
    assert history.reader.transitions() == {}
    assert history.reader.watched().keys() == {ECHO}
    assert (await history.restore()).memory == {}
    assert (await history.restore()).standings == {ECHO: Standing(State.UNKNOWN, START, Reason.NOT_MEASURED)}


def test_a_second_daemon_of_the_same_name_is_refused_and_told_who_holds_it(
    history: History, url: str, clock: HandClock
) -> None:
    import os
    import socket

    with pytest.raises(HistoryError) as refused:
        History.open(url, "east", clock)
    told = str(refused.value)
    assert told.startswith("stop the monitor named 'east' that already uses ")
    assert f"process {os.getpid()} on {socket.gethostname()}, since 2027-01-15T08:00:00.000000Z" in told
    history.close()
    History.open(url, "east", clock).close()
