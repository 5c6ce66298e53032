"""The whole daemon while somebody sets the wall clock by an hour, there and back."""

from __future__ import annotations

import asyncio
import time

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import HEARTBEAT, Daemon
from pacs_monitor.model import SECOND, CheckId, State
from pacs_monitor.uptime import Cause, Coverage
from tests.engine.support import SettableClock
from tests.proofs.estates import write_estate
from tests.proofs.switchable import Switchable
from tests.timing import SOON
from tests.web.conftest import nodes

ECHO = CheckId("archive", "dicom_echo")


async def ambiguous_in(daemon: Daemon) -> list[Coverage]:
    coverage = await daemon.history.read(lambda reader: reader.coverage())
    return [span for span in coverage if span.cause is Cause.CLOCK]


@pytest.mark.parametrize("step", [3600, -3600])
async def test_probing_goes_on_and_the_ambiguous_hour_is_booked_on_the_clock(tmp_path, caplog, step):
    clock = SettableClock()
    timing = "interval: 500ms, retry_interval: 200ms, timeout: 10s"
    with Switchable() as peer:
        daemon = Daemon(load(write_estate(tmp_path, 0, nodes(peer.port), defaults=timing)), clock)
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
    assert [line for line in caplog.messages if "wall clock" in line] == [
        f"somebody set the wall clock by {float(step):+.1f} s"
    ]
