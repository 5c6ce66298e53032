"""What a process may do while its database is away, and after it was stopped, with short waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.config import MonitorSettings
from pacs_monitor.instance import Instance
from pacs_monitor.leadership import Role, Timings
from tests.peers.postgres import Postgres
from tests.support.timing import until

QUICK = Timings(look=0.1, watch=0.05, free=0.3, still=1.0, wait=0.5, stall=5.0, away=0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


def an_instance(database: str) -> Instance:
    settings = MonitorSettings.model_validate({"name": "east", "database": database})
    return Instance(settings, SystemClock(), QUICK)


def nothing() -> None:
    raise AssertionError("nobody has left anything")


async def test_one_leads_and_the_next_one_when_it_ends(server: Postgres) -> None:
    database = server.database()
    first, second = an_instance(database), an_instance(database)
    assert await first.obtain() is False
    obtaining = asyncio.create_task(second.obtain())
    keeping = asyncio.create_task(first.keep(nothing))
    await until(lambda: second.leader.startswith("process"))
    assert (first.role, second.role) == (Role.LEADER, Role.STANDBY)
    keeping.cancel()
    await first.end()
    assert await obtaining is True
    assert second.role is Role.LEADER
    await second.end()


async def test_a_leader_whose_beat_stands_still_is_fenced_when_it_looks_again(server: Postgres) -> None:
    database = server.database()
    first, second = an_instance(database), an_instance(database)
    await first.obtain()
    await second.obtain()  # the first one does not look any more
    keeping = asyncio.create_task(first.keep(nothing))
    await until(first.fenced.is_set)
    assert (first.role, second.role) == (Role.FENCED, Role.LEADER)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(first.permitted(), 0.2)
    await asyncio.wait_for(second.permitted(), 5.0)
    await keeping
    await first.step_down()
    assert first.role is Role.STANDBY
    for instance in (first, second):
        await instance.end()


async def test_a_leader_that_is_not_ready_to_watch_yet_keeps_others_from_leading(server: Postgres) -> None:
    database = server.database()
    first, second = an_instance(database), an_instance(database)
    await first.obtain()
    first.hold()
    with pytest.raises(TimeoutError):  # longer than the beat may stand still
        await asyncio.wait_for(second.obtain(), 2 * QUICK.still)
    keeping = asyncio.create_task(first.keep(nothing))
    await first.permitted()
    assert (first.role, second.role) == (Role.LEADER, Role.STANDBY)
    keeping.cancel()
    for instance in (first, second):
        await instance.end()


async def test_without_the_database_a_leader_goes_on_but_writes_no_objects(server: Postgres) -> None:
    instance = an_instance(server.database())
    await instance.obtain()
    keeping = asyncio.create_task(instance.keep(nothing))
    assert instance.may_write()
    server.stop()
    await until(lambda: not instance.may_write())
    await instance.permitted()
    assert instance.role is Role.LEADER
    server.start()
    await until(instance.may_write)
    keeping.cancel()
    await instance.end()


async def test_with_sqlite_the_one_daemon_leads(tmp_path: Path) -> None:
    instance = an_instance(f"sqlite:///{tmp_path}/pacs-monitor.db")
    assert await instance.obtain() is False
    await instance.permitted()
    assert (instance.role, instance.may_write()) == (Role.LEADER, True)
    await instance.end()
