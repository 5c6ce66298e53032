"""What the daemon says of a channel that refuses, and how it is set right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.timing import wait_until

CONFIG = """monitor: {{name: east, listen: '127.0.0.1:{listen}', database: 'sqlite:///east.db', paging: on}}
defaults: {{interval: 1s, retry_interval: 300ms, failures: 1, page_after: 0s}}
channels:
  pager: {{type: webhook, url: '{url}', secret: '{secret}', headers: {{Authorization: 'Bearer {token}'}}}}
default_route: {{channels: [pager]}}
nodes:
  dead: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}
"""


def test_a_wrong_token_that_a_reload_corrects_costs_no_page(tmp_path: Path, attack: Attacked) -> None:
    config, listen, dead = tmp_path / "monitor.yaml", free_port(), free_port()
    with Receiver() as pager:
        pager.wants = "Bearer right"

        def write(token: str) -> None:
            values: dict[str, Any] = {"listen": listen, "url": pager.url, "secret": SECRET, "port": dead}
            config.write_text(CONFIG.format(token=token, **values))

        write("wrong")
        with RunningDaemon(config, listen) as daemon:
            pager.wait(lambda receiver: len(receiver.posts) >= 3)
            (row,) = daemon.get("/api/v1/notifications")
            assert row["status"] == "pending"
            refused = daemon.post("/api/v1/channels/pager/test")
            assert (refused["delivered"], refused["reason"]) == (False, "http_401")
            write("right")
            daemon.hang_up()
            (opened,) = pager.wait_for(1)
            assert opened.type == "incident.opened"
            assert 'pacs_channel_circuit_open{channel="pager"} 0.0' in daemon.metrics()
            (channel,) = daemon.get("/api/v1/status")["channels"]
            assert (channel["channel"], channel["works"], channel["stuck"]) == ("pager", True, [])
            wait_until(lambda: daemon.get("/api/v1/status")["channels"][0]["pending"] == 0, "all is delivered")
            assert daemon.post("/api/v1/channels/pager/test")["delivered"]
            assert daemon.stop() == 0
    assert [post.type for post in pager.accepted] == ["incident.opened", "test"]
    attack("token", "retried, and delivered at once after the reload")
