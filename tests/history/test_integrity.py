"""Damage is found before somebody reads there, by a look that is bounded and keeps nobody from writing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.history import History
from pacs_monitor.history import integrity as module
from pacs_monitor.history.engines import parse
from pacs_monitor.history.integrity import Unfinished, damage
from tests.history.conftest import START, HandClock
from tests.history.filling import fill
from tests.history.things import outage


def scribble(file: Path) -> None:
    """A disk that wrote nonsense into a table that is seldom read."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'failures'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as damaged:
        damaged.seek((page - 1) * size)
        damaged.write(b"\xff" * size)


async def test_what_was_scribbled_over_is_found_while_the_daemon_writes(
    sqlite_url: str, tmp_path: Path, clock: HandClock
) -> None:
    history = History.open(sqlite_url, "east", clock)
    await history.look_for_damage()
    assert history.damage is None
    scribble(tmp_path / "pacs-monitor.db")
    await history.record(outage(START))
    assert history.trouble is None, "nobody reads there"
    await history.look_for_damage()
    assert history.damage
    await history.record(outage(START + 1))
    history.close()


def test_a_large_database_is_not_looked_at_for_ever(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(sqlite_url, rows=50)
    monkeypatch.setattr(module, "STEPS", 1)
    with pytest.raises(Unfinished):
        damage(parse(sqlite_url), 0.0)


def test_what_is_not_there_or_locked_is_no_damage(tmp_path: Path, url: str) -> None:
    fill(url)
    assert damage(parse(url)) is None
    assert damage(parse(f"sqlite:///{tmp_path}/nowhere.db")) is None
    assert not (tmp_path / "nowhere.db").exists()
    with closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE t (n)")
        other.execute("BEGIN EXCLUSIVE")
        assert damage(parse(f"sqlite:///{tmp_path}/locked.db"), 1.0) is None


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"\xff" * 9000)
    assert damage(parse(f"sqlite:///{tmp_path}/other.db")) == "file is not a database"
