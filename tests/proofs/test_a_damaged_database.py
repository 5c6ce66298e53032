"""A part of the database is damaged: people are told, and probing and paging go on."""

from __future__ import annotations

from pathlib import Path

from tests.history.test_integrity import scribble
from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until


def test_damage_is_told_and_a_node_that_dies_then_is_paged(tmp_path: Path) -> None:
    listen = free_port()
    with Receiver() as pager, Switchable() as peer:
        nodes = (
            f"  archive: {{host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        )
        config = write_estate(tmp_path, listen, nodes, pager=pager.url, secret=SECRET)
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            assert daemon.stop() == 0
            scribble(tmp_path / "proof.db")
            daemon.start()
            (damaged,) = pager.wait_for(1, timeout=90)  # looked for 10 s after the start, decided within 30 s
            metrics = daemon.metrics()
            wait_for_state(daemon, "up")
            peer.down()
            _, dead = pager.wait_for(2, timeout=60)
            wait_until(lambda: "the database is damaged" in daemon.log.read_text(), "the log says so")
            assert daemon.stop() == 0
    assert (damaged.type, damaged.data["kind"]) == ("incident.opened", "fault")
    assert "Look after the monitor's database" in damaged.data["summary"]
    assert "\npacs_history_damaged 1.0\n" in metrics
    assert (dead.type, dead.data["node"], dead.data["reason"]) == ("incident.opened", "archive", "tcp_refused")
