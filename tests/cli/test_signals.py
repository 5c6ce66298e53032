"""Signals: SIGHUP reloads, SIGTERM ends cleanly and in time, whatever hangs."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.estates import write_estate
from tests.support.timing import wait_until


def silent(port: int, name: str = "archive") -> str:
    return f"  {name}: {{host: 127.0.0.1, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"


def test_sighup_withdraws_the_incident_of_a_node_that_is_gone_wherever_it_was_told(tmp_path: Path) -> None:
    listen = free_port()
    with Receiver() as pager:
        nodes = silent(free_port()) + silent(free_port(), "other")
        config = write_estate(tmp_path, listen, nodes, pager=pager.url, secret=SECRET)
        with RunningDaemon(config, listen) as daemon:
            pager.wait_for(2)
            config.write_text(config.read_text().replace(silent(0).split("{host")[0], "  elsewhere: ", 1))
            daemon.hang_up()
            pager.wait(lambda pager: any(post.type == "incident.withdrawn" for post in pager.accepted))
            wait_until(lambda: 'node="archive"' not in daemon.metrics(), "the node has left the metrics")
            assert daemon.stop() == 0

    (withdrawn,) = (post for post in pager.accepted if post.type == "incident.withdrawn")
    (opened,) = (post for post in pager.accepted if post.type == "incident.opened" and post.data["node"] == "archive")
    assert withdrawn.key == opened.key


def test_sighup_with_a_bad_file_keeps_the_old_estate_and_says_why_in_the_log(tmp_path: Path) -> None:
    listen = free_port()
    config = write_estate(tmp_path, listen, silent(free_port()))
    with RunningDaemon(config, listen) as daemon:
        config.write_text(config.read_text().replace("dicom_echo", "dicom_ecoh"))
        daemon.hang_up()
        wait_until(lambda: "dicom_ecoh" in daemon.log.read_text(), "the log says why")
        assert daemon.get("/api/v1/status")["nodes"][0]["node"] == "archive"
        assert daemon.stop() == 0


def test_sigterm_ends_within_ten_seconds_while_probes_hang_and_a_receiver_trickles(tmp_path: Path) -> None:
    listen = free_port()
    with Receiver() as pager, socket.create_server(("127.0.0.1", 0)) as hangs:
        pager.answers.clear()
        nodes = silent(free_port()) + silent(hangs.getsockname()[1], "hangs")
        timing = "interval: 500ms, timeout: 60s, failures: 1, recoveries: 1, page_after: 0s"
        config = write_estate(tmp_path, listen, nodes, pager=pager.url, secret=SECRET, defaults=timing)
        with RunningDaemon(config, listen) as daemon:
            wait_until(lambda: bool(daemon.get("/api/v1/notifications")), "a page is owed")
            wait_until(lambda: "pacs_runs_in_progress 1.0" in daemon.metrics(), "a probe hangs")
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 10
