"""One association per address, also towards other processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.history import HistoryError, SeatLocks
from pacs_monitor.history.seatlocks import is_private
from pacs_monitor.model import Address
from tests.support.timing import wait_until

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


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o604])
def test_a_file_that_others_can_open_is_not_locked_where_anybody_may_make_one(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tmp_path.chmod(0o1777)
    url = "postgresql+psycopg://nobody@127.0.0.1:1/x"
    with closing(SeatLocks(url, "east")):
        (file,) = tmp_path.glob("*.seats")
    file.chmod(mode)
    with pytest.raises(HistoryError, match="other users can open it"):
        SeatLocks(url, "east")
    file.chmod(0o600)
    with closing(SeatLocks(url, "east")) as locks:
        assert locks.take(HERE)


def test_only_files_of_this_user_and_of_root_are_nobody_elses(tmp_path: Path) -> None:
    file = tmp_path / "x.seats"
    file.touch(0o600)
    owner = file.stat().st_uid
    assert is_private(file.stat(), owner)
    assert is_private(file.stat(), owner + 1) == (owner == 0)
    root = os.stat_result((0o100600, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    other = os.stat_result((0o100600, 0, 0, 1, 1001, 0, 0, 0, 0, 0))
    assert [is_private(root, 1000), is_private(other, 1000), is_private(other, 0)] == [True, False, False]


def test_where_there_are_no_locks_the_process_goes_on_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    locks = SeatLocks(f"sqlite:///{tmp_path}/x.db", "east")
    file = next(fd for fd in range(3, 1024) if _leads_to(fd, tmp_path / "x.db.seats"))
    os.close(file)
    assert locks.take(HERE)
    assert locks.take(THERE)
    locks.give_back(HERE)
    assert locks.announce()
    assert caplog.text.count("without the locks") == 1
    locks.close()
    assert locks.take(HERE)
    locks.give_back(HERE)


def _leads_to(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False
