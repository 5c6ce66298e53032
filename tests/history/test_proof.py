"""Whatever the history of results, edits and restarts: an outage that began after the check had worked counts whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from pacs_monitor import states
from pacs_monitor.history import ResultAccumulator, identities, tables
from pacs_monitor.history.engines import migrate, parse, writing
from pacs_monitor.history.rows import CheckIds
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import SECOND, Micros, Outcome, Reason, Result, Standing, Status, Thresholds, Transition
from pacs_monitor.proof import Identity, proofs
from pacs_monitor.uptime import Cause, Class, Coverage, Timeline, account
from tests.history.things import ECHO

OUTCOMES = {
    "ok": Outcome(Status.OK),
    "warn": Outcome.of(Reason.SLOW, warn=True),
    "fail": Outcome.of(Reason.TCP_REFUSED),
    "unknown": Outcome.of(Reason.AUTH),
}
AT_ONCE = Thresholds(failures=1, recoveries=1)


class Failing(NamedTuple):
    """From a result that failed to the next result."""

    interval: Interval
    counts: bool
    """The check had worked with the address that it had, or fails since it had."""
    unsure: bool
    """Since it fails, an address that had worked was put back: the ledger does not tell whether it was asked."""


class Life:
    """A check that is measured once a second and edited in between, with the record that the daemon would write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        row = tables.monitors.insert().values(name="east", host="", pid=1, since=0)
        key = connection.execute(row).inserted_primary_key
        assert key is not None
        self._monitor = key[0]
        self._ids = CheckIds(self._monitor).of(connection, {ECHO})
        self._accumulator, self._standing = ResultAccumulator(), Standing()
        self.now, self.ledger, self.failing = SECOND, list[Transition](), list[Failing]()
        self._worked: set[str] = set()
        self._held = self._unsure = False
        self._began: Micros | None = None
        self.edit("one")

    def edit(self, fingerprint: str) -> None:
        """By a reload or a restart."""
        self.now += SECOND // 2
        self._unsure, self._print = self._unsure or fingerprint in self._worked, fingerprint
        good = self._accumulator.take_batch(self.now).good
        identities.prove(self._connection, self._ids, good)
        identities.adopt(self._connection, self._monitor, self._ids, {ECHO: fingerprint}, self.now)
        self._accumulator.adopt((), {ECHO: fingerprint})

    def measure(self, kind: str) -> None:
        self.now += SECOND
        result = Result(ECHO, "dicom_echo", OUTCOMES[kind], self.now - 10, 10 / SECOND)
        if self._began is not None:
            self.failing.append(Failing(Interval(self._began, self.now), self._held, self._unsure))
        if kind in ("ok", "warn"):
            self._worked.add(self._print)
            self._held = self._unsure = False
        elif kind == "fail":
            self._held = self._held or self._print in self._worked
        self._began = self.now if kind == "fail" else None
        self._standing, moved = states.advance(self._standing, result, AT_ONCE)
        self._accumulator.take(result, self._standing.state)
        self.ledger += [moved] if moved else []

    def timeline(self) -> Timeline:
        identities.prove(self._connection, self._ids, self._accumulator.take_batch(self.now).good)
        of = tables.identities.c
        rows = self._connection.execute(select(of.started, of.ended, of.proven).order_by(of.id))
        asked = [Identity(row.started, FOREVER if row.ended is None else row.ended, row.proven) for row in rows]
        proven = proofs(asked, self.ledger)
        return Timeline(self.ledger, (Interval(0, FOREVER),), (Coverage(0, FOREVER),), proven=proven)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    file: Path = tmp_path_factory.mktemp("proof") / "proof.db"
    url = parse(f"sqlite:///{file}")
    migrate(url)
    engine = writing(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


moves = st.lists(st.sampled_from([*OUTCOMES, "fail", "edit one", "edit two", "edit three"]), max_size=25)


@settings(max_examples=60)
@given(moves)
def test_failures_count_from_when_the_check_had_worked_until_they_end(connection: Connection, steps: list[str]) -> None:
    transaction = connection.begin()
    try:
        life = Life(connection)
        for step in (*steps, "ok"):
            if step.startswith("edit "):
                life.edit(step.removeprefix("edit "))
            else:
                life.measure(step)
        timeline = life.timeline()
    finally:
        transaction.rollback()
    for interval, counts, unsure in life.failing:
        booked = account(timeline, interval, life.now)
        if counts:
            assert booked.classes[Class.DOWN] == interval.end - interval.start
        elif not unsure:
            assert booked.causes[Cause.UNPROVEN] == interval.end - interval.start
        else:
            assert booked.classes[Class.DOWN] + booked.causes[Cause.UNPROVEN] == interval.end - interval.start
    whole = account(timeline, Interval(0, life.now), life.now)
    assert sum(whole.classes.values()) == life.now
    assert sum(whole.causes.values()) == whole.classes[Class.UNKNOWN]
