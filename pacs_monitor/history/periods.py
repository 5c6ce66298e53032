"""What a report reads of its period: the last state before it and what is in it, never the whole record."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from pacs_monitor.history import tables as t
from pacs_monitor.history.reader import HistoryReader, transition
from pacs_monitor.history.records import RevisionRow
from pacs_monitor.history.rollups import DAY, HOUR
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import CheckId, Micros, Transition
from pacs_monitor.proof import GOOD, NOT_DOWN

BLOCK = 100
"""Checks whose durations are read at once."""


@dataclass(frozen=True, slots=True)
class Revision(RevisionRow):
    """A version of the configuration with what config.canonical said of it; None where that is not on record."""

    document: dict[str, Any] | None


def ledgers(
    reader: HistoryReader, during: Interval, nodes: Collection[str] | None = None
) -> dict[CheckId, list[Transition]]:
    """The ledger of each check (of these nodes) in a time, from the last state before it on that was no outage.

    What was recorded after the first transition beyond it takes effect beyond it too, whatever its clock said.
    """
    of = t.transitions.c
    before, after = t.transitions.alias("earlier").c, t.transitions.alias("later").c
    with reader.connected() as connection:
        first = connection.scalar(select(func.min(of.id)).where(of.since >= during.start))
        bounds = [before.check_id == t.checks.c.id, before.after.in_(NOT_DOWN)]
        bounds += [] if first is None else [before.id < first]
        entry = func.coalesce(select(before.id).where(*bounds).order_by(before.id.desc()).limit(1).scalar_subquery(), 0)
        past = after.check_id == t.checks.c.id, after.id >= entry, after.since >= during.end
        end = select(after.id).where(*past).order_by(after.id).limit(1).scalar_subquery()
        statement = (
            reader.of_checks(t.transitions, table=t.transitions)
            .where(of.id >= entry, of.since < during.end, of.id < func.coalesce(end, FOREVER))
            .order_by(of.id)
        )
        if nodes is not None:
            statement = statement.where(t.checks.c.node.in_(nodes))
        found: dict[CheckId, list[Transition]] = defaultdict(list)
        for moved in map(transition, connection.execute(statement).all()):
            found[moved.check].append(moved)
    return dict(found)


def first_goods(reader: HistoryReader) -> dict[CheckId, list[Micros]]:
    """When each check was first good as whom it then was, by its ledger."""
    of, who = t.transitions.c, t.identities.c
    within = and_(of.since >= who.started, or_(who.ended.is_(None), of.since < who.ended))
    anybody = select(func.min(of.since)).where(of.check_id == t.checks.c.id, of.after.in_(GOOD))
    earliest = anybody.scalar_subquery()
    as_whom = anybody.where(within).correlate(t.checks, t.identities).scalar_subquery()
    unknown = ~select(who.id).where(who.check_id == t.checks.c.id).exists()
    mine = t.checks.c.monitor_id == reader.monitor
    names = t.checks.c.node, t.checks.c.name
    found: dict[CheckId, list[Micros]] = defaultdict(list)
    with reader.connected() as connection:
        by_identity = (
            select(*names, as_whom.label("at"))
            .join_from(t.checks, t.identities, who.check_id == t.checks.c.id)
            .where(mine)
        )
        without = select(*names, earliest.label("at")).where(mine, unknown)
        for statement in (by_identity, without):
            for row in connection.execute(statement):
                found[CheckId(row.node, row.name)] += [] if row.at is None else [row.at]
    return dict(found)


class Counted(NamedTuple):
    """How often a check ran, and how many failed runs never led to a change of state."""

    runs: int
    brief: int


def counted(
    reader: HistoryReader, start: Micros, end: Micros, nodes: Collection[str] | None = None
) -> dict[CheckId, Counted]:
    """Of each check (of these nodes), from the hour in which a time begins (after three days: in whole UTC days)."""
    of = t.rollups.c
    total, brief = func.sum(of.ok + of.warn + of.fail + of.unknown), func.sum(of.brief)
    statement = _each(start, end, total.label("runs"), brief.label("brief"))
    with reader.connected() as connection:
        if nodes is None:
            known = _names(connection, reader)
        else:
            known = _names(connection, reader, t.checks.c.node.in_(nodes))
            statement = statement.where(_of_those(reader, t.checks.c.node, nodes))
        rows = connection.execute(statement).all()
        return {known[row.check_id]: Counted(int(row.runs), int(row.brief)) for row in rows if row.check_id in known}


def durations(
    reader: HistoryReader, checks: Collection[CheckId], start: Micros, end: Micros
) -> Iterator[tuple[CheckId, dict[int, int]]]:
    """How many runs of these checks lasted how long (accumulator.bucket), in the same hours and days.

    Checks come in blocks, as one text each: a thread that waits for the database holds up others only at each row.
    """
    of = t.rollups.c
    names = {check.check for check in checks}
    every = func.aggregate_strings(type_coerce(of.buckets, Text), ",").label("every")
    each = _each(start, end, every).where(_of_those(reader, t.checks.c.name, names)).subquery().c
    one = literal("[", Text) + cast(each.check_id, Text) + literal(",", Text) + each.every + literal("]", Text)
    blocks = select(func.aggregate_strings(one, ",")).group_by(each.check_id // BLOCK)
    with reader.connected() as connection:
        known = _names(connection, reader, t.checks.c.name.in_(names))
        for texts in connection.scalars(blocks):
            for number, *rows in orjson.loads(f"[{texts}]"):
                if (check := known.get(number)) is not None and check in checks:
                    yield check, _sums(rows)


def _sums(rows: list[dict[str, int]]) -> dict[int, int]:
    """Bucket by bucket, which is three times as fast as adding row by row."""
    found = set[str]().union(*rows)
    return {int(bucket): sum([row[bucket] for row in rows if bucket in row]) for bucket in found}


def _of_those(reader: HistoryReader, column: Column[str], names: Collection[str]) -> ColumnElement[bool]:
    """Rows of a few checks, found check by check: by time alone, those of all would be gone through."""
    those = select(t.checks.c.id).where(t.checks.c.monitor_id == reader.monitor, column.in_(names))
    return t.rollups.c.check_id.in_(those)


def _each(start: Micros, end: Micros, *sums: ColumnElement[Any]) -> Select[Any]:
    """What the rows of each check come to, from the hour in which a time begins: of years of rows, by an index of time.

    By its number alone, whose name is read apart (`_names`): with a join, all rows would be sorted once more.
    """
    of = t.rollups.c
    within = of.width.in_((HOUR, DAY)), of.started >= start - start % HOUR, of.started < end
    return select(of.check_id, *sums).where(*within).group_by(of.check_id)


def _names(connection: Connection, reader: HistoryReader, *those: ColumnElement[bool]) -> dict[int, CheckId]:
    """The checks of a monitor by their numbers."""
    of = t.checks.c
    rows = connection.execute(select(of.id, of.node, of.name).where(of.monitor_id == reader.monitor, *those))
    return {number: CheckId(node, name) for number, node, name in rows}


def revisions(reader: HistoryReader, during: Interval) -> list[Revision]:
    """The configuration in force at the beginning, and those that came within, in order."""
    of = t.revisions.c
    mine = of.monitor_id == reader.monitor
    with reader.connected() as connection:
        before = select(func.max(of.id)).where(mine, of.at <= during.start)
        first = connection.scalar(before) or 0
        rows = connection.execute(select(t.revisions).where(mine, of.id >= first, of.at < during.end).order_by(of.id))
        return [_revision(row) for row in rows]


def _revision(row: Row[Any]) -> Revision:
    document = None if row.content is None else orjson.loads(zlib.decompress(row.content))
    return Revision(row.hash, row.at, row.who, row.diff, document)
