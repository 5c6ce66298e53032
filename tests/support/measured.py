"""A past that was never measured, in the record of a daemon: runs by the hour and day, and values of trends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from pacs_monitor.history import Runs
from pacs_monitor.history import tables as t
from pacs_monitor.history.engines import parse, writing
from pacs_monitor.history.rollups import as_row
from pacs_monitor.model import CheckId, Micros


class Values(NamedTuple):
    """Of one series."""

    check: CheckId
    measure: str
    labels: Mapping[str, str]
    at: Iterable[tuple[Micros, float]]


class Counted(NamedTuple):
    """Runs of a check in an hour or a day."""

    check: CheckId
    width: int
    """Seconds."""
    started: Micros
    runs: Runs


def put(url: str, values: Iterable[Values] = (), counted: Iterable[Counted] = ()) -> None:
    """All of it, in one transaction; of checks that the record knows."""
    engine = writing(parse(url))
    with engine.begin() as connection:
        for one in values:
            number = _series(connection, one)
            rows = [{"series_id": number, "at": at, "value": value} for at, value in one.at]
            connection.execute(insert(t.samples).prefix_with("OR REPLACE", dialect="sqlite"), rows)
        for part in counted:
            row = as_row(_check(connection, part.check), part.width, part.started, part.runs)
            connection.execute(insert(t.rollups), row)
    engine.dispose()


def _series(connection: Connection, one: Values) -> int:
    check, labels = _check(connection, one.check), dict(one.labels)
    rows = connection.execute(select(t.series).where(t.series.c.check_id == check, t.series.c.name == one.measure))
    known = [row.id for row in rows if row.labels == labels]
    if known:
        return int(known[0])
    made = insert(t.series).values(check_id=check, name=one.measure, labels=labels).returning(t.series.c.id)
    return int(connection.execute(made).scalar_one())


def _check(connection: Connection, check: CheckId) -> int:
    of = t.checks.c
    return int(connection.execute(select(of.id).where(of.node == check.node, of.name == check.check)).scalar_one())
