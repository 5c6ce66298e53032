"""The ledger of test objects (model.ObjectLedger), in the history: durable before anything is sent."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, or_, select, update

from pacs_monitor.history import tables as t
from pacs_monitor.history.engines import advice, bring_up_to_date, in_time, parse, writing
from pacs_monitor.history.errors import HistoryError
from pacs_monitor.history.rows import CheckIds, insert_once, upsert
from pacs_monitor.history.writer import WRITE_WITHIN, Writer
from pacs_monitor.model import (
    SECOND,
    STORES_A_DAY,
    STORES_A_MINUTE,
    CheckId,
    Clock,
    LedgerError,
    Micros,
    StoreCapError,
    TestObject,
)

T = TypeVar("T")
DAY = 86_400 * SECOND


class TestObjects:
    """Written and read in the writer's thread, so that what was recorded is what is read."""

    __test__ = False  # the word is the domain's, and no class of tests

    def __init__(
        self, ids: CheckIds, seed: str, clock: Clock, done: Callable[[Callable[[Connection], Any]], Awaitable[Any]]
    ) -> None:
        self.seed = seed
        self._ids, self._clock, self._done = ids, clock, done

    async def record(self, objects: Collection[TestObject]) -> None:
        now = self._clock.now()
        refusal: str | None = await self._run(lambda connection: self._record(connection, tuple(objects), now))
        if refusal:
            raise StoreCapError(refusal)

    async def remove(self, node: str, sop_instance: str) -> None:
        await self._run(lambda connection: connection.execute(delete(t.test_objects).where(_is(node, sop_instance))))

    async def mark_missed(self, node: str, sop_instance: str, since: Micros | None) -> None:
        statement = update(t.test_objects).where(_is(node, sop_instance)).values(missed=since)
        await self._run(lambda connection: connection.execute(statement))

    async def outstanding(self, check: CheckId) -> tuple[TestObject, ...]:
        """Also what checks left that are gone: whoever still stores at their node inherits it."""
        return await self._run(lambda connection: self._outstanding(connection, check))

    async def holds(self, sop_instance: str) -> bool:
        """Whether an object of this UID may be anywhere."""
        held = select(func.count()).where(t.test_objects.c.sop_instance_uid == sop_instance)
        return await self._run(lambda connection: bool(connection.scalar(held)))

    async def stranded(self, nodes: Collection[str]) -> Mapping[str, int]:
        """Objects of checks at other nodes than these: per node where they are, how many nobody clears away."""
        of = t.checks.c
        counted = (
            select(t.test_objects.c.node, func.count().label("many"))
            .join(t.checks, of.id == t.test_objects.c.check_id)
            .where(of.monitor_id == self._ids.monitor, of.node.not_in(nodes))
            .group_by(t.test_objects.c.node)
        )
        return await self._run(lambda connection: {row.node: row.many for row in connection.execute(counted)})

    async def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            result: T = await self._done(work)
        except HistoryError as error:
            raise LedgerError(str(error)) from error
        return result

    def _record(self, connection: Connection, objects: tuple[TestObject, ...], now: Micros) -> str | None:
        node = objects[0].node
        refusal = self._refusal(connection, node, now)
        if refusal is None:
            connection.execute(insert(t.test_stores).values(monitor_id=self._ids.monitor, node=node, at=now))
            ids = self._ids.of(connection, {thing.check for thing in objects})
            rows = [_row(ids[thing.check], thing) for thing in objects]
            upsert(connection, t.test_objects, rows, ["sop_instance_uid", "node"])
        return refusal

    def _refusal(self, connection: Connection, node: str, now: Micros) -> str | None:
        """The caps; a clock that was set back makes them stricter for a while, and never looser."""
        stores = t.test_stores.c
        connection.execute(delete(t.test_stores).where(stores.at <= now - DAY))
        count = select(func.count()).where(stores.monitor_id == self._ids.monitor, stores.node == node)
        for most, length, words in ((STORES_A_MINUTE, 60 * SECOND, "a minute"), (STORES_A_DAY, DAY, "a day")):
            if (connection.scalar(count.where(stores.at > now - length)) or 0) >= most:
                return f"{node} was sent {most} test objects within {words}, which is the limit"
        return None

    def _outstanding(self, connection: Connection, check: CheckId) -> tuple[TestObject, ...]:
        of = t.checks.c
        watched = exists().where(t.watches.c.check_id == of.id, t.watches.c.ended.is_(None))
        mine = and_(of.monitor_id == self._ids.monitor, of.node == check.node, or_(of.name == check.check, ~watched))
        rows = connection.execute(
            select(t.test_objects, of.node.label("of_node"), of.name)
            .join(t.checks, of.id == t.test_objects.c.check_id)
            .where(mine)
            .order_by(t.test_objects.c.stored, t.test_objects.c.sop_instance_uid)
        )
        return tuple(_object(row) for row in rows)


@contextmanager
def open_ledger(url: str, monitor: str, clock: Clock) -> Iterator[TestObjects]:
    """The ledger for `pacs-monitor probe`, also beside a running daemon: no lease is taken. Raises HistoryError."""
    database = parse(url)
    bring_up_to_date(database, WRITE_WITHIN)
    engine = writing(database)
    ids = CheckIds(0)
    writer = Writer(engine.connect, ids.forget, advice(database))
    try:
        claiming = writer.submit(lambda connection: claim(connection, monitor, clock.now()))
        ids.monitor, seed = in_time(claiming, WRITE_WITHIN, database)
        yield TestObjects(ids, seed, clock, writer.done)
    finally:
        writer.close(WRITE_WITHIN)
        engine.dispose()


def claim(connection: Connection, monitor: str, now: Micros) -> tuple[int, str]:
    """The number of a monitor and its seed, which it gets once and keeps."""
    row = {"name": monitor, "host": socket.gethostname(), "pid": os.getpid(), "since": now}
    insert_once(connection, t.monitors, [row])
    mine = t.monitors.c.name == monitor
    connection.execute(update(t.monitors).where(mine, t.monitors.c.seed == "").values(seed=uuid4().hex))
    claimed = connection.execute(select(t.monitors.c.id, t.monitors.c.seed).where(mine)).one()
    return claimed.id, claimed.seed


def _is(node: str, sop_instance: str) -> ColumnElement[bool]:
    return and_(t.test_objects.c.node == node, t.test_objects.c.sop_instance_uid == sop_instance)


def _row(check: int, thing: TestObject) -> dict[str, Any]:
    return {
        "sop_instance_uid": thing.sop_instance,
        "node": thing.node,
        "check_id": check,
        "sop_class_uid": thing.sop_class,
        "study_instance_uid": thing.study,
        "series_instance_uid": thing.series,
        "stored": thing.stored,
        "missed": thing.missed,
    }


def _object(row: Row[Any]) -> TestObject:
    return TestObject(
        node=row.node,
        sop_instance=row.sop_instance_uid,
        sop_class=row.sop_class_uid,
        study=row.study_instance_uid,
        series=row.series_instance_uid,
        check=CheckId(row.of_node, row.name),
        stored=row.stored,
        missed=row.missed,
    )
