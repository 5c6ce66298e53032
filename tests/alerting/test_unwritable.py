"""Pages go out when the database cannot be written, and the record is made good afterwards."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from pacs_monitor.alerting.recorder import END_WITHIN, Recorder
from pacs_monitor.history import History
from pacs_monitor.model import CheckId, Ending, Entry, State
from pacs_monitor.supervision import Supervisor
from tests.alerting.running import at_once, got, running, types
from tests.alerting.support import RIS, moved
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock
from tests.support.timing import Stopwatch, until

UP, DOWN = State.UP, State.DOWN


def execute(database: str, *statements: str) -> None:
    connection = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


def forbid(what: str, condition: str = "1") -> str:
    return f"CREATE TRIGGER forbidden BEFORE {what} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'forbidden'); END"


ALLOW = "DROP TRIGGER forbidden"


async def test_pages_go_out_unrecorded_and_are_recorded_as_delivered_later(
    receiver: Receiver, clock: SettableClock, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("INSERT ON incidents"))
        house.move(DOWN)
        await got(receiver, 1)
        house.move(UP)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
        assert house.history.reader.incidents() == ()
        assert house.desk.dispatch.write_failures >= 1
        assert "pages are sent unrecorded" in caplog.text
        execute(database, ALLOW)
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2, within=20)
        (incident,) = house.history.reader.incidents()
        assert incident.ending is Ending.RESOLVED
    assert len(receiver.posts) == 2


async def test_an_entry_that_cannot_be_written_holds_back_its_own_incident_only(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("INSERT ON incidents", "NEW.cause = 'unreachable:archive'"))
        house.move(DOWN)
        await got(receiver, 1)
        house.move(DOWN, RIS)
        await got(receiver, 2)
        house.move(UP)
        await got(receiver, 3)
        await until(lambda: len(house.history.reader.incidents()) == 1, within=20)
        assert [incident.cause for incident in house.history.reader.incidents()] == ["unreachable:ris"]
        execute(database, ALLOW)

        def ended() -> list[str]:
            return [incident.cause for incident in house.history.reader.incidents() if incident.ended]

        await until(lambda: ended() == ["unreachable:archive"], within=20)


async def test_what_is_still_unwritten_is_tried_once_more_at_the_end(
    receiver: Receiver, clock: SettableClock, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("INSERT ON incidents"))
        house.move(DOWN)
        await got(receiver, 1)
        execute(database, ALLOW)
    async with running(clock, database, at_once(receiver)) as house:
        assert [incident.cause for incident in house.desk.open_incidents()] == ["unreachable:archive"]
        execute(database, forbid("INSERT ON incidents"))
        house.move(DOWN, RIS)
        await until(lambda: len(receiver.accepted) >= 2)
    assert "not recorded: 1 entry" in caplog.text


async def test_deliveries_go_on_while_their_ends_cannot_be_written(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("UPDATE ON notifications"))
        house.move(DOWN)
        await got(receiver, 1)
        house.move(UP)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
        assert {status for *_, status in house.statuses()} == {"pending"}
        execute(database, ALLOW)
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2, within=20)


async def test_the_end_waits_for_no_database_that_is_blocked_however_much_is_kept(
    clock: SettableClock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacs_monitor.history.engines.BUSY_TIMEOUT", 1.0)
    history = History.open(database, "east-campus", clock)
    recorder = Recorder(history, lambda _entry: None, Supervisor())
    with contextlib.closing(sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)) as blocking:
        blocking.execute("BEGIN IMMEDIATE")
        for number in range(40):
            await recorder.write(Entry((moved(DOWN, 0, CheckId(f"node-{number}", "dicom_echo")),)))
        with Stopwatch() as watch:
            await recorder.stop()
    history.close()

    assert watch.seconds < 2 * END_WITHIN
