"""The whole daemon while somebody sets the wall clock by an hour, there and back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import HEARTBEAT, Daemon
from pacs_monitor.history import HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Micros, State
from pacs_monitor.uptime import Account, Cause, Coverage, Timeline, account
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.clock import SettableClock
from tests.support.estates import write_estate
from tests.support.timing import SOON, until
from tests.web.conftest import nodes

ECHO = CheckId("archive", "dicom_echo")


async def ambiguous_in(daemon: Daemon) -> list[Coverage]:
    coverage = await daemon.history.read(lambda reader: reader.coverage())
    return [span for span in coverage if span.cause is Cause.CLOCK]


async def test_an_outage_in_which_the_clock_is_set_back_is_as_long_as_it_was(tmp_path: Path) -> None:
    clock = SettableClock()
    timing = "interval: 500ms, retry_interval: 200ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"
    with Switchable() as peer, Receiver() as receiver:
        pager = {"pager": receiver.url, "secret": SECRET}
        node = f"{{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: {{}}}}"
        node = f"  archive: {{host: 127.0.0.1, dicom: {node}}}\n"
        daemon = await Daemon.open(load(write_estate(tmp_path, 0, node, defaults=timing, **pager)), clock)
        await daemon.start()
        entry = daemon.engine.board.entries[ECHO]
        await until(lambda: entry.standing.state is State.UP)
        clock.set_by(3600)
        peer.down()
        await until(lambda: len(receiver.accepted) == 1)
        runs, noticed = entry.runs, time.monotonic()
        clock.set_by(-3600)
        await until(lambda: entry.runs >= runs + 4)
        lasted = time.monotonic() - noticed
        peer.up()
        await until(lambda: len(receiver.accepted) == 2)
        (incident,) = daemon.history.reader.incidents()
        account = await daemon.history.read(lambda reader: accounted(reader, clock.now()))
        await daemon.stop()

    opened, resolved = receiver.accepted
    assert incident.ended is not None
    assert lasted * SECOND <= incident.ended - incident.since < 600 * SECOND
    assert "after 0 s" not in resolved.data["summary"]
    assert opened.key == resolved.key
    (outage,) = account.outages
    assert outage.at_least == 0, "the hour may mean either of two instants"
    assert outage.at_most >= 3600 * SECOND


def accounted(reader: HistoryReader, now: Micros) -> Account:
    coverage, watched = reader.coverage(), reader.watched()[ECHO]
    timeline = Timeline(tuple(reader.transitions()[ECHO]), watched, coverage)
    return account(timeline, Interval(watched[0].start, now + 2 * 3600 * SECOND), now + 2 * 3600 * SECOND)


@pytest.mark.parametrize("step", [3600, -3600])
async def test_probing_goes_on_and_the_ambiguous_hour_is_booked_on_the_clock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, step: int
) -> None:
    clock = SettableClock()
    timing = "interval: 500ms, retry_interval: 200ms, timeout: 10s"
    with Switchable() as peer:
        daemon = await Daemon.open(load(write_estate(tmp_path, 0, nodes(peer.port), defaults=timing)), clock)
        await daemon.start()
        entry = daemon.engine.board.entries[ECHO]
        async with asyncio.timeout(SOON):
            while entry.standing.state is not State.UP:
                await asyncio.sleep(0.05)
        began, before = time.monotonic(), entry.runs
        clock.set_by(step)
        peer.down()  # so that the desk looks at the clock before the heart does
        async with asyncio.timeout(HEARTBEAT + SOON):
            while not (ambiguous := await ambiguous_in(daemon)) or entry.runs < before + 10:
                await asyncio.sleep(0.05)
        most = (time.monotonic() - began) / 0.5 + 4  # three of which are retries
        ledger = await daemon.history.read(lambda reader: reader.transitions())
        await daemon.stop()

    assert entry.runs - before <= most
    assert [transition.after for transition in ledger[ECHO]] == [State.UP, State.DOWN]
    (hour,) = ambiguous
    assert hour.end - hour.start >= 3600 * SECOND
    assert [line for line in caplog.messages if "system clock" in line] == [
        f"the system clock was changed by {float(step):+.1f} s"
    ]
