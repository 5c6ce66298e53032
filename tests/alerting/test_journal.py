"""What went out unrecorded is kept in a file, for the next run to take up."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pacs_monitor.alerting.journal import WITHIN, Journal, read_lines, written
from pacs_monitor.alerting.recovery import recover
from pacs_monitor.history import History
from pacs_monitor.model import Ending, Entry, Event, FailureClass, Notification, Notified, Problem, State
from tests.alerting.running import at_once, got, running, types
from tests.alerting.support import ARCHIVE, RIS
from tests.alerting.test_unwritable import ALLOW, execute, forbid
from tests.history.things import incident
from tests.peers.receiver import Receiver
from tests.peers.stalling import stalled_disk
from tests.support.clock import SettableClock
from tests.support.timing import Stopwatch, until

UP, DOWN = State.UP, State.DOWN
AT = 1_764_000_000_000_000


def opening(identity: str = "01JD0000000000000000000001", cause: str = str(ARCHIVE)) -> Entry:
    one = incident(AT, id=identity, cause=cause, members=(ARCHIVE if cause == str(ARCHIVE) else RIS,))
    page = Notification(f"{identity[:-3]}999", "hook", Event.OPENED, AT, {"secret": "payload"}, identity)
    return Entry(incidents=(one,), notifications=(page,))


def test_what_is_written_is_read_again_without_any_payload() -> None:
    entry = opening()
    lines = written(entry)
    assert "payload" not in "".join(lines)
    (kept,) = read_lines(lines)
    assert kept.incident == entry.incidents[0]
    assert kept.notifications == (replace(entry.notifications[0], data={}),)


def test_the_latest_of_an_incident_counts_with_all_its_notifications() -> None:
    first = opening()
    ended = replace(first.incidents[0], ended=AT + 1, ending=Ending.RESOLVED)
    end = replace(first.notifications[0], id="01JD0000000000000000000777", event=Event.RESOLVED)
    (kept,) = read_lines([*written(first), *written(Entry(incidents=(ended,), notifications=(end,)))])
    assert kept.incident == ended
    assert [owed.event for owed in kept.notifications] == [Event.OPENED, Event.RESOLVED]


def test_problems_links_group_and_what_was_notified_are_kept() -> None:
    entry = opening()
    about = entry.incidents[0]
    problem = Problem(
        *(ARCHIVE, UP, about.severity, about.reason, about.phase, "refused", AT - 5, AT, AT + 1, AT + 2, AT + 3)
    )
    about = replace(about, problems=(problem,), linked=("01JA",), group="01JB")
    first = Notified(about.id, "hook", AT, entry.notifications[0].id, DOWN, about.severity, members=(ARCHIVE,))
    later = first.changed(page=2, worst=FailureClass.UNREACHABLE, at=AT + 9)
    one = replace(entry, incidents=(about,), notified=(first,))
    other = Entry(incidents=(about,), notified=(later,))
    (kept,) = read_lines([*written(one), *written(other)])
    assert (kept.incident, kept.notified) == (about, (later,))
    assert kept.notified[0].version == 2


def test_a_line_of_the_first_form_says_who_was_notified_by_its_notifications() -> None:
    entry = opening()
    (line,) = written(entry)
    old = {
        key: value for key, value in json.loads(line).items() if key not in ("problems", "linked", "group", "notified")
    }
    (kept,) = read_lines([json.dumps(old)])
    assert kept.incident == entry.incidents[0]
    (told,) = kept.notified
    assert (told.channel, told.opened, told.state, told.members) == (
        "hook",
        entry.notifications[0].id,
        DOWN,
        (ARCHIVE,),
    )


@pytest.mark.parametrize("torn", [1, 30, 200, -2])
def test_a_torn_line_costs_no_other(torn: int, caplog: pytest.LogCaptureFixture) -> None:
    whole, half = *written(opening()), *written(opening("01JD0000000000000000000002"))
    (kept,) = read_lines([whole, half[:torn], "[]", "null"])
    assert kept.incident == opening().incidents[0]
    assert "skipped an unreadable line" in caplog.text


async def test_a_page_waits_for_no_disk_that_hangs(receiver: Receiver, clock: SettableClock, database: str) -> None:
    hanging = Path(database.removeprefix("sqlite:///") + ".unrecorded.new")
    os.mkfifo(hanging)  # whoever opens it to write waits for a reader
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("INSERT ON incidents"))
        house.move(DOWN)
        await got(receiver, 1)
        house.move(DOWN, RIS)
        await got(receiver, 2)
        execute(database, ALLOW)
        reading = os.open(hanging, os.O_RDONLY | os.O_NONBLOCK)
        await until(lambda: len(house.history.reader.incidents()) == 2)
        os.close(reading)


async def test_a_page_that_is_recorded_while_its_trace_is_written_has_its_result_on_record(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    hanging = Path(database.removeprefix("sqlite:///") + ".unrecorded.new")
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("INSERT ON incidents"))
        house.move(DOWN)
        await got(receiver, 1)
        os.mkfifo(hanging)
        house.move(DOWN, RIS)
        execute(database, ALLOW)
        await until(lambda: len(house.history.reader.incidents()) == 2, within=20)
        await got(receiver, 2)
        reading = os.open(hanging, os.O_RDONLY | os.O_NONBLOCK)
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2, within=20)
        os.close(reading)
    assert len(receiver.posts) == 2


async def test_while_one_writing_hangs_nobody_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "left.new")
    journal = Journal(tmp_path / "left")
    with Stopwatch() as watch:
        for _ in range(20):
            await journal.add(opening())
    assert watch.seconds < 5 * WITHIN
    os.close(os.open(tmp_path / "left.new", os.O_RDONLY | os.O_NONBLOCK))
    await journal.clear()


def test_what_is_written_while_a_flush_hangs_is_there_after_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.alerting.journaling", str(tmp_path / "left")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with stalled_disk(process.pid):
            for line in ("one\n", "two\n"):
                process.stdin.write(line)
                process.stdin.flush()
                assert process.stdout.readline() == line
            process.kill()
    left = read_lines((tmp_path / "left").read_text().splitlines())
    assert [kept.incident.id for kept in left] == ["one", "two"]


async def test_a_journal_that_cannot_be_written_or_read_costs_no_page(
    receiver: Receiver, clock: SettableClock, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    Path(database.removeprefix("sqlite:///") + ".unrecorded").mkdir()
    async with running(clock, database, at_once(receiver)) as house:
        execute(database, forbid("INSERT ON incidents"))
        house.move(DOWN)
        await got(receiver, 1)
        assert "cannot write unrecorded notifications to" in caplog.text
        execute(database, ALLOW)
        await until(lambda: len(house.history.reader.incidents()) == 1)
    assert await Journal(Path(database.removeprefix("sqlite:///") + ".unrecorded")).read() == ()


async def taken_up(journal: Journal, history: History, receiver: Receiver, clock: SettableClock) -> list[str]:
    """What is pending after the journal was taken up."""
    restored = await recover(journal, history, at_once(receiver), await history.restore(), clock.now())
    return [owed.event.removeprefix("incident.") for owed in restored.pending]


async def test_an_incident_whose_cause_has_another_one_open_is_withdrawn(
    receiver: Receiver, clock: SettableClock, database: str, tmp_path: Path
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
        journal = Journal(tmp_path / "left")
        await journal.add(opening())
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"])
        assert await taken_up(journal, house.history, receiver, clock) == ["opened", "withdrawn"]
        ours = house.history.reader.incident("01JD0000000000000000000001")
        assert ours is not None
        assert ours.incident.ending is Ending.WITHDRAWN
        assert not (tmp_path / "left").exists()


async def test_an_incident_that_the_record_knows_is_not_taken_up_twice(
    receiver: Receiver, clock: SettableClock, database: str, tmp_path: Path
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
        (open_now,) = house.desk.open_incidents()
        house.move(UP)
        await got(receiver, 2)
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2)
        journal = Journal(tmp_path / "left")
        await journal.add(Entry(incidents=(open_now,)))
        assert await taken_up(journal, house.history, receiver, clock) == []
        assert (await house.history.restore()).incidents == ()
    await asyncio.sleep(0)
    assert types(receiver.posts) == ["opened", "resolved"]
