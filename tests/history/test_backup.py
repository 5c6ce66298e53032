"""A backup is whole although the daemon writes on, is of one moment, and overwrites nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.history import History, HistoryError
from pacs_monitor.history import backup as module
from pacs_monitor.history.backup import backup
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO, outage
from tests.peers.postgres import Postgres


def unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


async def test_it_is_of_the_moment_when_it_began_while_much_is_written(
    sqlite_url: str, tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGES", 1)
    history = History.open(sqlite_url, "east", clock)
    await history.record(outage(START))
    other = sqlite3.connect(tmp_path / "pacs-monitor.db")
    seen: list[int] = []

    def write(done: int, _total: int) -> None:
        seen.append(done)
        with other:
            other.execute("UPDATE monitors SET host = ?", (str(done) * 3000,))

    copied = backup(sqlite_url, tmp_path / "copy.db", write)
    other.close()
    await history.record(outage(START + 1))
    history.close()
    assert len(seen) > 20
    assert seen == sorted(set(seen)), "it never began anew"
    assert copied == (tmp_path / "copy.db").stat().st_size
    assert {file.name for file in tmp_path.iterdir() if file.name.startswith("copy")} == {"copy.db"}
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    restored = History.open(f"sqlite:///{tmp_path}/copy.db", "east", clock)
    assert [transition.since for transition in restored.reader.transitions()[ECHO]] == [START]
    restored.close()


def test_a_file_that_exists_is_not_overwritten(sqlite_url: str, tmp_path: Path, clock: HandClock) -> None:
    History.open(sqlite_url, "east", clock).close()
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(HistoryError, match=r"name another file: .*copy.db exists"):
        backup(sqlite_url, tmp_path / "copy.db", unseen)
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_what_a_backup_that_was_killed_has_left_is_in_nobodys_way(
    sqlite_url: str, tmp_path: Path, clock: HandClock
) -> None:
    History.open(sqlite_url, "east", clock).close()
    (tmp_path / "copy.db.unfinished").write_bytes(b"\xff" * 9000)
    backup(sqlite_url, tmp_path / "copy.db", unseen)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT name FROM monitors").fetchall() == [("east",)]


def test_a_damaged_database_makes_no_backup(sqlite_url: str, tmp_path: Path, clock: HandClock) -> None:
    History.open(sqlite_url, "east", clock).close()
    file = tmp_path / "pacs-monitor.db"
    size = file.stat().st_size
    with file.open("r+b") as damaged:
        damaged.seek(size // 2)
        damaged.write(b"\xff" * (size // 2))
    with pytest.raises(HistoryError, match=r"damaged|malformed"):
        backup(sqlite_url, tmp_path / "copy.db", unseen)
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("where", ["nowhere/copy.db", "pacs-monitor.db/copy.db"])
def test_a_folder_that_is_not_there_is_told(sqlite_url: str, tmp_path: Path, clock: HandClock, where: str) -> None:
    History.open(sqlite_url, "east", clock).close()
    with pytest.raises(HistoryError, match="check its folder and its disk"):
        backup(sqlite_url, tmp_path / where, unseen)


def test_what_postgresql_has_for_this_is_named(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="pg_dump --format=custom"):
        backup(postgres.database(), tmp_path / "copy.db", unseen)
    with pytest.raises(HistoryError, match="does not exist"):
        backup(f"sqlite:///{tmp_path}/nowhere.db", tmp_path / "copy.db", unseen)
