"""`/probe` while a reload takes checks away."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import SOON

SLOW = "      one: {{probe: dicom_echo, interval: 1h, timeout: 1s}}\n"
NODE = "  archive:\n    host: 127.0.0.1\n    dicom: {{port: {port}, ae_title: PEER}}\n    checks:\n"


async def test_a_check_that_a_reload_removes_meanwhile_does_not_count(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = NODE.format(port=silent.getsockname()[1])
        both = node + SLOW.format() + "      two: {probe: expiry, date: 2099-01-01, cron: '0 3 1 1 *'}\n"
        daemon = await Daemon.open(load(write_estate(tmp_path, 0, both, defaults="interval: 1h")))
        await daemon.start()
        try:
            async with asking("http://{}:{}".format(*daemon.address)) as client:
                probed = asyncio.create_task(client.get("/probe?node=archive", timeout=SOON))
                async with asyncio.timeout(SOON):
                    while not daemon.engine.board.in_progress:
                        await asyncio.sleep(0.01)
                write_estate(tmp_path, 0, node + SLOW.format(), defaults="interval: 1h")
                await daemon.reload("a test")
                answer = await probed
        finally:
            await daemon.stop()
    assert answer.status_code == 200
    assert "probe_success 0.0" in answer.text
