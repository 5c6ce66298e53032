"""A backup comes back, what it replaces is kept, and nothing is restored that this version could not use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.history import History, HistoryError
from pacs_monitor.history.backup import backup
from pacs_monitor.history.engines import Schema
from pacs_monitor.history.restoring import look, restore
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO, outage
from tests.peers.postgres import Postgres


def unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


def since(url: str, clock: HandClock) -> list[int]:
    history = History.open(url, "east", clock)
    try:
        return [transition.since for transition in history.reader.transitions()[ECHO]]
    finally:
        history.close()


def of_a_newer_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999_tomorrow'")


async def test_it_takes_the_place_of_what_is_kept_beside_it(sqlite_url: str, tmp_path: Path, clock: HandClock) -> None:
    history = History.open(sqlite_url, "east", clock)
    await history.record(outage(START))
    backup(sqlite_url, tmp_path / "copy.db", unseen)
    await history.record(outage(START + 1))
    with pytest.raises(HistoryError, match="stop the monitor named 'east'"):
        restore(sqlite_url, "east", tmp_path / "copy.db", clock.now())
    history.close()

    aside = restore(sqlite_url, "east", tmp_path / "copy.db", clock.now())
    assert aside is not None
    assert since(sqlite_url, clock) == [START]
    assert since(f"sqlite:///{aside}", clock) == [START, START + 1]
    assert (tmp_path / "pacs-monitor.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "copy.db").exists()


async def test_it_comes_back_over_a_newer_schema_and_over_damage_and_over_nothing(
    sqlite_url: str, tmp_path: Path, clock: HandClock
) -> None:
    history = History.open(sqlite_url, "east", clock)
    await history.record(outage(START))
    history.close()
    backup(sqlite_url, tmp_path / "copy.db", unseen)
    file = tmp_path / "pacs-monitor.db"

    of_a_newer_version(file)
    with pytest.raises(HistoryError, match="install the newer version again"):
        look(sqlite_url)
    restore(sqlite_url, "east", tmp_path / "copy.db", clock.now())
    assert look(sqlite_url) is Schema.OURS

    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 60_000)
    with pytest.raises(HistoryError, match=r"damaged|malformed"):
        look(sqlite_url)
    with pytest.raises(HistoryError, match="run it again in a second"):
        restore(sqlite_url, "east", tmp_path / "copy.db", clock.now())
    clock.move(5)
    restore(sqlite_url, "east", tmp_path / "copy.db", clock.now())

    file.unlink()
    assert restore(sqlite_url, "east", tmp_path / "copy.db", clock.now()) is None
    assert since(sqlite_url, clock) == [START]


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (of_a_newer_version, "install the newer version again"),
        (lambda file: file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 60_000), "damaged|malformed"),
        (lambda file: file.write_bytes(b""), "has no history"),
        (lambda file: file.unlink(), "does not exist"),
        (lambda file: file.write_text("what I meant to restore"), "not a database"),
    ],
    ids=["newer", "damaged", "empty", "missing", "another file"],
)
def test_what_could_not_be_used_replaces_nothing(
    sqlite_url: str, tmp_path: Path, clock: HandClock, spoiled: object, said: str
) -> None:
    History.open(sqlite_url, "east", clock).close()
    copy, file = tmp_path / "copy.db", tmp_path / "pacs-monitor.db"
    backup(sqlite_url, copy, unseen)
    assert callable(spoiled)
    spoiled(copy)
    before = file.read_bytes()
    with pytest.raises(HistoryError, match=said):
        restore(sqlite_url, "east", copy, clock.now())
    assert file.read_bytes() == before
    assert not list(tmp_path.glob("*.replaced-*"))


def test_postgresql_has_its_own_way(postgres: Postgres, tmp_path: Path, clock: HandClock) -> None:
    url = postgres.database()
    History.open(url, "east", clock).close()
    assert look(url) is Schema.OURS
    with pytest.raises(HistoryError, match="pg_restore"):
        restore(url, "east", tmp_path / "copy.db", clock.now())
