"""A reload that comes while the daemon starts or ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from pacs_monitor.config import ConfigError, canonical, load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import CheckId
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.support.estates import write_estate
from tests.support.timing import wait_until
from tests.web.conftest import nodes


async def test_a_reload_that_the_end_overtakes_begins_nothing_anew(tmp_path: Path) -> None:
    daemon = await Daemon.open(load(write_estate(tmp_path, 0, nodes(free_port()))))
    await daemon.start()
    reload = asyncio.ensure_future(daemon.reload("a test"))
    await asyncio.sleep(0)
    await daemon.stop()
    await asyncio.gather(reload, return_exceptions=True)

    assert daemon.engine.next_due(CheckId("archive", "dicom_echo")) is None


def test_a_hang_up_while_the_daemon_starts_is_heard_and_does_not_end_it(tmp_path: Path) -> None:
    listen = free_port()
    daemon = RunningDaemon(write_estate(tmp_path, listen, nodes(free_port())), listen)
    with daemon:
        assert daemon.stop() == 0
        lease = tmp_path / "proof.db.proof.lock"
        lease.unlink()
        with contextlib.closing(sqlite3.connect(tmp_path / "proof.db", isolation_level=None)) as blocking:
            blocking.execute("BEGIN IMMEDIATE")
            daemon.start(ready=False)
            wait_until(lease.exists, "the daemon is about to write to its history")
            daemon.hang_up()
        wait_until(lambda: "reloaded" in daemon.log.read_text(), "the file is read again")
        assert daemon.stop() == 0


async def test_the_configuration_is_on_record_whole_at_the_start_and_after_a_reload(tmp_path: Path) -> None:
    file = write_estate(tmp_path, 0, nodes(free_port()))
    daemon = await Daemon.open(load(file))
    await daemon.start()
    first = await daemon.history.read(lambda reader: reader.configuration())
    file.write_text(f"{file.read_text()}\n# another file that says the same\n")
    await daemon.reload("a test")
    second = await daemon.history.read(lambda reader: reader.configuration())
    await daemon.stop()
    assert first == second == json.loads(canonical(load(file)))
    with contextlib.closing(sqlite3.connect(tmp_path / "proof.db")) as record:
        assert record.execute("SELECT count(*) FROM revisions WHERE content IS NOT NULL").fetchone() == (2,)


async def test_what_a_reload_brings_into_force_is_told_and_nothing_else(tmp_path: Path) -> None:
    file = write_estate(tmp_path, 0, nodes(free_port()))
    daemon = await Daemon.open(load(file))
    await daemon.start()
    told: list[str] = []
    daemon.taken_over = lambda: told.append(daemon.estate.revision)
    good = file.read_text()
    file.write_text("nodes: nonsense")
    with pytest.raises(ConfigError):
        await daemon.reload("a test")
    assert told == []

    file.write_text(good.replace("paging: on", "paging: off"))
    await daemon.reload("a test")
    await daemon.stop()
    assert told == [load(file).revision]
