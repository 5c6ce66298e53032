"""The whole daemon while somebody sets the wall clock by an hour, there and back."""

from __future__ import annotations

import asyncio

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import HEARTBEAT, Daemon
from pacs_monitor.model import SECOND, CheckId, State
from pacs_monitor.uptime import Cause
from tests.engine.support import SettableClock
from tests.proofs.estates import write_estate
from tests.proofs.switchable import Switchable
from tests.web.conftest import nodes

ECHO = CheckId("archive", "dicom_echo")


@pytest.mark.parametrize("step", [3600, -3600])
async def test_probing_goes_on_and_the_ambiguous_hour_is_booked_on_the_clock(tmp_path, caplog, step):
    clock = SettableClock()
    timing = "interval: 500ms, retry_interval: 200ms, timeout: 1s"
    with Switchable() as peer:
        daemon = Daemon(load(write_estate(tmp_path, 0, nodes(peer.port), defaults=timing)), clock)
        await daemon.start()
        entry = daemon.engine.board.entries[ECHO]
        async with asyncio.timeout(10):
            while entry.standing.state is not State.UP:
                await asyncio.sleep(0.05)
        before = entry.runs
        clock.set_by(step)
        peer.down()  # so that the desk looks at the clock before the heart does
        await asyncio.sleep(HEARTBEAT + 1)
        runs = entry.runs - before
        coverage = await daemon.history.read(lambda reader: reader.coverage())
        ledger = await daemon.history.read(lambda reader: reader.transitions())
        await daemon.stop()

    assert 10 <= runs <= 13
    assert [transition.after for transition in ledger[ECHO]] == [State.UP, State.DOWN]
    (ambiguous,) = (span for span in coverage if span.cause is Cause.CLOCK)
    assert ambiguous.end - ambiguous.start >= 3600 * SECOND
    assert [line for line in caplog.messages if "wall clock" in line] == [
        f"somebody set the wall clock by {float(step):+.1f} s"
    ]
