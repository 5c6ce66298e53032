"""`/probe` of a check that runs by the calendar."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.support.asking import asking
from tests.support.clock import SettableClock
from tests.support.estates import write_estate

NODES = '  pacs: {checks: {licence: {probe: expiry, date: 2099-01-01, cron: "30 2 29 2 *"}}}\n'


async def test_scrapes_do_not_run_it_between_its_times(tmp_path: Path) -> None:
    clock = SettableClock()
    daemon = await Daemon.open(load(write_estate(tmp_path, 0, NODES)), clock)
    await daemon.start()
    async with asking("http://{}:{}".format(*daemon.address)) as client:
        first = await client.get("/probe?node=pacs&check=licence")
        clock.pass_by(7200)
        second = await client.get("/probe?node=pacs")
    (entry,) = daemon.engine.board.entries.values()
    await daemon.stop()

    assert ("probe_success 1.0" in first.text, first.text) == (True, second.text)
    assert entry.runs == 1
