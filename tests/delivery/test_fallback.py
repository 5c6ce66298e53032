"""A running desk whose first channel delivers nothing: what the two receivers are sent."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.config.estate import Estate
from pacs_monitor.config.sections import Fallback
from pacs_monitor.model import State
from tests.alerting.running import at_once, got, hook, running, types
from tests.alerting.support import route
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock
from tests.support.timing import until


def both(first: Receiver, second: Receiver, after: float = 0.3) -> Estate:
    channels = {"hook": hook(first), "second": hook(second, "second")}
    estate = at_once(first, channels=channels, default=route("hook"))
    return replace(estate, fallbacks={"hook": Fallback(channel="second", after=after)})


async def test_a_receiver_that_is_down_is_stood_in_for_and_has_its_pages_when_it_is_back(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.down()
    with Receiver() as other:
        async with running(clock, database, both(receiver, other)) as house:
            house.move(State.DOWN)
            (page,) = await got(other, 1)
            assert page.data["fallback_for"] == "hook"
            assert page.data["summary"].endswith("; sent here because hook does not answer")
            (row,) = house.desk.paged()
            assert [(one.channel, one.fallback_for) for one in row.notified] == [("hook", ""), ("second", "hook")]
            receiver.up()
            await got(receiver, 1)
            await until(lambda: not next(iter(house.desk._subjects())).undelivered.late)
            house.move(State.UP)
            assert types(await got(receiver, 2)) == ["opened", "resolved"]
            assert types(await got(other, 2)) == ["opened", "resolved"]
            await until(lambda: {status for *_, status in house.statuses()} == {"delivered"})
        assert len(receiver.accepted) == len(other.accepted) == 2


async def test_a_restart_in_between_pages_no_fallback_twice(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.down()
    with Receiver() as other:
        async with running(clock, database, both(receiver, other), grace=0.0) as house:
            house.move(State.DOWN)
            await got(other, 1)
            await until(lambda: ("opened", "second", "delivered") in house.statuses())
        async with running(clock, database, both(receiver, other)) as house:
            house.stand(State.DOWN)
            await until(lambda: house.desk.outbox.failures.total() >= 2)
            receiver.up()
            await got(receiver, 1)
            house.move(State.UP)
            assert types(await got(receiver, 2)) == ["opened", "resolved"]
            assert types(await got(other, 2)) == ["opened", "resolved"]


async def test_a_page_that_is_late_although_the_run_ended_before_goes_to_the_fallback_of_the_next(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.down()
    with Receiver() as other:
        async with running(clock, database, both(receiver, other, after=60.0), grace=0.0) as house:
            house.move(State.DOWN)
            await until(lambda: house.desk.outbox.failures.total() >= 1)
        clock.pass_by(60)
        async with running(clock, database, both(receiver, other, after=60.0)) as house:
            house.stand(State.DOWN)
            clock.pass_by(5)
            assert types(await got(other, 1)) == ["opened"]
