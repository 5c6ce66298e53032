"""A machine that boots with a clock that is behind its own record."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.model import SECOND, Reason, Standing, State
from tests.alerting.running import at_once, got, running
from tests.alerting.support import ARCHIVE, CHECKS, Spot, Talk, at, moved
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock


def test_a_page_is_not_put_off_until_the_clock_has_caught_up_with_the_record() -> None:
    talk = Talk()
    assert talk.ask(20, moved(State.DOWN, 20, since=3600)) == at(80)
    talk.ask(80)
    assert talk.said == [(80, "opened", "hook", "pending")]


async def test_blindness_since_a_time_that_lies_ahead_is_told_all_the_same(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    estate = at_once(receiver)
    estate = replace(estate, checks={ARCHIVE: replace(CHECKS[ARCHIVE], unknown_after=0.2)})
    async with running(clock, database, estate) as house:
        house.board.entries[ARCHIVE] = Spot(Standing(State.UNKNOWN, clock.now() + 3600 * SECOND, Reason.DNS))
        house.desk.reloaded(estate)
        (post,) = await got(receiver, 1)

    assert (post.data["kind"], post.data["reason"]) == ("blind", "dns")
