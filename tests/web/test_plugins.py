"""What an unchanged plugin measures is in the metrics of a real daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.peers.prometheus import promtool
from tests.support.asking import asking
from tests.support.estates import write_estate

NODES = """\
  server:
    checks:
      disk: {probe: exec, command: [/usr/lib/nagios/plugins/check_disk, -w, "1", -c, "1", -p, /], timeout: 20s}
      forbidden: {probe: exec, command: [/bin/true]}
"""


async def test_performance_data_of_an_allowed_plugin_is_in_the_metrics(tmp_path: Path) -> None:
    config = write_estate(tmp_path, 0, NODES, allow=["server/disk"])
    daemon = await Daemon.open(load(config))
    await daemon.start()
    try:
        async with (
            asking("http://{}:{}".format(*daemon.address)) as client,
            asyncio.timeout(30),
        ):
            while "pacs_exec_value{" not in (text := (await client.get("/metrics")).text):
                await asyncio.sleep(0.05)
            forbidden = (await client.post("/api/v1/checks/server/forbidden/run")).json()
    finally:
        await daemon.stop()

    clean = promtool("check", "metrics", given=text)
    assert clean.returncode == 0, clean.stderr
    assert 'pacs_exec_value{check="disk",label="/",node="server",probe="exec",site="",unit="B"}' in text
    assert (forbidden["status"], forbidden["reason"]) == ("unknown", "not_configured")
