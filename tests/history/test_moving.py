"""The record moves whole, no daemon runs on both databases, and what was cut short goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from pacs_monitor.history import HeldError, History, HistoryError, HistoryReader
from pacs_monitor.history.engines import parse, shown, writing
from pacs_monitor.history.exporting import export
from pacs_monitor.history.moving import Mover
from tests.history.conftest import START, HandClock
from tests.history.filling import FIRST, everything, fill
from tests.history.things import ECHO, outage
from tests.peers.postgres import Postgres


class CutError(Exception):
    """The process ends here."""


def unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


def move(source: str, target: str) -> int:
    return Mover(source, target, START, unseen).move()


@pytest.fixture
def target(postgres: Postgres) -> str:
    return postgres.database()


def test_every_row_is_there_and_the_old_database_is_used_no_more(
    sqlite_url: str, target: str, clock: HandClock
) -> None:
    fill(sqlite_url, "0012")
    moved = move(sqlite_url, target)
    there = everything(target)
    assert moved == sum(map(len, there.values()))
    assert there == everything(sqlite_url)
    with pytest.raises(HistoryError, match=r"set monitor.database to postgresql\+psycopg://pgtest@127.0.0.1"):
        History.open(sqlite_url, FIRST, clock)
    with pytest.raises(HistoryError, match="was moved there on"):
        HistoryReader.open(sqlite_url, FIRST)
    history = History.open(target, FIRST, clock)
    history.close()
    assert move(sqlite_url, target) == 0, "once more changes nothing"


async def test_a_daemon_goes_on_where_it_was(sqlite_url: str, target: str, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    entry = outage(START)
    await history.record(entry)
    with pytest.raises(HeldError, match="stop the monitor named 'east'"):
        move(sqlite_url, target)
    history.close()
    assert move(sqlite_url, target) > 0
    history = History.open(target, "east", clock)
    assert (await history.restore()).incidents == entry.incidents
    await history.record(outage(START + 100))
    assert len(history.reader.transitions()[ECHO]) == 2
    history.close()


async def test_until_it_is_complete_the_old_one_can_be_used_and_the_new_one_not(
    sqlite_url: str, target: str, clock: HandClock
) -> None:
    history = History.open(sqlite_url, "east", clock)
    for number in range(3):
        await history.record(outage(START + number))
    history.close()
    for stop_at in (1, 10, 20, 40):

        def cut(done: int, _total: int, stop_at: int = stop_at) -> None:
            if done >= stop_at:
                raise CutError

        with pytest.raises(CutError):
            Mover(sqlite_url, target, START, cut).move()
        with pytest.raises(HistoryError, match="run `pacs-monitor history move` again"):
            History.open(target, "east", clock)
        history = History.open(sqlite_url, "east", clock)
        await history.record(outage(START + stop_at * 100))
        history.close()
    move(sqlite_url, target)
    assert everything(target) == everything(sqlite_url)
    assert len(everything(target)["incidents"]) == 7


@pytest.mark.parametrize("state", ["neither", "the old one"])
def test_a_kill_between_the_two_marks_leaves_at_most_one_usable(
    sqlite_url: str, target: str, clock: HandClock, state: str
) -> None:
    History.open(sqlite_url, "east", clock).close()
    move(sqlite_url, target)
    arriving = "INSERT INTO moves SELECT :id, 1, 'arriving', 'sqlite:///old'"
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as old:
        ((identity,),) = old.execute("SELECT id FROM moves")
        if state == "neither":
            old.execute("DELETE FROM moves")
            old.commit()
    engine = writing(parse(target))
    with engine.begin() as connection:
        connection.execute(text(arriving), {"id": identity})
    engine.dispose()
    with pytest.raises(HistoryError):
        History.open(target, "east", clock)
    assert move(sqlite_url, target) > 0
    History.open(target, "east", clock).close()
    with pytest.raises(HistoryError):
        History.open(sqlite_url, "east", clock)


def test_what_is_in_the_new_database_already_stays(
    sqlite_url: str, target: str, clock: HandClock, postgres: Postgres
) -> None:
    History.open(sqlite_url, "east", clock).close()
    History.open(target, "west", clock).close()
    before = everything(target)
    with pytest.raises(HistoryError, match=r"name an empty database with --to: .* has rows"):
        move(sqlite_url, target)
    assert everything(target) == before
    others = postgres.database()
    engine = writing(parse(others))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE patients (name TEXT)"))
    engine.dispose()
    with pytest.raises(HistoryError, match=r"has tables \(patients\) already"):
        move(sqlite_url, others)
    assert everything(others) == {"patients": []}
    History.open(sqlite_url, "east", clock).close()


def test_what_cannot_be_moved_says_what_to_do(
    sqlite_url: str, target: str, tmp_path: Path, clock: HandClock, postgres: Postgres
) -> None:
    for source, to, told in (
        (target, sqlite_url, "use pg_dump"),
        (sqlite_url, f"sqlite:///{tmp_path}/new.db", "is moved with mv"),
        (sqlite_url, target, "does not exist"),
    ):
        with pytest.raises(HistoryError, match=told):
            move(source, to)
    History.open(sqlite_url, "east", clock).close()
    with pytest.raises(HistoryError, match="check that the server is running"):
        move(sqlite_url, "postgresql+psycopg://ada:hush@127.0.0.1:1/pacs")
    waiting = tmp_path / "pacs-monitor.db.east.unrecorded"
    waiting.write_text("{}\n")
    with pytest.raises(HistoryError, match="start the monitor and stop it again"):
        move(sqlite_url, target)
    waiting.unlink()
    move(sqlite_url, target)
    elsewhere = postgres.database()
    with pytest.raises(HistoryError, match="this history was moved there already") as told_where:
        move(sqlite_url, elsewhere)
    assert shown(parse(target)) in str(told_where.value)


def test_a_moved_database_that_was_copied_back_can_be_exported(sqlite_url: str, target: str, clock: HandClock) -> None:
    """Whoever has only the old file loses nothing."""
    History.open(sqlite_url, "east", clock).close()
    move(sqlite_url, target)
    assert b'"east"' in b"".join(export(sqlite_url, START, unseen))
