"""One association per address, also towards other processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.history import SeatLocks
from pacs_monitor.model import Address
from tests.peers.ports import wait_until

HOLDS = """
import sys
from pacs_monitor.history import SeatLocks
from pacs_monitor.model import Address
locks = SeatLocks(sys.argv[1], "east")
assert locks.take(Address("10.0.0.1", 104)) and locks.announce()
print("holds", flush=True)
sys.stdin.read()
"""
HERE, THERE = Address("10.0.0.1", 104), Address("10.0.0.1", 105)


@pytest.mark.parametrize("database", ["sqlite:///{}/x.db", "postgresql+psycopg://nobody@127.0.0.1:1/x"])
def test_another_process_has_an_address_until_it_ends_however_it_ends(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    url = database.format(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "holds\n"
        with closing(SeatLocks(url, "east")) as locks, closing(SeatLocks(f"{url}2", "east")) as elsewhere:
            assert not locks.take(HERE)
            assert locks.take(THERE)
            assert locks.daemon_runs()
            assert not locks.announce()
            assert elsewhere.take(HERE)
            assert not elsewhere.daemon_runs()
            other.kill()
            wait_until(lambda: locks.take(HERE), "the address is free")
            assert not locks.daemon_runs()
            assert locks.announce()


def test_a_database_is_the_same_by_whatever_link_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "x.db")
    closing(SeatLocks(f"sqlite:///{tmp_path}/link.db", "east")).__exit__(None, None, None)
    assert [path.name for path in tmp_path.glob("*.seats")] == ["x.db.seats"]
