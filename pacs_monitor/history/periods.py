"""What a report reads of its period: the last state before it and what is in it, never the whole record."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Row, and_, func, or_, select

from pacs_monitor.history import decisions
from pacs_monitor.history import tables as t
from pacs_monitor.history.reader import HistoryReader, RevisionRow, transition
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import CheckId, Micros, Transition
from pacs_monitor.proof import GOOD, NOT_DOWN


@dataclass(frozen=True, slots=True)
class Revision(RevisionRow):
    """A version of the configuration with what config.canonical said of it; None where that is not on record."""

    document: dict[str, Any] | None


def ledgers(reader: HistoryReader, during: Interval) -> dict[CheckId, list[Transition]]:
    """The ledger of each check in a time, from the last state before it on that was no outage.

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
        found: dict[CheckId, list[Transition]] = defaultdict(list)
        for row in connection.execute(statement):
            found[decisions.check(row)].append(transition(row))
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
            rows: Iterable[Row[Any]] = connection.execute(statement)
            for row in rows:
                found[decisions.check(row)] += [] if row.at is None else [row.at]
    return dict(found)


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
