"""The daemon with its own MLLP listener, as its users run it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from tests.peers.daemon import RunningDaemon
from tests.peers.mllp import sending_on, sent
from tests.peers.ports import free_port
from tests.support.timing import wait_until

ORDER = "MSH|^~\\&|RIS|EAST|{}|EAST|1||ORM^O01^ORM_O01|4711|P|2.3\rPID|1||1||DOE^JANE\r"


def configuration(listen: int, ours: int, engine: int, receiver: str = "PACSMON") -> str:
    return f"""
monitor:
  name: east
  listen: 127.0.0.1:{listen}
  hl7_listener:
    listen: 127.0.0.1:{ours}
    from: 127.0.0.1
    receiving_application: {receiver}
    receiving_facility: EAST
default_route: {{channels: []}}
nodes:
  ris:
    host: 127.0.0.1
    hl7: {{port: {engine}}}
    checks:
      hl7_heartbeat:
        enabled_by: "interface team, change 4713"
        verify: loop
        receiving_application: PACSMON
        receiving_facility: EAST
      orders: {{probe: hl7_feed, source: listener, expect: "ORM^O01", within: 15m, retry_interval: 100ms}}
"""


def feed_of(daemon: RunningDaemon) -> Any:
    return daemon.post("/api/v1/checks/ris/orders/run")


async def test_the_daemon_verifies_the_loop_watches_a_feed_and_rejects_what_it_would_lose(tmp_path: Path) -> None:
    port, ours, file = free_port(), free_port(), tmp_path / "monitor.yaml"
    daemon = RunningDaemon(file, port)
    async with sending_on(ours) as engine:
        file.write_text(configuration(port, ours, engine))
        await asyncio.to_thread(daemon.start)
        try:
            looped = await asyncio.to_thread(daemon.post, "/api/v1/checks/ris/hl7_heartbeat/run")
            answers = await sent(ours, ORDER.format("PACSMON"), ORDER.format("PACS"))
            await asyncio.to_thread(wait_until, lambda: feed_of(daemon)["measurements"], "the message counted")
            feed = await asyncio.to_thread(feed_of, daemon)
            metrics = await asyncio.to_thread(daemon.metrics)
            file.write_text(configuration(port, ours, engine, "OTHER"))
            await asyncio.to_thread(daemon.post, "/api/v1/reload")
            after = await sent(ours, ORDER.format("PACSMON"), ORDER.format("OTHER"))
        finally:
            code = await asyncio.to_thread(daemon.stop)
    assert (looped["status"], looped["detail"]) == ("ok", "")
    assert answers == ["AA", "AR"]
    assert (feed["status"], feed["measurements"][0]["labels"]) == ("ok", {"feed": "ORM^O01"})
    assert "pacs_hl7_loop_seconds" in metrics
    assert after == ["AR", "AA"]
    assert code == 0
    assert "DOE" not in daemon.log.read_text() + metrics


async def test_a_probe_from_the_terminal_verifies_the_loop_without_a_daemon(tmp_path: Path) -> None:
    ours, file = free_port(), tmp_path / "monitor.yaml"
    async with sending_on(ours) as engine:
        file.write_text(configuration(free_port(), ours, engine))
        command = ["-m", "pacs_monitor", "probe", "ris/hl7_heartbeat", "--direct", "--config", str(file)]
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
        said, _ = await process.communicate()
    assert process.returncode == 0, said
    assert b"proves: that messages pass through to our own listener" in said
