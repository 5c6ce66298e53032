"""What plots are drawn from: runs by the hour or day, and the values of trends, gathered by the database into slots.

A view asks for a number of slots and not for rows: a check that runs every minute has 130,000 values in a quarter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select, union_all

from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import Runs
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rollups import DAY, HOUR, as_runs
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Micros

LONGEST_STEP: Micros = HOUR * SECOND
"""Between two values of a total, for the difference to be told of an hour."""
BEGUN_ANEW = 0.5
"""A total below this share of the one before has begun anew; one that is a little lower has lost something."""


class RunsIn(NamedTuple):
    """The runs of one check in an hour or in a UTC day."""

    during: Interval
    runs: Runs


class Series(NamedTuple):
    """Values of a check that belong together."""

    id: int
    check: CheckId
    name: str
    labels: tuple[tuple[str, str], ...]


class Slot(NamedTuple):
    """What a series was from `at` on, for the length of a slot."""

    at: Micros
    least: float
    most: float
    mean: float


class Growth(NamedTuple):
    """What was added to a total in an hour."""

    at: Micros
    amount: float
    seen: Micros
    """How much of the hour the values span."""


def runs_of(reader: HistoryReader, checks: Collection[CheckId], during: Interval) -> dict[CheckId, list[RunsIn]]:
    """In the hours and days that touch the time, in order."""
    of, found = t.rollups.c, defaultdict[CheckId, list[RunsIn]](list)
    names = {check.check for check in checks}
    statement = reader.of_checks(t.rollups, table=t.rollups).where(
        t.checks.c.node.in_({check.node for check in checks}),
        t.checks.c.name.in_(names),
        of.width.in_((HOUR, DAY)),
        of.started > during.start - DAY * SECOND,
        of.started < during.end,
    )
    with reader.connected() as connection:
        for row in connection.execute(statement.order_by(of.started)):
            part = Interval(row.started, row.started + row.width * SECOND)
            if part.end > during.start:
                found[CheckId(row.node, row.name)].append(RunsIn(part, as_runs(row)))
    return {check: found[check] for check in checks if check in found}


def series_of(reader: HistoryReader, node: str) -> list[Series]:
    """What is kept of the checks of a node, by name and labels."""
    columns = t.series.c.id, t.series.c.name.label("measure"), t.series.c.labels
    statement = reader.of_checks(*columns, table=t.series).where(t.checks.c.node == node)
    with reader.connected() as connection:
        rows = connection.execute(statement).all()
    found = [Series(row.id, CheckId(row.node, row.name), row.measure, tuple(row.labels.items())) for row in rows]
    return sorted(found, key=lambda one: one[1:])


def levels(
    reader: HistoryReader, series: Collection[int], times: Sequence[Interval], step: Micros
) -> dict[int, list[Slot]]:
    """The values of some series in some times, by slots that begin at multiples of the step, without empty ones."""
    of = t.samples.c

    def slots(during: Interval) -> Select[Any]:
        at = (of.at // step).label("slot")
        figures = func.min(of.value), func.max(of.value), func.avg(of.value)
        named = [figure.label(name) for figure, name in zip(figures, Slot._fields[1:], strict=True)]
        mine = of.series_id.in_(series), of.at >= during.start, of.at < during.end
        return select(of.series_id, at, *named).where(*mine).group_by(of.series_id, at)

    found: dict[int, list[Slot]] = defaultdict(list)
    for row in _of_all(reader, [slots(during) for during in times]):
        found[row.series_id].append(Slot(row.slot * step, row.least, row.most, row.mean))
    return {number: sorted(those) for number, those in found.items()}


def growth(reader: HistoryReader, series: Collection[int], times: Sequence[Interval]) -> dict[int, list[Growth]]:
    """What came to some totals, by the hour (UTC); hours without two values one after the other are left out."""
    of = t.samples.c
    hour = HOUR * SECOND

    def hours(during: Interval) -> Select[Any]:
        steps = (
            select(
                of.series_id,
                of.at,
                of.value,
                func.lag(of.value).over(partition_by=of.series_id, order_by=of.at).label("before"),
                func.lag(of.at).over(partition_by=of.series_id, order_by=of.at).label("since"),
            )
            .where(of.series_id.in_(series), of.at >= during.start - LONGEST_STEP, of.at < during.end)
            .subquery()
        ).c
        added = case(
            (steps.value >= steps.before, steps.value - steps.before),
            (steps.value < BEGUN_ANEW * steps.before, steps.value),
            else_=0.0,
        )
        at = (steps.at // hour).label("slot")
        figures = func.sum(added).label("amount"), func.sum(steps.at - steps.since).label("seen")
        kept = steps.at - steps.since <= LONGEST_STEP, steps.at >= during.start
        return select(steps.series_id, at, *figures).where(*kept).group_by(steps.series_id, at)

    found: dict[int, list[Growth]] = defaultdict(list)
    for row in _of_all(reader, [hours(during) for during in times]):
        found[row.series_id].append(Growth(row.slot * hour, float(row.amount), int(row.seen)))
    return {number: sorted(those) for number, those in found.items()}


def _of_all(reader: HistoryReader, parts: Sequence[Select[Any]]) -> Sequence[Any]:
    """The rows of all of them, by one statement."""
    with reader.connected() as connection:
        return connection.execute(union_all(*parts)).all()
