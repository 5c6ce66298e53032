"""What is exported is all of the record; an import is all of it or nothing, and never over anything."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from pacs_monitor.history import History, HistoryError, HistoryReader
from pacs_monitor.history.engines import parse, writing
from pacs_monitor.history.exporting import export, load
from pacs_monitor.history.tables import checks
from tests.history.conftest import START, HandClock
from tests.history.filling import FIRST, everything, fill
from tests.history.things import ECHO, outage
from tests.peers.postgres import Postgres


def unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


def exported(url: str) -> bytes:
    return b"".join(export(url, START, unseen))


@pytest.fixture(params=["into sqlite", "into postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The database of an import."""
    if request.param == "into sqlite":
        return f"sqlite:///{tmp_path}/other.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


def test_every_row_of_every_table_comes_back_the_same(url: str, empty: str) -> None:
    fill(url)
    there = everything(url)
    assert all(len(rows) == 3 for rows in there.values())
    written = exported(url)
    header = load(empty, io.BytesIO(written), unseen)
    assert header.total == 3 * len(there)
    there["monitors"] = [(*row[:-1], 0) for row in there["monitors"]]  # nobody leads there
    assert everything(empty) == there
    assert header.rows == dict.fromkeys(there, 3)
    engine = writing(parse(empty))
    with engine.begin() as connection:  # new rows get new numbers
        connection.execute(insert(checks), [{"monitor_id": 1, "node": "new", "name": "port"}])
        assert connection.scalar(text("SELECT id FROM checks WHERE node = 'new'")) == 4
    engine.dispose()


async def test_an_imported_record_goes_on(history: History, empty: str, url: str, clock: HandClock) -> None:
    await history.record(outage(START))
    load(empty, io.BytesIO(exported(url)), unseen)
    assert everything(url)["transitions"] == everything(empty)["transitions"]
    other = History.open(empty, "east", clock)
    assert [transition.since for transition in other.reader.transitions()[ECHO]] == [START]
    await other.record(outage(START + 100))
    assert len(other.reader.transitions()[ECHO]) == 2
    other.close()


async def test_an_export_is_of_one_moment_also_while_much_is_written(history: History, url: str) -> None:
    for number in range(5):
        await history.record(outage(START + number))
    lines = export(url, START, unseen)
    written = [next(lines)]
    await history.record(outage(START + 50))
    written += list(lines)
    header = json.loads(written[0])
    assert header["rows"]["incidents"] == 5
    assert sum(1 for line in written if line.startswith(b'{"table":"incidents"')) == 5


def test_the_lines_are_json_and_name_schema_version_and_checksum(url: str) -> None:
    fill(url)
    first, *rows, last = exported(url).splitlines()
    header, end = json.loads(first), json.loads(last)
    assert header["format"] == "pacs_monitor history"
    assert {"schema", "version", "at", "monitors", "rows"} <= header.keys()
    assert {tuple(json.loads(row)) for row in rows} == {("table", "row")}
    assert len(end["sha256"]) == 64


SPOILED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut short": (lambda whole: whole[: whole.rindex(b'{"end"')], "its end is missing"),
    "cut within a line": (lambda whole: whole[:-100], "it is not JSON"),
    "a digit changed": (lambda whole: whole.replace(b"1764000000000001", b"1764000000000007", 1), "checksum differs"),
    "a row removed": (
        lambda whole: b"".join(whole.splitlines(keepends=True)[:5] + whole.splitlines(keepends=True)[6:]),
        "rows are missing|checksum differs|constraint",
    ),
    "no export": (lambda _: b'{"monitor": {"name": "east"}}\n', "it is no row"),
    "no text": (lambda _: b"\x1f\x8b\x08\x00", "it is not JSON"),
    "empty": (lambda _: b"", "it is not JSON"),
    "something after it": (lambda whole: whole + b"{}\n", "something follows its end"),
    "a newer schema": (lambda whole: whole.replace(b'"schema":"0', b'"schema":"9', 1), "install pacs-monitor "),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_of_what_is_not_whole_nothing_is_imported(sqlite_url: str, empty: str, spoiled: str) -> None:
    fill(sqlite_url)
    change, told = SPOILED[spoiled]
    with pytest.raises(HistoryError, match=told):
        load(empty, io.BytesIO(change(exported(sqlite_url))), unseen)
    assert everything(empty) == {}
    load(empty, io.BytesIO(exported(sqlite_url)), unseen)
    assert everything(empty)["transitions"] == everything(sqlite_url)["transitions"]


def test_nothing_is_overwritten(url: str, empty: str) -> None:
    fill(url)
    fill(empty)
    before = everything(empty)
    with pytest.raises(HistoryError, match=r"name a new database in monitor.database: .* has rows"):
        load(empty, io.BytesIO(exported(url)), unseen)
    assert everything(empty) == before


def test_tables_of_others_are_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    fill(sqlite_url)
    with closing(sqlite3.connect(tmp_path / "others.db")) as others:
        others.execute("CREATE TABLE patients (name TEXT)")
    with pytest.raises(HistoryError, match=r"has tables of others \(patients\)"):
        load(f"sqlite:///{tmp_path}/others.db", io.BytesIO(exported(sqlite_url)), unseen)


def test_what_is_no_history_is_not_exported(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "others.db")) as others:
        others.execute("CREATE TABLE patients (name TEXT)")
    with pytest.raises(HistoryError, match="this is not a history of pacs-monitor"):
        exported(f"sqlite:///{tmp_path}/others.db")
    with pytest.raises(HistoryError, match="unable to open database file"):
        exported(f"sqlite:///{tmp_path}/nowhere.db")
    assert not (tmp_path / "nowhere.db").exists()


def test_an_empty_record_of_an_older_version_gives_way(sqlite_url: str, empty: str) -> None:
    fill(empty, "0010", rows=0)
    fill(sqlite_url)
    load(empty, io.BytesIO(exported(sqlite_url)), unseen)
    HistoryReader.open(empty, FIRST).close()
