"""A page waits for a result that is fresh: from a run that began after what there is to know."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor.model import SECOND, CheckId, Outcome, Phase, Reason, Result, State
from tests.alerting.play import an_estate
from tests.alerting.running import running
from tests.support.clock import SettableClock
from tests.support.timing import until

NETWORK = """
nodes:
  fw: {host: 10.0.0.1, checks: {ping: {page_after: 0s}}}
  archive: {host: 10.0.0.5, depends_on: [fw], checks: {ping: {page_after: 0s, timeout: 10s}}}
"""
FW, ARCHIVE = CheckId("fw", "ping"), CheckId("archive", "ping")
TIMED_OUT = Outcome.of(Reason.TCP_TIMEOUT, phase=Phase.CONNECT)


async def test_a_run_that_began_before_the_parent_was_back_says_nothing_and_is_asked_for_again(
    clock: SettableClock, database: str, tmp_path: Path
) -> None:
    async with running(clock, database, an_estate(tmp_path, NETWORK)) as house:

        def answers(started: int) -> None:
            house.board.entries[ARCHIVE].last = Result(ARCHIVE, "ping", TIMED_OUT, started, 10.0)
            house.desk.measured(ARCHIVE)

        def opened() -> list[str | None]:
            return [one.data["node"] for one in house.history.reader.notifications() if "opened" in one.event]

        house.move(State.DOWN, FW, reason=Reason.TCP_TIMEOUT)
        house.move(State.DOWN, ARCHIVE, reason=Reason.TCP_TIMEOUT)
        await until(lambda: opened() == ["fw"])
        house.asked.clear()
        house.move(State.UP, FW)
        await until(lambda: house.asked == [ARCHIVE])
        answers(clock.now() - 10 * SECOND)
        assert house.asked == [ARCHIVE, ARCHIVE]
        answers(clock.now())
        await until(lambda: opened() == ["fw", "archive"])
        assert house.asked == [ARCHIVE, ARCHIVE]
