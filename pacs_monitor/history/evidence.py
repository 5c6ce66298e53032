"""What people state of incidents and windows, and the outages that they declare: rows are added, never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import Column, Connection, Index, Row, Table, select

from pacs_monitor.evidence import About, Declared, Refused, Statement, What
from pacs_monitor.history import tables as t
from pacs_monitor.history.columns import PlainText, metadata, monitor, of, text, time
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rows import insert_once

evidence = Table(
    "evidence",
    metadata,
    Column("id", PlainText, primary_key=True),
    of("monitors", "monitor_id"),
    text("about"),
    text("subject"),
    text("what"),
    time("at"),
    text("by"),
    time("moment", nullable=True),
    text("value"),
    text("why"),
    Index(None, "monitor_id", "about", "subject"),
)
"""One statement of one person each (pacs_monitor.evidence)."""

declared = Table(
    "declared",
    metadata,
    Column("id", PlainText, primary_key=True),
    monitor(),
    time("at"),
    text("by"),
    text("node"),
    text("service"),
    time("started"),
    time("ended", nullable=True),
    text("evidence"),
)
"""Outages that no probe could see, as they were declared; what was corrected since is in `evidence`."""

AT_A_TIME = 500
"""Subjects that are asked for in one query."""
Judge = Callable[[Sequence[Statement]], Refused | None]
"""By what is on record of the subject."""
JudgeDeclared = Callable[[Sequence[tuple[Declared, Sequence[Statement]]]], Refused | None]


def state(connection: Connection, monitor: int, new: Sequence[Statement], judge: Judge) -> Refused | None:
    """Record statements about one subject, or nothing where they are refused by what is on record."""
    first = new[0]
    refused = judge(_statements(connection, monitor, first.about, [first.subject]))
    if refused is None:
        insert_once(connection, evidence, [asdict(one) | {"monitor_id": monitor} for one in new])
    return refused


def declare(connection: Connection, monitor: int, new: Declared, judge: JudgeDeclared) -> Refused | None:
    """Record a declared outage, or nothing where it is refused by what is on record."""
    refused = judge(_declared(connection, monitor))
    if refused is None:
        row = {
            "id": new.id,
            "monitor_id": monitor,
            "at": new.at,
            "by": new.by,
            "node": new.node,
            "service": new.service,
            "started": new.start,
            "ended": new.end,
            "evidence": new.evidence,
        }
        insert_once(connection, declared, [row])
    return refused


def statements_of(reader: HistoryReader, about: About, subjects: Collection[str]) -> dict[str, list[Statement]]:
    """What was stated of these, in the order in which it was; nothing of those of which nothing was."""
    with reader.connected() as connection:
        return dict(_by_subject(_statements(connection, reader.monitor, about, subjects)))


def declared_outages(reader: HistoryReader) -> list[tuple[Declared, Sequence[Statement]]]:
    """All of them, with what was stated of each, by when they were declared: people type them, so there are few."""
    with reader.connected() as connection:
        return _declared(connection, reader.monitor)


def took_place(reader: HistoryReader, window: str) -> bool:
    """Whether a check was ever in this window of maintenance."""
    statement = reader.of_checks(t.maintained.c.window, table=t.maintained).where(t.maintained.c.window == window)
    with reader.connected() as connection:
        return connection.execute(statement.limit(1)).first() is not None


def _declared(connection: Connection, monitor: int) -> list[tuple[Declared, Sequence[Statement]]]:
    rows = connection.execute(select(declared).where(declared.c.monitor_id == monitor).order_by(declared.c.id)).all()
    said = _by_subject(_statements(connection, monitor, About.DECLARED, [row.id for row in rows]))
    return [
        (Declared(row.id, row.at, row.by, row.started, row.ended, row.evidence, row.node, row.service), said[row.id])
        for row in rows
    ]


def _by_subject(statements: Iterable[Statement]) -> defaultdict[str, list[Statement]]:
    found: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        found[one.subject].append(one)
    return found


def _statements(connection: Connection, monitor: int, about: About, subjects: Collection[str]) -> list[Statement]:
    columns, wanted, found = evidence.c, sorted(subjects), list[Statement]()
    for start in range(0, len(wanted), AT_A_TIME):
        some = columns.subject.in_(wanted[start : start + AT_A_TIME])
        ours = select(evidence).where(columns.monitor_id == monitor, columns.about == about, some)
        found += map(_statement, connection.execute(ours.order_by(columns.at, columns.id)))
    return found


def _statement(row: Row[tuple[object, ...]]) -> Statement:
    return Statement(
        row.id, About(row.about), row.subject, What(row.what), row.at, row.by, row.moment, row.value, row.why
    )
