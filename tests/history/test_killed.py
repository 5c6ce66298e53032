"""SIGKILL at random moments in the middle of long work on the record: nothing is lost, and the next start goes on."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from pacs_monitor.history import History, HistoryError, HistoryReader
from pacs_monitor.history import tables as t
from pacs_monitor.history.engines import parse, writing
from pacs_monitor.history.exporting import Reader, export
from pacs_monitor.history.rollups import DAY, HOUR
from pacs_monitor.model import SECOND
from tests.attacks import Attacked
from tests.history.conftest import START, HandClock
from tests.history.filling import FIRST, everything, fill
from tests.peers.postgres import Postgres

AT_MOST = 4.0
"""Seconds after which it is killed at the latest, until a round has shown how long the work takes."""
ROWS = 150
"""In each table."""


class Work(ABC):
    """One kind of work, on one kind of database."""

    def __init__(self, name: str, url: str, folder: Path, make: Callable[[], str]) -> None:
        self.name, self.url, self.folder = name, url, folder
        self.make = make
        """Makes the URL of another empty database of that kind."""
        self.other = "-"

    @abstractmethod
    def begin(self) -> None:
        """Something to do, and nothing of it done."""

    @abstractmethod
    def check(self, *, done: bool) -> None:
        """What holds at any moment; and what is so when it is done."""

    def is_done(self) -> bool:
        """Whether nothing is left to do; where doing it again does no harm, nobody needs to know."""
        return False

    def run(self, kill_within: float | None) -> tuple[bool, float]:
        """Whether it was done, and how long it was at work."""
        command = [sys.executable, "-m", "tests.history.killed", self.name, self.url, self.other]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            began = time.monotonic()
            try:
                process.wait(kill_within)
            except subprocess.TimeoutExpired:
                process.kill()
            _, said = process.communicate()
        assert process.returncode in (0, -9), said
        return process.returncode == 0 or self.is_done(), time.monotonic() - began


class Compaction(Work):
    checks = 100

    def begin(self) -> None:
        History.open(self.url, "east", HandClock()).close()
        engine = writing(parse(self.url))
        with engine.begin() as connection:
            connection.execute(delete(t.rollups))
            monitor = connection.scalar(select(t.monitors.c.id))
            if not connection.scalar(select(t.checks.c.id).limit(1)):
                rows = [{"monitor_id": monitor, "node": f"n{n}", "name": "port"} for n in range(self.checks)]
                connection.execute(insert(t.checks), rows)
            connection.execute(insert(t.rollups), [self._row(c, h) for c in self._ids(connection) for h in range(24)])
        engine.dispose()

    @staticmethod
    def _ids(connection: Any) -> list[int]:
        return list(connection.scalars(select(t.checks.c.id)))

    @staticmethod
    def _row(check: int, hour: int) -> dict[str, Any]:
        started = START // (DAY * SECOND) * DAY * SECOND - 9 * DAY * SECOND + hour * HOUR * SECOND
        runs = {
            "ok": 1,
            "warn": 0,
            "fail": 0,
            "unknown": 0,
            "brief": 0,
            "seconds": 0.5,
            "buckets": {"7": 1},
            "over": {},
        }
        return runs | {"check_id": check, "width": HOUR, "started": started}

    def check(self, *, done: bool) -> None:
        reader = HistoryReader.open(self.url, "east")
        found = reader.runs(0, START)
        with reader.connected() as connection:
            widths = list(connection.scalars(select(t.rollups.c.width)))
        reader.close()
        assert [runs.ok for runs in found.values()] == [24] * self.checks
        if done:
            assert widths == [DAY] * self.checks


class Migration(Work):
    def begin(self) -> None:
        self.url = self.make()
        fill(self.url, "0012", ROWS)
        self.before = everything(self.url)["transitions"]

    def check(self, *, done: bool) -> None:
        assert everything(self.url)["transitions"] == self.before
        if done:
            HistoryReader.open(self.url, FIRST).close()


class Export(Work):
    """Of the file only: it is there whole, or not at all."""

    def begin(self) -> None:
        if not everything(self.url):
            fill(self.url, rows=ROWS)
        self.other = str(self.folder / "export.jsonl")
        Path(self.other).unlink(missing_ok=True)

    def is_done(self) -> bool:
        return Path(self.other).exists()

    def check(self, *, done: bool) -> None:
        if done:
            with Path(self.other).open("rb") as lines:
                assert sum(len(rows) for _, rows in Reader(lines).rows()) == ROWS * len(everything(self.url))


class Import(Work):
    def begin(self) -> None:
        source = f"sqlite:///{self.folder}/source.db"
        self.other = str(self.folder / "export.jsonl")
        if not Path(self.other).exists():
            fill(source, rows=ROWS)
            Path(self.other).write_bytes(b"".join(export(source, START, lambda _done, _total: None)))
        self.there = everything(source)["transitions"]
        self.url = self.make()

    def is_done(self) -> bool:
        return bool(everything(self.url).get("transitions"))

    def check(self, *, done: bool) -> None:
        assert everything(self.url).get("transitions", []) == (self.there if done else [])


class Backup(Work):
    def begin(self) -> None:
        if not everything(self.url):
            fill(self.url, rows=ROWS)
        self.other = str(self.folder / "backup.db")
        Path(self.other).unlink(missing_ok=True)

    def is_done(self) -> bool:
        return Path(self.other).exists()

    def check(self, *, done: bool) -> None:
        if done:
            with closing(sqlite3.connect(self.other)) as copy:
                assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert everything(f"sqlite:///{self.other}") == everything(self.url)


class Move(Work):
    def begin(self) -> None:
        self.url = f"sqlite:///{self.folder}/{random.randrange(10**9)}.db"
        History.open(self.url, "east", HandClock()).close()
        engine = writing(parse(self.url))
        with engine.begin() as connection:
            rows = [{"monitor_id": 1, "node": f"n{n}", "name": "port"} for n in range(3 * ROWS)]
            connection.execute(insert(t.checks), rows)
            rows = [{"check_id": n + 1, "data": {"n": n}} for n in range(3 * ROWS)]
            connection.execute(insert(t.memory), rows)
        engine.dispose()
        self.other, self.before = self.make(), everything(self.url)

    def check(self, *, done: bool) -> None:
        usable = [url for url in (self.url, self.other) if self._is_usable(url)]
        assert len(usable) <= 1, "two daemons could run"
        after = everything(self.url)
        for found in (after, self.before):
            for changing in ("monitors", "coverage"):  # a daemon has been there since
                found.pop(changing, None)
        assert after == self.before
        if done:
            assert usable == [self.other]
            assert len(everything(self.other)["memory"]) == 3 * ROWS

    @staticmethod
    def _is_usable(url: str) -> bool:
        if not everything(url):
            return False  # empty: whoever starts there starts from nothing, which is no second one of this record
        try:
            History.open(url, "east", HandClock()).close()
        except HistoryError:
            return False
        return True


WORKS: dict[str, type[Work]] = {
    "compaction": Compaction,
    "migration": Migration,
    "export": Export,
    "import": Import,
    "backup": Backup,
    "move": Move,
}
ON_BOTH = [(name, kind) for name in WORKS for kind in ("sqlite", "postgresql") if name not in ("backup", "move")]
EACH = [*ON_BOTH, ("backup", "sqlite"), ("move", "postgresql")]


@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.proof)])
@pytest.mark.parametrize(("name", "kind"), EACH)
def test_whenever_it_is_killed_nothing_is_lost_and_the_next_start_goes_on(
    name: str, kind: str, kills: int, tmp_path: Path, request: pytest.FixtureRequest, attack: Attacked
) -> None:
    made: list[str] = []

    def make() -> str:
        if kind == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            return server.database()
        made.append(f"sqlite:///{tmp_path}/{len(made)}.db")
        return made[-1]

    work = WORKS[name](name, make(), tmp_path, make)
    work.begin()
    limit, killed = AT_MOST, 0
    while killed < kills:
        done, took = work.run(random.uniform(0, limit))
        work.check(done=done)
        killed += not done
        if done:
            limit = min(limit, took)
            work.begin()
    if not work.is_done():
        done, _ = work.run(None)
        assert done
    work.check(done=True)
    if kills > 2:
        attack(f"killed-{name}-{kind}", f"{kills} times: nothing lost, and the next run ended the work")
