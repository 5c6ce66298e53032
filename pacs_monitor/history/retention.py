"""What is kept for how long, and how the record stays small: hours become days, and what is older than agreed goes.

What there is to do is looked for by the reader and done by the writer, in pieces that take it some milliseconds each,
so that no page waits for it. Each piece is whole in itself: whoever is killed between two goes on at the next start.

All else (transitions, events, incidents, maintenance, coverage, revisions, constancy logs) is kept for ever: an account
of any year needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, Connection, Select, Table, delete, select, tuple_

from pacs_monitor.history import tables as t
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rollups import DAY, HOUR, HOURLY_FOR, compact
from pacs_monitor.model import SECOND, Micros

AT_ONCE = 20_000
"""Rows, or days of checks, that one look finds."""
ROWS, CHECKS = 500, 25
"""What one transaction deletes, or merges into days: each check has 24 hours."""

T = TypeVar("T")
Piece = Callable[[Connection], None]


class Kept(NamedTuple):
    """Microseconds for which rows are kept."""

    failures: Micros
    trends: Micros
    rollups: Micros


class Aging(NamedTuple):
    """A table whose rows go when they are old."""

    table: Table
    at: Column[int]
    kept: Micros
    width: int | None = None

    def old(self, monitor: int, now: Micros) -> Select[Any]:
        """The keys of the rows of a monitor that are older than agreed."""
        of, checks = self.table.c, select(t.checks.c.id).where(t.checks.c.monitor_id == monitor)
        if "check_id" in of:
            ours = of.check_id.in_(checks)
        else:
            ours = of.series_id.in_(select(t.series.c.id).where(t.series.c.check_id.in_(checks)))
        conditions = [ours, self.at < now - self.kept]
        if self.width is not None:
            conditions.append(of.width == self.width)
        return select(*self.table.primary_key.columns).where(*conditions).limit(AT_ONCE)


def find(reader: HistoryReader, kept: Kept, now: Micros) -> list[Piece]:
    """Some of what there is to do; nothing when all of it is done."""
    with reader.connected() as connection:
        return [*_days(connection, reader.monitor, now), *_aged(connection, reader.monitor, kept, now)]


def _days(connection: Connection, monitor: int, now: Micros) -> Iterator[Piece]:
    """Hours of days that are older than three days become one row for each check and day."""
    of, day = t.rollups.c, DAY * SECOND
    until = (now - HOURLY_FOR * SECOND) // day * day
    ours = of.check_id.in_(select(t.checks.c.id).where(t.checks.c.monitor_id == monitor))
    old = select(of.started, of.check_id).where(ours, of.width == HOUR, of.started < until)
    found = sorted({(row.started // day * day, row.check_id) for row in connection.execute(old.limit(AT_ONCE))})
    for start, checks in groupby(found, lambda pair: pair[0]):
        for some in _some([check for _, check in checks], CHECKS):
            yield partial(compact, checks=some, day=start)


def _aged(connection: Connection, monitor: int, kept: Kept, now: Micros) -> Iterator[Piece]:
    for aging in (
        Aging(t.failures, t.failures.c.ended, kept.failures),
        Aging(t.samples, t.samples.c.at, kept.trends),
        Aging(t.rollups, t.rollups.c.started, kept.rollups, DAY),
    ):
        keys = [tuple(row) for row in connection.execute(aging.old(monitor, now))]
        for some in _some(keys, ROWS):
            yield partial(_delete, table=aging.table, keys=some)


def _some(everything: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    return (everything[at : at + count] for at in range(0, len(everything), count))


def _delete(connection: Connection, table: Table, keys: Sequence[tuple[object, ...]]) -> None:
    connection.execute(delete(table).where(tuple_(*table.primary_key.columns).in_(keys)))
