"""A report of a job is not lost, however soon it comes after another one and however soon the daemon ends."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.support.asking import asking
from tests.support.estates import write_estate

NODES = "  backup: {checks: {nightly: {probe: push, within: 1h}}}\n"


async def test_a_report_that_closely_follows_another_one_survives_a_restart(tmp_path: Path) -> None:
    file = write_estate(tmp_path, 0, NODES, defaults="interval: 10m, retry_interval: 10m")
    daemon = await Daemon.open(load(file))
    await daemon.start()
    async with asking("http://{}:{}".format(*daemon.address)) as client:
        await client.post("/api/v1/push/backup/nightly?status=ok")
        await client.post("/api/v1/push/backup/nightly?status=fail")
        shown = (await client.get("/api/v1/checks/backup/nightly")).json()
    await daemon.stop()
    daemon = await Daemon.open(load(file))
    await daemon.start()
    (memory,) = daemon.engine.remembered(daemon.engine.board.entries.keys()).values()
    remembered = memory["status"]
    await daemon.stop()

    assert (shown["last"]["status"], remembered) == ("fail", "fail")
