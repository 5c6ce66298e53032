"""What interrupted runs have left is cleared away when the engine starts; the first run waits for that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from pacs_monitor.engine.engine import Engine
from pacs_monitor.engine.runner import Runner
from pacs_monitor.engine.seats import limits_of
from pacs_monitor.model import (
    SECOND,
    Address,
    CheckId,
    DicomEndpoint,
    Node,
    Outcome,
    ProbeContext,
    Reason,
    Status,
)
from tests.engine.support import OK, Asking, NumericResolver, a_check, fine
from tests.support.clock import SettableClock
from tests.support.timing import until

STORE = CheckId("archive", "store")


class Tidying(Asking):
    """A probe that stores, and clears away in its own time."""

    writes = True

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__(self.store)
        self.happened: list[str] = []
        self.may_end = asyncio.Event()
        self.broken = broken

    async def store(self, _ctx: ProbeContext) -> Outcome:
        self.happened.append("run")
        return OK

    async def tidy(self, _node: Node, _settings: Any, _ctx: ProbeContext) -> None:
        self.happened.append("tidy")
        if self.broken:
            raise ValueError("DOE^JOHN")
        await self.may_end.wait()
        self.happened.append("tidied")


def an_engine(probe: Tidying, **more: Any) -> Engine:
    engine = Engine(SettableClock(), NumericResolver(), lambda _transition: None)
    engine.adopt([replace(a_check(str(STORE), **more), probe=probe)], {}, {}, {})
    engine.tidy()
    return engine


async def test_the_first_run_waits_until_leftovers_are_cleared_away() -> None:
    probe = Tidying()
    engine = an_engine(probe)
    run = asyncio.create_task(engine.run_now(STORE))
    await until(lambda: probe.happened == ["tidy"])
    probe.may_end.set()
    assert (await run).outcome is OK
    assert probe.happened == ["tidy", "tidied", "run"]
    await engine.stop(1)


async def test_clearing_away_that_fails_keeps_no_check_from_running(caplog: Any) -> None:
    probe = Tidying(broken=True)
    engine = an_engine(probe)
    assert (await engine.run_now(STORE)).outcome is OK
    assert "ValueError" in caplog.text
    assert "DOE" not in caplog.text
    await engine.stop(1)


async def test_clearing_away_takes_the_seat_and_gives_it_back() -> None:
    probe = Tidying()
    engine = an_engine(probe)
    await until(lambda: probe.happened == ["tidy"])
    (seat,) = engine.runner.seats.of(engine.board.entries[STORE].check)
    assert seat.free == 0
    probe.may_end.set()
    await until(lambda: seat.free == 1)
    await engine.stop(1)


async def test_clearing_away_that_does_not_end_is_cancelled_at_the_end() -> None:
    probe = Tidying()
    engine = an_engine(probe)
    await until(lambda: probe.happened == ["tidy"])
    await engine.stop(0.01)
    assert probe.happened == ["tidy"]


async def test_after_the_approval_has_ended_nothing_runs_and_the_node_is_not_blamed() -> None:
    clock = SettableClock()
    runner = Runner(clock, NumericResolver())
    check = replace(a_check(), enabled_by="change 4711", until=clock.now() + 3600 * SECOND)
    assert (await runner.run_once(check, {})).outcome is OK
    clock.set_by(3600)
    outcome = (await runner.run_once(check, {})).outcome
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert outcome.detail.startswith("renew enabled_by and its end date: the approval by change 4711 ended on ")
    runner.close()


def test_a_check_of_two_nodes_takes_the_seats_of_both_each_with_its_own_limit() -> None:
    vna = Node("vna", host="10.0.0.2", max_associations=3, dicom=DicomEndpoint(11112, "VNA", "US"))
    mute = Node("mute", host="10.0.0.3")
    check = replace(a_check(ask=fine), others=(vna, mute))
    assert limits_of(check) == {Address("127.0.0.1", 104): 1, Address("10.0.0.2", 11112): 3}


async def test_nothing_is_cleared_away_nor_asked_by_a_process_that_lost_its_permission_while_it_waited() -> None:
    runner, probe = Runner(SettableClock(), NumericResolver()), Tidying()
    check = replace(a_check(str(STORE)), probe=probe)
    (seat,) = runner.seats.of(check)
    for forbid in ("may_write", "may_run"):
        assert await seat.take() is None
        waiting = [asyncio.create_task(runner.tidy(check)), asyncio.create_task(runner.run_once(check, {}))]
        await until(lambda: len(seat.waiting) == 2)
        setattr(runner, forbid, lambda: False)
        seat.give_back()
        _, result = await asyncio.gather(*waiting)
        assert result is not None
        assert result.outcome.reason is Reason.NOT_MEASURED
        setattr(runner, forbid, lambda: True)
    assert probe.happened == []
    reads = a_check()
    runner.may_run = lambda: False
    assert (await runner.run_once(reads, {})).outcome.reason is Reason.NOT_MEASURED
    runner.close()
