"""Restarts of the daemon and of what it watches: nobody is paged twice, and nobody for nothing."""

from __future__ import annotations

import time
from pathlib import Path

from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until


def archive(peer: Switchable) -> str:
    return f"  archive: {{host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"


def test_a_restart_while_a_node_is_down_pages_nobody_again_and_resolves_afterwards(tmp_path: Path) -> None:
    listen = free_port()
    with Receiver() as pager, Switchable() as peer:
        config = write_estate(tmp_path, listen, archive(peer), pager=pager.url, secret=SECRET)
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            peer.down()
            pager.wait_for(1)
            wait_until(lambda: settled(daemon), "the delivery is on record")
            daemon.kill()
            daemon.start()
            wait_for_state(daemon, "down")
            assert daemon.stop() == 0
            daemon.start()
            runs = daemon.check("archive", "dicom_echo")
            while len(runs["recent"]) < 4:
                time.sleep(0.2)
                runs = daemon.check("archive", "dicom_echo")
            peer.up()
            pager.wait_for(2)
            assert daemon.stop() == 0

    assert [post.type for post in pager.posts] == ["incident.opened", "incident.resolved"]
    assert len({post.key for post in pager.posts}) == 1


def test_a_service_that_restarts_within_page_after_pages_nobody_and_is_in_the_record(tmp_path: Path) -> None:
    listen = free_port()
    timing = "interval: 1s, retry_interval: 300ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 60s"
    with Receiver() as pager, Switchable() as peer:
        config = write_estate(tmp_path, listen, archive(peer), pager=pager.url, secret=SECRET, defaults=timing)
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            broke = peer.down()
            wait_for_state(daemon, "down")
            time.sleep(2.0)
            repaired = peer.up()
            wait_for_state(daemon, "up")
            (incident,) = daemon.get("/api/v1/incidents")
            found = daemon.get(f"/api/v1/incidents/{incident['id']}")
            assert daemon.stop() == 0

    assert pager.posts == []
    assert found["ending"] == "resolved"
    assert found["last_good"] <= iso(broke.latest)
    assert iso(broke.earliest) <= found["since"]
    assert iso(repaired.earliest) <= found["ended"]
    assert [row["why"] for row in found["suppressed"]] == ["page_after"]


def settled(daemon: RunningDaemon) -> bool:
    return all(row["status"] == "delivered" for row in daemon.get("/api/v1/notifications"))


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f"{seconds % 1:.6f}"[1:] + "Z"
