"""The outbox where time is long: waits and reminders."""

from __future__ import annotations

import pytest

from pacs_monitor.delivery import RetryPolicy
from pacs_monitor.model import State
from tests.alerting.running import at_once, got, running, types
from tests.alerting.support import route
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock
from tests.support.timing import until


async def test_reminders_that_something_newer_follows_are_dropped(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.down()
    async with running(clock, database, at_once(receiver, default=route("hook", remind=0.05))) as house:
        house.move(State.DOWN)
        await until(lambda: len(house.statuses()) >= 4)
        house.move(State.UP)
        await until(lambda: house.statuses()[-1][0] == "resolved")
        receiver.up()
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
        await until(lambda: all(status != "pending" for *_, status in house.statuses()))
        assert {status for event, _, status in house.statuses() if event == "reminded"} == {"dropped"}
    assert len(receiver.posts) == 2


@pytest.mark.parametrize("years", [10, -10])
async def test_a_clock_that_is_set_by_years_gives_up_no_page_that_is_owed(
    receiver: Receiver, clock: SettableClock, database: str, years: int
) -> None:
    receiver.down()
    async with running(clock, database, at_once(receiver)) as house:
        house.move(State.DOWN)
        await until(lambda: house.desk.outbox.failures.total() >= 1)
        clock.set_by(years * 365 * 86400)
        before = house.desk.outbox.failures.total()
        await until(lambda: house.desk.outbox.failures.total() >= before + 2)
        receiver.up()
        assert types(await got(receiver, 1)) == ["opened"]


async def test_an_ended_incident_is_given_up_when_its_time_is_over_although_the_clock_was_set_back(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.down()
    async with running(clock, database, at_once(receiver)) as house:
        house.move(State.DOWN)
        await until(lambda: house.desk.outbox.failures.total() >= 1)
        clock.set_by(-86400)
        clock.pass_by(RetryPolicy().give_up_after)
        before = house.desk.outbox.failures.total()
        await until(lambda: house.desk.outbox.failures.total() > before)
        assert house.statuses() == [("opened", "hook", "pending")], "it goes on"
        house.move(State.UP)
        await until(lambda: ("opened", "hook", "given_up") in house.statuses())
        await until(lambda: ("resolved", "hook", "dropped") in house.statuses())
