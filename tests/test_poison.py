"""Each task of a running daemon is poisoned once, through its clock, its loop or its channel; paging goes on."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from contextvars import Context
from pathlib import Path
from typing import TypeVarTuple

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import HEARTBEAT, Daemon
from pacs_monitor.engine.scheduler import LOST_AFTER, IntervalScheduler
from pacs_monitor.model import Channel, CheckId, Micros, Notification, State
from pacs_monitor.supervision import Supervisor
from tests.alerting.running import at_once, got, hook, running, types
from tests.attacks import Attacked
from tests.engine.support import a_check
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.clock import SettableClock
from tests.support.estates import write_estate
from tests.support.timing import SOON, until

TIMING = "interval: 500ms, retry_interval: 200ms, timeout: 5s, failures: 2, recoveries: 1, page_after: 0s"


class Poisoned(SettableClock):
    """A clock that is out of memory once for each of these tasks, at a reading of its choice."""

    def __init__(self) -> None:
        super().__init__()
        self.poison: Counter[str] = Counter()
        """Task → which of its next readings fails."""

    def now(self) -> Micros:
        name = _task()
        if self.poison[name]:
            self.poison[name] -= 1
            if not self.poison[name]:
                raise MemoryError
        return super().now()


def _task() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # a thread
        return ""
    return task.get_name() if task else ""


async def test_paging_goes_on_after_a_fault_in_every_task(tmp_path: Path, attack: Attacked) -> None:
    port, clock = free_port(), Poisoned()
    node = f"  ris: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}\n"
    with Receiver() as receiver, closing(socket.create_server(("127.0.0.1", port))) as listener:
        file = write_estate(tmp_path, 0, node, pager=receiver.url, secret=SECRET, defaults=TIMING)
        daemon = await Daemon.open(load(file), clock)
        await daemon.start()
        entry = daemon.engine.board.entries[CheckId("ris", "tcp")]
        await until(lambda: entry.standing.state is State.UP)
        clock.poison.update({"desk": 1, "heartbeat": 1, "run": 1})
        listener.close()
        await got(receiver, 1)
        await until(lambda: not clock.poison.total(), within=HEARTBEAT + SOON)
        with closing(socket.create_server(("127.0.0.1", port))):
            await got(receiver, 2)
        assert {task: n for task, n in daemon.task_failures.items() if n} == {"desk": 1, "heartbeat": 1, "run": 1}
        assert daemon.unready() is None, "one fault each is no trouble"
        await daemon.stop()
    assert types(receiver.accepted) == ["opened", "resolved"]
    attack("poison", "logged with its place, counted; opened and resolved arrive")


@pytest.mark.parametrize("reading", [1, *(pytest.param(reading, marks=pytest.mark.proof) for reading in range(2, 12))])
async def test_a_fault_at_any_reading_of_the_clock_loses_no_page_and_makes_no_second_incident(
    receiver: Receiver, database: str, reading: int
) -> None:
    clock = Poisoned()
    async with running(clock, database, at_once(receiver)) as house:
        clock.poison["desk"] = reading
        house.move(State.DOWN)
        await got(receiver, 1)
        house.move(State.UP)
        await until(lambda: {"incident.opened", "incident.resolved"} <= {post.type for post in receiver.accepted})
        clock.poison.clear()
    assert len({post.key for post in receiver.accepted}) == 1
    assert len({post.id for post in receiver.accepted}) == 2


class OutOfMemory:
    """A channel that is out of memory at its first delivery."""

    kind = "poisoned"
    owns_escalation = False
    takes_answers = False

    def __init__(self, inner: Channel) -> None:
        self.inner, self.settings, self.failed = inner, type(inner).settings, False

    def deliver(self, notification: Notification, timeout: float) -> str:
        if not self.failed:
            self.failed = True
            raise MemoryError
        return self.inner.deliver(notification, timeout)


async def test_a_channel_that_is_out_of_memory_once_delivers_later(receiver: Receiver, database: str) -> None:
    channels = {"hook": OutOfMemory(hook(receiver))}
    async with running(SettableClock(), database, at_once(receiver, channels=channels)) as house:
        house.move(State.DOWN)
        await got(receiver, 1)
        house.move(State.UP)
        await got(receiver, 2)
    assert types(receiver.accepted) == ["opened", "resolved"]


Ts = TypeVarTuple("Ts")


class LosesATimer(asyncio.SelectorEventLoop):
    """A loop that is out of memory at one `call_at`, and whose time a test may move on."""

    lose, ahead = False, 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        if self.lose and getattr(callback, "__func__", None) is IntervalScheduler._turn:
            self.lose = False
            raise MemoryError
        return super().call_at(when, callback, *args, context=context)


def test_a_check_whose_timer_is_lost_is_asked_again() -> None:
    async def losing() -> None:
        loop, supervisor, turns = asyncio.get_running_loop(), Supervisor(), list[CheckId]()
        assert isinstance(loop, LosesATimer)
        supervisor.watch(loop)
        rhythm = IntervalScheduler(lambda check, _due: turns.append(check), supervisor)
        rhythm.adopt([a_check(interval=0.1)])
        await until(lambda: len(turns) >= 2)
        loop.lose = True
        await until(lambda: supervisor.failures["loop"] == 1)
        lost = len(turns)
        loop.ahead = LOST_AFTER + 1
        rhythm.look_again()
        await until(lambda: len(turns) >= lost + 2)
        rhythm.stop()

    with asyncio.Runner(loop_factory=LosesATimer) as runner:
        runner.run(losing())


async def test_a_turn_that_fails_costs_no_other_turn() -> None:
    supervisor, turns = Supervisor(), list[float]()

    def turn(_check: CheckId, due: float) -> None:
        turns.append(due)
        if len(turns) == 2:
            raise MemoryError

    rhythm = IntervalScheduler(turn, supervisor)
    rhythm.adopt([a_check(interval=0.05)])
    await until(lambda: len(turns) >= 4)
    rhythm.stop()
    assert +supervisor.failures == {"rhythm": 1}
