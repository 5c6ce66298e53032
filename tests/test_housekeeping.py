"""The daily work of a leader on people's names, and the end of the audit trail."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor import housekeeping
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.history import History, HistoryError, Revision, audited
from pacs_monitor.housekeeping import Housekeeping
from pacs_monitor.net import Resolver
from pacs_monitor.supervision import Supervisor
from pacs_monitor.web.audit import LEFT_OUT
from tests.history.test_integrity import scribble
from tests.support.clock import SettableClock
from tests.support.timing import until

DAY = 86_400.0


class Kept:
    """Housekeeping over a history in a file."""

    def __init__(self, folder: Path) -> None:
        self.file, self.clock, self.supervisor = folder / "proof.db", SettableClock(), Supervisor()
        self.history = History.open(f"sqlite:///{self.file}", "east", self.clock)
        self.keeping = Housekeeping(self.history, self.clock, Resolver(), self.supervisor)

    def start(self, people: str) -> None:
        self.keeping.start(MonitorSettings.model_validate({"name": "east", "retention": {"people": people}}))

    def who(self) -> list[str]:
        with closing(sqlite3.connect(self.file)) as database:
            return [who for (who,) in database.execute("SELECT who FROM revisions ORDER BY at")]


@pytest.fixture
async def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kept]:
    monkeypatch.setattr(housekeeping, "AFTER_START", 0.0)
    monkeypatch.setattr(housekeeping, "LOOKS_EVERY", 0.05)
    kept = Kept(tmp_path)
    yield kept
    await kept.keeping.stop()
    kept.history.close()


async def test_names_become_roles_while_the_daemon_runs(kept: Kept) -> None:
    await kept.history.adopt([], Revision("abc", "ada, at the start"))
    kept.clock.pass_by(10 * DAY)
    await kept.history.adopt([], Revision("def", "grace, at the start"))
    kept.start("9d")
    await until(lambda: kept.who() == ["an operator", "grace, at the start"])


async def test_a_database_that_is_away_is_asked_again_and_no_fault(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(kept.file)) as database:
        database.execute("CREATE TRIGGER no BEFORE UPDATE ON revisions BEGIN SELECT RAISE(ABORT, 'forbidden'); END")
    await kept.history.adopt([], Revision("abc", "ada, at the start"))
    kept.clock.pass_by(10 * DAY)
    with caplog.at_level(logging.WARNING):
        kept.start("9d")
        await until(lambda: "names of people are looked for again in an hour" in caplog.text)
    assert kept.supervisor.failures["people"] == 0


async def test_what_was_left_out_is_on_record_at_the_end(kept: Kept) -> None:
    kept.start("400d")
    for _ in range(30):
        await kept.keeping.audit.record(kept.keeping.audit.entry("", "POST /api/v1/pause", 401, address="10.0.0.5"))
    await kept.keeping.stop()
    latest, *others = audited(kept.history.reader, 100)
    assert (latest.action, latest.count, len(others)) == (LEFT_OUT, 20, 10)


async def test_a_damaged_record_is_told_until_it_is_whole_again(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        kept.start("400d")
        assert kept.supervisor.out_of_order == set()
        scribble(kept.file)
        kept.clock.pass_by(2 * DAY)
        await until(lambda: kept.supervisor.out_of_order == {"history"})
    assert "the database is damaged, restore a backup" in caplog.text
    assert kept.supervisor.trouble is None, "it still probes and pages"


async def test_a_record_that_cannot_be_written_for_long_is_told_and_its_end_too(kept: Kept) -> None:
    kept.start("400d")
    with closing(sqlite3.connect(kept.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError):
            await kept.history.adopt([], Revision("abc"))
        await until(lambda: kept.history.trouble is not None)
        assert kept.supervisor.out_of_order == set(), "not at once"

        def told() -> bool:
            kept.clock.pass_by(housekeeping.LASTING)
            return kept.supervisor.out_of_order == {"history"}

        await until(told)
        other.execute("ROLLBACK")
    await kept.history.adopt([], Revision("abc"))
    await until(lambda: kept.supervisor.out_of_order == set())
