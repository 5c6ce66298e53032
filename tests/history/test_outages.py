"""When the process is killed, when the database is away, and when somebody else holds it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psycopg
import pytest

from pacs_monitor.history import (
    HeartbeatBatch,
    HeldError,
    History,
    HistoryError,
    HistoryReader,
    Revision,
    SeatLocks,
    lease,
    lease_held,
)
from pacs_monitor.history import writer as writer_module
from pacs_monitor.model import Entry, State
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO, outage, result, went
from tests.peers.postgres import Postgres
from tests.support.timing import SOON


def crashing(url: str, first: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.history.crashing", url, str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def read_some(lines: IO[str] | None, count: int) -> list[str]:
    assert lines is not None
    return [lines.readline().strip() for _ in range(count)]


def test_a_process_that_is_killed_leaves_whole_entries_and_all_that_it_called_durable(url: str) -> None:
    promised: list[str] = []
    for attempt in range(4):
        with crashing(url, attempt * 10_000) as process:
            promised += read_some(process.stdout, random.randint(1, 40))
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            promised += [line for line in process.stdout.read().split("\n")[:-1] if line]
    reader = HistoryReader.open(url, "east")
    found = {transition.detail for transition in reader.transitions()[ECHO]}
    incidents = {incident.id for incident in reader.incidents()}
    made = [owed.incident for owed in reader.notifications()]
    reader.close()
    assert set(promised) <= found
    assert found == incidents == set(made)
    assert len(made) == 2 * len(found)


def test_the_lease_of_a_process_that_was_killed_is_free(url: str, clock: HandClock) -> None:
    with crashing(url, 0) as process:
        read_some(process.stdout, 1)
        with pytest.raises(HistoryError, match=f"process {process.pid} on "):
            History.open(url, "east", clock)
        process.kill()
    History.open(url, "east", clock).close()


async def test_a_database_that_somebody_blocks_is_told_and_written_when_it_is_free(
    sqlite_url: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacs_monitor.history.engines.BUSY_TIMEOUT", 0.05)
    history = History.open(sqlite_url, "east", clock)
    await history.adopt([ECHO], Revision("a"))
    blocking = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    blocking.execute("BEGIN IMMEDIATE")
    with pytest.raises(HistoryError, match="database is locked; check that its folder exists and is writable"):
        await history.record(outage(START))
    with pytest.raises(HistoryError):
        await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5), results={ECHO: result(START + 7)})))
    assert (history.write_failures, history.trouble is None) == (3, False)
    blocking.execute("ROLLBACK")
    blocking.close()
    await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5))))
    await history.record(outage(START))
    assert history.trouble is None
    assert (await history.restore()).standings[ECHO].last == START + 7
    history.close()


async def test_a_full_disk_is_told_and_written_when_there_is_space(sqlite_url: str, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    await history.record(outage(START))
    size = Path(sqlite_url.removeprefix("sqlite:///") + "-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(HistoryError, match=r"(disk I/O error|database or disk is full)"):
            await history.record(Entry((went(State.DOWN, START + 1, detail="x" * 100_000),)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    entry = outage(START + 2)
    await history.record(entry)
    assert history.reader.incidents(limit=1) == entry.incidents
    assert [transition.since for transition in history.reader.transitions()[ECHO]] == [START, START + 2]
    history.close()


async def test_a_damaged_file_is_told(sqlite_url: str, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    await history.adopt([ECHO], Revision("a"))
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = file.stat().st_size
    with file.open("r+b") as damaged:
        damaged.seek(4096)  # the first page says what the file is
        damaged.write(b"\xff" * (size - 4096))
    with pytest.raises(HistoryError, match="malformed"):
        await history.record(outage(START))
    assert "malformed" in (history.trouble or "")
    history.close()


async def test_a_server_that_goes_away_is_told_and_written_when_it_is_back(clock: HandClock) -> None:
    with Postgres() as server:
        url = server.database()
        history = History.open(url, "east", clock)
        await history.adopt([ECHO], Revision("a"))
        first, second = outage(START), outage(START + 1)
        await history.record(first)
        server.stop()
        outcomes = await asyncio.gather(history.record(second), history.record(second), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [HistoryError, HistoryError]
        with pytest.raises(HistoryError, match="check that the server is running"):
            await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5), results={ECHO: result(START + 7)})))
        server.start()
        await history.record(second)
        await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5))))
        assert history.reader.incidents() == second.incidents + first.incidents
        assert (await history.restore()).standings[ECHO].last == START + 7
        with pytest.raises(HistoryError, match="stop the monitor named"):
            History.open(url, "east", clock)
        history.close()


async def recorded(history: History, entry: Entry) -> None:
    """Once more where the machine is too busy to write it in time."""
    async with asyncio.timeout(3 * SOON):
        while True:
            with contextlib.suppress(HistoryError):
                return await history.record(entry)
            await asyncio.sleep(0.05)


def test_a_start_does_not_wait_for_a_lock_that_somebody_holds(postgres: Postgres, clock: HandClock) -> None:
    url = postgres.database()
    History.open(url, "east", clock).close()
    with psycopg.connect(url.replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE monitors IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(HistoryError, match="timeout"):
            History.open(url, "east", clock)


@pytest.mark.proof
def test_a_start_does_not_wait_for_a_server_that_hangs(clock: HandClock) -> None:
    with Postgres() as server:
        url = server.database()
        History.open(url, "east", clock).close()
        with server.stopped(), pytest.raises(HistoryError, match="check that the server is running"):
            History.open(url, "east", clock)


async def test_more_entries_may_wait_than_one_commit_takes(sqlite_url: str, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    await history.adopt([ECHO], Revision("a"))
    entries = [Entry((went(State.DOWN, START + n),)) for n in range(writer_module.TOGETHER + 10)]
    await asyncio.gather(*(recorded(history, entry) for entry in entries))
    assert len(history.reader.transitions()[ECHO]) == len(entries)
    history.close()


LINKS: dict[str, Callable[[Path, Path], None]] = {
    "symlink": lambda link, database: link.symlink_to(database),
    "hard link": lambda link, database: link.hardlink_to(database),
    "symlinked folder": lambda link, database: link.parent.symlink_to(database.parent),
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_second_monitor_is_refused_by_whatever_link_it_comes(
    sqlite_url: str, tmp_path: Path, clock: HandClock, kind: str
) -> None:
    link = tmp_path / "elsewhere" / "pacs-monitor.db"
    if kind != "symlinked folder":
        link.parent.mkdir()
    with crashing(sqlite_url, 0) as process:
        read_some(process.stdout, 1)
        LINKS[kind](link, tmp_path / "pacs-monitor.db")
        with pytest.raises(HeldError, match="stop the monitor named"):
            History.open(f"sqlite:///{link}", "east", clock)
        process.kill()
    History.open(sqlite_url, "east", clock).close()


def test_a_second_monitor_is_refused_when_the_lock_file_was_deleted(
    sqlite_url: str, tmp_path: Path, clock: HandClock
) -> None:
    with crashing(sqlite_url, 0) as process:
        read_some(process.stdout, 1)
        (tmp_path / "pacs-monitor.db.east.lock").unlink()
        with pytest.raises(HeldError, match="stop the monitor named"):
            History.open(sqlite_url, "east", clock)
        process.kill()


def test_two_monitors_of_different_names_share_a_database(sqlite_url: str, clock: HandClock) -> None:
    with crashing(sqlite_url, 0) as process:
        read_some(process.stdout, 1)
        process.send_signal(signal.SIGSTOP)
        lock = lease.DatabaseLease(sqlite_url.removeprefix("sqlite:///"), "west")
        assert lock.take()
        lock.release()
        process.kill()


async def test_a_lock_file_that_was_deleted_is_made_anew_at_the_next_heartbeat(
    sqlite_url: str, tmp_path: Path, clock: HandClock
) -> None:
    history = History.open(sqlite_url, "east", clock)
    lock = tmp_path / "pacs-monitor.db.east.lock"
    lock.unlink()
    await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5))))
    assert lock.exists()
    assert history.trouble is None
    lock.unlink()
    held = lease.FileLease(lock)
    assert held.take()
    await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5))))
    assert history.trouble == "another process holds the lock file of the history"
    held.release()
    await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(5))))
    assert history.trouble is None
    history.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, clock: HandClock) -> None:
    nowhere = f"sqlite:///{tmp_path}/nowhere/pacs-monitor.db"
    with pytest.raises(HistoryError, match="No such file or directory; check that its folder exists"):
        History.open(nowhere, "east", clock)
    with pytest.raises(HistoryError, match="cannot make the lock file"):
        SeatLocks(nowhere, "east")


async def test_whether_a_monitor_runs_is_asked_without_taking_its_lease(url: str, clock: HandClock) -> None:
    assert not lease_held(url, "east")
    history = History.open(url, "east", clock)
    assert lease_held(url, "east")
    assert not lease_held(url, "west")
    history.close()
    async with asyncio.timeout(SOON):
        while lease_held(url, "east"):
            await asyncio.sleep(0.01)
    History.open(url, "east", clock).close()


def test_the_files_of_the_history_are_nobody_elses(sqlite_url: str, tmp_path: Path, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    with contextlib.closing(SeatLocks(sqlite_url, "east")):
        modes = {file.name.removeprefix("pacs-monitor.db"): file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    history.close()
    assert set(modes) == {"", "-wal", "-shm", ".east.lock", ".seats"}
    assert set(modes.values()) == {0o600}, modes


def test_a_lock_file_that_is_a_link_is_not_followed(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "pacs-monitor.db.seats").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HistoryError, match="cannot make the lock file"):
        SeatLocks(sqlite_url, "east")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:p@h:hunter2/x",
        "postgresql+psycopg://u:hunter2@[/x",
        "postgresql+psycopg://u@127.0.0.1:1/x?password=hunter2",
        "mysql://u@h/x?password=hunter2",
    ],
)
def test_no_password_is_told_with_a_database_that_cannot_be_opened(url: str, clock: HandClock) -> None:
    with pytest.raises(HistoryError) as raised:
        History.open(url, "east", clock)
    assert "hunter2" not in str(raised.value)


def test_what_a_database_server_says_reaches_no_terminal_with_control_characters(
    postgres: Postgres, clock: HandClock
) -> None:
    red = postgres.database().replace("/history", "/\x1b[31mhistory")
    with pytest.raises(HistoryError, match="does not exist") as raised:
        History.open(red, "east", clock)
    assert str(raised.value).isprintable(), repr(str(raised.value))


async def test_no_value_is_told_with_a_statement_that_fails(sqlite_url: str, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    secret = str(START)
    forbidding = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    forbidding.execute("CREATE TRIGGER no BEFORE INSERT ON incidents BEGIN SELECT RAISE(ABORT, 'forbidden'); END")
    forbidding.close()
    with pytest.raises(HistoryError, match="forbidden") as raised:
        await history.record(outage(START, detail=secret))
    history.close()
    assert secret not in "".join(traceback.format_exception(raised.value))
