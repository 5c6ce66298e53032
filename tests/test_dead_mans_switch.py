"""The heartbeat goes out while probing, deciding and writing work, and for that alone; over a real receiver."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pacs_monitor.config import load
from pacs_monitor.config.heartbeat import Heartbeat
from pacs_monitor.daemon import Daemon
from pacs_monitor.dead_mans_switch import DeadMansSwitch
from pacs_monitor.model import Reason, Restriction, RestrictionMode, State
from pacs_monitor.supervision import Supervisor
from tests.peers.outside import SECRET, Outside, outside
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.clock import SettableClock
from tests.support.estates import messages, write_estate
from tests.support.timing import until

EVERY = 0.2
LONG = 60.0
CALM = 2.0
"""Seconds without a request in which several would have come."""

NODES = (
    "  archive: {{host: 127.0.0.1, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
    "  gone: {{host: 127.0.0.1, checks: {{tcp: {{port: {closed}}}}}}}\n"
)


@pytest.fixture
def receiver() -> Iterator[Outside]:
    with outside() as receiver:
        yield receiver


@pytest.fixture
async def daemon(tmp_path: Path, receiver: Outside) -> AsyncIterator[Daemon]:
    with Switchable() as peer:
        nodes = NODES.format(port=peer.port, closed=free_port())
        config = write_estate(tmp_path, 0, nodes, defaults="interval: 200ms, retry_interval: 200ms, timeout: 2s")
        text = config.read_text().replace(
            "  paging:", f"  heartbeat: {{url: '{receiver.url}', interval: 1s}}\n  paging:"
        )
        config.write_text(text)
        daemon = await Daemon.open(load(config))
        await daemon.start()
        yield daemon
        await daemon.stop()


async def more(receiver: Outside, count: int = 3) -> None:
    before = receiver.accepted
    await until(lambda: receiver.accepted >= before + count, LONG)


async def is_silent(receiver: Outside, daemon: Daemon) -> str:
    """Once nothing has come for some time: why, as people are told."""
    await until(lambda: daemon.dead_mans_switch.trouble is not None, LONG)
    before, since = receiver.accepted, time.monotonic()
    async with asyncio.timeout(LONG):
        while time.monotonic() - since < CALM:
            await asyncio.sleep(0.01)
            if receiver.accepted != before:
                before, since = receiver.accepted, time.monotonic()
    assert daemon.dead_mans_switch.trouble is not None
    return daemon.dead_mans_switch.trouble


async def test_it_is_sent_while_all_works_whatever_nodes_do(daemon: Daemon, receiver: Outside) -> None:
    await more(receiver)
    down = next(entry for check, entry in daemon.engine.board.entries.items() if check.node == "gone")
    await until(lambda: down.standing.state.value == "down", LONG)
    await more(receiver)
    assert receiver.paths[-1] == f"/{SECRET}"
    assert daemon.dead_mans_switch.last_success is not None


async def test_it_stops_when_the_desk_is_stuck_and_goes_on_when_it_decides_again(
    daemon: Daemon, receiver: Outside
) -> None:
    await more(receiver)
    async with daemon.desk._turning:  # as in a turn that does not end
        assert await is_silent(receiver, daemon) == "not sent, because the monitor itself does not respond"
    await more(receiver)


async def test_it_stops_when_the_database_hangs_and_goes_on_when_it_writes_again(
    tmp_path: Path, daemon: Daemon, receiver: Outside
) -> None:
    await more(receiver)
    session = sqlite3.connect(tmp_path / "proof.db", isolation_level=None, timeout=30.0)
    session.execute("BEGIN EXCLUSIVE")
    why = await is_silent(receiver, daemon)
    session.execute("ROLLBACK")
    session.close()
    assert why.startswith("not sent, because the ")
    await more(receiver)


async def test_it_stops_when_the_scheduler_starves_and_not_when_people_have_stopped_all_checks(
    daemon: Daemon, receiver: Outside
) -> None:
    await more(receiver)
    everything = dict.fromkeys(daemon.engine.board.entries, Restriction(RestrictionMode.STOP, "paused by it-duty"))
    daemon.engine.restrict(everything)
    await more(receiver, 12)  # for longer than what is allowed without a run
    daemon.engine.restrict({})
    await more(receiver)
    daemon.engine._scheduler.stop()  # no turn comes any more
    assert await is_silent(receiver, daemon) in {
        "not sent, because most checks had no result when one was due",
        "not sent, because no check has measured anything lately",
    }


def target(url: str, interval: float, **more: str) -> Heartbeat:
    """Also with an interval that nobody may configure."""
    return Heartbeat.model_validate({"url": url, **more}).model_copy(update={"interval": interval})


class Switch:
    """One alone, whose proof is whatever the test says."""

    def __init__(self, url: str, every: float = EVERY, **more: str) -> None:
        self.works: str | None = None
        self.asked = 0
        self.target = target(url, every, **more)
        self.switch = DeadMansSwitch(SettableClock(), lambda: self.target, [self._proof])
        self.task = Supervisor().supervise("switch", self.switch.keep)

    async def _proof(self) -> str | None:
        self.asked += 1
        return self.works

    async def end(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture
async def alone(receiver: Outside) -> AsyncIterator[Switch]:
    alone = Switch(receiver.url)
    yield alone
    await alone.end()


async def test_a_failure_is_counted_each_time_and_logged_once_without_the_url(
    alone: Switch, receiver: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await more(receiver)
    receiver.status = 503
    await until(lambda: alone.switch.failures["http_503"] >= 3)
    receiver.status = 200
    await more(receiver)
    where = f"127.0.0.1:{receiver.port}"
    assert caplog.messages == [f"heartbeat: {where} answered HTTP 503", f"heartbeat: accepted by {where} again"]
    assert SECRET not in caplog.text


async def test_a_redirect_is_a_failure_and_the_secret_goes_nowhere_else(alone: Switch, receiver: Outside) -> None:
    with outside() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        await until(lambda: alone.switch.failures["http_307"] >= 2)
        assert elsewhere.paths == []
    assert "final address" in (alone.switch.trouble or "")


async def test_a_receiver_that_does_not_answer_holds_nothing_up_for_long(
    alone: Switch, receiver: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacs_monitor.dead_mans_switch.SEND_WITHIN", 0.3)
    receiver.answers.clear()
    await until(lambda: alone.switch.failures.total() >= 2)
    assert SECRET not in (alone.switch.trouble or "")
    receiver.answers.set()
    await more(receiver)


async def test_nothing_is_sent_while_a_proof_fails_and_a_reload_takes_effect_at_once(
    alone: Switch, receiver: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    await more(receiver)
    alone.works = "it does not"
    await until(lambda: alone.switch.trouble == "not sent, because it does not")
    before = len(receiver.paths)
    asked = alone.asked
    await until(lambda: alone.asked >= asked + 5)
    assert len(receiver.paths) == before
    assert caplog.messages == ["heartbeat: not sent, because it does not"]
    with outside() as other:
        alone.works, alone.target = None, target(other.url, 3600.0)
        alone.switch.look_again()
        await more(other, 1)
    assert len(receiver.paths) == before


async def test_two_monitors_watch_each_other_by_push(tmp_path: Path) -> None:
    checks = "{heartbeat: {probe: push, within: 3s, interval: 200ms}}"
    config = write_estate(tmp_path, 0, f"  monitor-east: {{host: 127.0.0.1, checks: {checks}}}\n")
    reporter = f"{{name: east, role: reporter, token: {SECRET}, checks: [monitor-east/heartbeat]}}"
    config.write_text(config.read_text().replace("  paging:", f"  auth: {{tokens: [{reporter}]}}\n  paging:"))
    west = await Daemon.open(load(config))
    await west.start()
    entry = next(iter(west.engine.board.entries.values()))
    host, port = west.address
    alone = Switch(f"http://{host}:{port}/api/v1/push/monitor-east/heartbeat", every=1.0, method="POST", token=SECRET)
    await until(lambda: entry.standing.state is State.UP, LONG)
    assert alone.switch.trouble is None
    alone.works = "it does not"
    await until(lambda: entry.standing.state is State.DOWN, LONG)
    assert entry.standing.reason is Reason.SILENT
    alone.works = None
    await until(lambda: entry.standing.state is State.UP, LONG)
    await alone.end()
    await west.stop()


def test_what_cannot_be_requested_is_an_error_that_keeps_the_secret(tmp_path: Path) -> None:
    text = f"monitor:\n  name: east\n  heartbeat: {{url: 'ftp://{SECRET}'}}\ndefault_route: {{channels: []}}\n"
    (problem,) = messages(tmp_path, text)
    assert problem.startswith("3: monitor.heartbeat.url: ")
    assert SECRET not in problem
