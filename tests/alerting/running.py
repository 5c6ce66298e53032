"""A running desk over a real history on SQLite; the test plays the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pacs_monitor.alerting import Desk
from pacs_monitor.alerting.journal import Journal
from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.clock import ClockWatch
from pacs_monitor.config.estate import Estate
from pacs_monitor.delivery import RetryPolicy
from pacs_monitor.history import History, Restored, Revision
from pacs_monitor.model import SECOND, TROUBLE, Channel, CheckId, Micros, Paging, Reason, Standing, State, Transition
from pacs_monitor.supervision import Supervisor
from tests.alerting.support import ARCHIVE, CHECKS, Board, Spot, an_estate
from tests.peers.receiver import SECRET, Received, Receiver
from tests.support.clock import SettableClock
from tests.support.timing import until


def hook(receiver: Receiver, name: str = "hook", **settings: Any) -> Channel:
    return Webhook(name, WebhookSettings.model_validate({"url": receiver.url, "secret": SECRET} | settings))


def at_once(receiver: Receiver, *, page_after: float = 0.0, paging: Paging = Paging.ON, **more: Any) -> Estate:
    checks = [replace(check, page_after=page_after, paging=paging) for check in CHECKS.values()]
    return an_estate(checks, **{"channels": {"hook": hook(receiver)}} | more)


class Running:
    """A desk over a history; `move` is what the engine would say."""

    def __init__(self, clock: SettableClock, history: History, estate: Estate, journal: Path, **options: Any) -> None:
        self.board = Board({check: Spot(Standing(State.UP, last=clock.now() + SECOND)) for check in estate.checks})
        self.clock, self.history, self.estate = clock, history, estate
        watch = ClockWatch(clock, self._clock_was_set)
        self.supervisor, self.asked = Supervisor(), list[CheckId]()
        self.desk = Desk(
            clock,
            self.board,
            history,
            estate,
            watch,
            supervisor=self.supervisor,
            journal=Journal(journal),
            policy=RetryPolicy(**{"first_retry": 0.05} | options),
            ask=self.asked.append,
        )

    def _clock_was_set(self, step: Micros) -> None:
        self.desk.clock_was_set(step)

    def move(
        self, after: State, check: CheckId = ARCHIVE, since: Micros | None = None, reason: Reason | None = None
    ) -> None:
        now = self.clock.now()
        before = self.board.entries[check].standing.state
        began = now if since is None else since
        reason = reason or (None if after is State.UP else Reason.TCP_REFUSED)
        self.board.entries[check] = Spot(Standing(after, began, reason))
        self.desk.take(Transition(check, before, after, began - SECOND, began, now, reason))

    def stand(self, state: State, check: CheckId = ARCHIVE) -> None:
        """The check stands so, and nothing is said of how it came there."""
        reason = None if state is State.UP else Reason.TCP_REFUSED
        self.board.entries[check] = Spot(Standing(state, self.clock.now(), reason))

    def remember(self, restored: Restored) -> Restored:
        """Checks of which there is something to tell stand as before."""
        for check, standing in restored.standings.items():
            if check in self.board.entries and (standing.troubled or standing.state in TROUBLE):
                self.board.entries[check] = Spot(standing)
        return restored

    def pending(self, channel: str = "hook") -> int:
        return self.desk.outbox.health()[channel].pending

    def statuses(self) -> list[tuple[str, str, str]]:
        return [
            (n.event.removeprefix("incident."), n.channel, n.status.value) for n in self.history.reader.notifications()
        ]


@asynccontextmanager
async def running(
    clock: SettableClock, database: str, estate: Estate, grace: float = 5.0, **options: Any
) -> AsyncIterator[Running]:
    history = History.open(database, "east-campus", clock)
    try:
        journal = Path(database.removeprefix("sqlite:///") + ".unrecorded")
        house = Running(clock, history, estate, journal, **options)
        await history.adopt(estate.checks.keys(), Revision("0" * 64))
        house.desk.start(house.remember(await history.restore()))
        yield house
        await house.desk.stop(grace)
    finally:
        history.close()


async def got(receiver: Receiver, count: int) -> list[Received]:
    await until(lambda: len(receiver.accepted) >= count, within=20)
    return receiver.accepted


def types(posts: Iterable[Received]) -> list[str]:
    return [post.type.removeprefix("incident.") for post in posts]
