"""Store, find, get and clear away, with SIGKILL at bad moments: no test object is ever left behind."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.stores.cleanup import APART
from tests.peers.daemon import RunningDaemon
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.peers.ports import free_port
from tests.support.clock import SettableClock
from tests.support.estates import write_estate
from tests.support.timing import wait_until

EVERY = 5.0
"""Seconds: a node is sent no more than 12 objects a minute, so that a thousand take many nodes, all at one Orthanc."""
WAYS = {
    "dicom_store": ("find", "get"),
    "dicomweb_store": ("find", "frames"),
}
"""How each kind looks for its object, in turns."""


@pytest.mark.parametrize(
    ("stores", "kills", "nodes"),
    [
        pytest.param(6, 1, 6, id="short"),
        pytest.param(1000, 50, 40, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(1800)]),
    ],
)
@pytest.mark.parametrize("kind", WAYS)
def test_whatever_is_killed_when_nothing_is_left(
    tmp_path: Path, kind: str, stores: int, kills: int, nodes: int
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice, listen = random.Random(seed), free_port()
    known = {"us": ["PACSMON", "127.0.0.1", 104]}
    with Orthanc(tmp_path, DicomModalities=known, Plugins=[DICOMWEB]) as orthanc:
        config = estate(tmp_path, listen, orthanc, kind, nodes, EVERY)
        with RunningDaemon(config, listen) as daemon:
            for n in range(kills):
                stored(tmp_path, stores * (n + 1) // (kills + 1))
                await_a_bad_moment(tmp_path, dice)
                daemon.kill()
                daemon.start(ready=False)
            daemon.wait_ready()
            stored(tmp_path, stores)
            wait_until(lambda: daemon.get("/api/v1/status")["counts"]["up"] == nodes, "every store works")
            assert daemon.stop() == 0

            estate(tmp_path, listen, orthanc, kind, nodes, 3600)  # from here on it clears away, and stores no more
            daemon.start()
            wait_until(lambda: instances(orthanc) == [] and unsettled(tmp_path) == 0, "no object left")
            assert daemon.stop() == 0
        asyncio.run(looked_for_again(config, tmp_path))
        assert instances(orthanc) == []
        happened = requests.get(f"{orthanc.url}/changes?last", timeout=10).json()["Last"]
    assert happened >= 2 * (stores - kills)  # each object came, and was deleted


async def looked_for_again(config: Path, folder: Path) -> None:
    """What was never sent leaves the ledger when it is not found a second time: by a clock a minute ahead."""
    clock = SettableClock()
    clock.offset += APART
    daemon = await Daemon.open(load(config), clock)
    await daemon.start()
    try:
        await asyncio.to_thread(wait_until, lambda: count(folder, "test_objects") == 0, "an empty ledger")
    finally:
        await daemon.stop()


def estate(folder: Path, listen: int, orthanc: Orthanc, kind: str, nodes: int, interval: float) -> Path:
    where = f"url: '{orthanc.url}/dicom-web', " if kind == "dicomweb_store" else ""
    common = f"interval: {interval:g}s, retry_interval: {EVERY:g}s, enabled_by: proof, cleanup: orthanc"
    lines = "".join(
        f"  n{n}:\n"
        "    host: 127.0.0.1\n"
        "    max_associations: 4\n"
        f"    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}\n"
        f"    orthanc: {{url: '{orthanc.url}'}}\n"
        f"    checks: {{{kind}: {{{where}{common}, verify: {WAYS[kind][n % 2]}}}}}\n"
        for n in range(nodes)
    )
    return write_estate(folder, listen, lines, paging="off", defaults="timeout: 10s")


def await_a_bad_moment(folder: Path, dice: random.Random) -> None:
    """Some milliseconds after an object was recorded; or any moment."""
    if dice.random() < 0.8:
        wait_until(lambda: count(folder, "test_objects") > 0, "an object under way")
        time.sleep(dice.uniform(0.0, 0.02))
    else:
        time.sleep(dice.uniform(0.0, 1.0))


def stored(folder: Path, number: int) -> None:
    wait_until(lambda: count(folder, "test_stores") >= number, f"{number} stores", 600)


def ask(folder: Path, statement: str) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'proof.db'}?mode=ro", uri=True, timeout=10)) as database:
        number: int = database.execute(statement).fetchone()[0]
        return number


def count(folder: Path, table: str) -> int:
    return ask(folder, f"SELECT count(*) FROM {table}")


def unsettled(folder: Path) -> int:
    """Objects that were not yet looked for in vain."""
    return ask(folder, "SELECT count(*) FROM test_objects WHERE missed IS NULL")


def instances(orthanc: Orthanc) -> list[str]:
    found: list[str] = requests.get(f"{orthanc.url}/instances", timeout=10).json()
    return found
