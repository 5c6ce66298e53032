"""The file of the database is deleted or replaced while the daemon runs: it says so, and forgets nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from pacs_monitor.history import HistoryReader
from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until


def deleted(database: Path) -> None:
    database.unlink()


def replaced(database: Path) -> None:
    (database.parent / "other").touch()
    (database.parent / "other").replace(database)


@pytest.mark.parametrize("lose", [deleted, pytest.param(replaced, marks=pytest.mark.proof)])
def test_what_was_open_is_resolved_by_the_next_run_and_nobody_is_paged_again(
    tmp_path: Path, lose: Callable[[Path], None], attack: Attacked
) -> None:
    listen = free_port()
    with Receiver() as pager, Switchable() as peer:
        nodes = (
            f"  archive: {{host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        )
        config = write_estate(tmp_path, listen, nodes, pager=pager.url, secret=SECRET)
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            peer.down()
            pager.wait_for(1)
            lose(tmp_path / "proof.db")
            wait_until(lambda: requests.get(f"{daemon.url}/readyz", timeout=10).status_code == 503, "it is not ready")
            kept = tmp_path / "proof.db.proof.unrecorded"
            wait_until(kept.exists, "what is open is kept")
            said = "is gone" if lose is deleted else "was replaced"
            assert f"the database file {tmp_path / 'proof.db'} {said}: move the old file back" in daemon.log.read_text()
            assert daemon.stop() == 0
            for left in ("proof.db-wal", "proof.db-shm"):
                (tmp_path / left).unlink(missing_ok=True)
            daemon.start()
            peer.up()
            pager.wait_for(2)
            assert daemon.stop() == 0
    assert [post.type for post in pager.posts] == ["incident.opened", "incident.resolved"]
    assert len({post.key for post in pager.posts}) == 1
    reader = HistoryReader.open(f"sqlite:///{tmp_path}/proof.db", "proof")
    assert {owed.id for owed in reader.notifications()} == {post.id for post in pager.posts}
    reader.close()
    attack(f"file-{lose.__name__}", "`/readyz` 503; what is open is kept, and resolved by the next run under its key")
