"""A disk of the monitor that does not answer, a monitor that does not run: never the downtime of a node."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import requests
from pynetdicom import evt
from pynetdicom.events import Event

from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.scp import scp
from tests.peers.stalling import stalled_disk
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

TIMEOUT = 4
OFTEN = "interval: 6s, retry_interval: 6s"
DEFAULTS = f"{OFTEN}, timeout: {TIMEOUT}s, failures: 1, recoveries: 1, page_after: 0s, severity: critical"
STORES = {
    "dicom_store": f"verify: find, {OFTEN}",
    "dicomweb_store": f"verify: frames, {OFTEN}",
}


@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", STORES)
def test_a_disk_of_ours_that_stands_still_is_no_downtime_of_the_archive(
    tmp_path: Path, kind: str, attack: Attacked
) -> None:
    def stall(daemon: RunningDaemon) -> None:
        with stalled_disk(daemon.pid):
            time.sleep(45)

    seconds = over(tmp_path, kind, stall)
    attack(f"stall-{kind}", f"down 0 s, not measured {seconds:.1f} s, attributable 100 %, no page")


@pytest.mark.proof
def test_a_monitor_that_is_stopped_while_a_node_answers_blames_nobody(tmp_path: Path, attack: Attacked) -> None:
    listen, began, stops = free_port(), datetime.now(UTC), 0

    def stop(_event: Event) -> int:
        """The monitor stands still from before the answer until its own deadline is over."""
        nonlocal stops
        if 0 < stops <= 3:
            daemon.stand_still()
            Timer(TIMEOUT + 1, daemon.go_on).start()
        stops += 1
        time.sleep(0.5)
        return 0x0000

    with Receiver() as pager, scp({evt.EVT_C_ECHO: stop}) as port:
        config = write_estate(
            tmp_path,
            listen,
            "  archive:\n"
            "    host: 127.0.0.1\n"
            f"    dicom: {{port: {port}, ae_title: PEER}}\n"
            "    checks: {dicom_echo: {interval: 2s, retry_interval: 2s}}\n",
            pager=pager.url,
            secret=SECRET,
            defaults=DEFAULTS,
        )
        with RunningDaemon(config, listen) as daemon:
            wait_until(lambda: stops > 4, "stopped three times, and looked at twice more")
            wait_until(lambda: states(daemon) == {"dicom_echo": "up"}, "up again")
            assert daemon.stop() == 0
    seconds = blames_nobody(config, began, pager)
    attack("stall-sigstop", f"down 0 s, not measured {seconds:.1f} s, attributable 100 %, no page")


def over(folder: Path, kind: str, stall: Callable[[RunningDaemon], None]) -> float:
    """A stall of the monitor beside a healthy archive pages nobody and is no downtime; the seconds not measured."""
    listen, began = free_port(), datetime.now(UTC)
    known = {"us": ["PACSMON", "127.0.0.1", 104]}
    with Receiver() as pager, Orthanc(folder, DicomModalities=known, Plugins=[DICOMWEB]) as orthanc:
        where = f"url: '{orthanc.url}/dicom-web', " if kind == "dicomweb_store" else ""
        config = write_estate(
            folder,
            listen,
            "  archive:\n"
            "    host: 127.0.0.1\n"
            f"    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}\n"
            f"    orthanc: {{url: '{orthanc.url}'}}\n"
            "    checks:\n"
            "      dicom_echo: {interval: 1s}\n"
            f"      {kind}: {{{where}enabled_by: proof, cleanup: orthanc, {STORES[kind]}}}\n",
            pager=pager.url,
            secret=SECRET,
            defaults=DEFAULTS,
        )
        with RunningDaemon(config, listen) as daemon:
            wait_until(lambda: states(daemon) == {"dicom_echo": "up", kind: "up"}, "both up")
            stall(daemon)
            wait_until(lambda: states(daemon) == {"dicom_echo": "up", kind: "up"}, "both up again")
            wait_until(lambda: instances(orthanc) == 0, "nothing left in the archive")
            assert daemon.stop() == 0
    return blames_nobody(config, began, pager)


def blames_nobody(config: Path, began: datetime, pager: Receiver) -> float:
    """The seconds for which a check was not measured."""
    went, checks = transitions(config.parent), reported(config, began)["checks"]
    print(went, json.dumps(checks, indent=1))
    assert "not_measured" in {reason for _, after, reason in went if after == "unknown"}
    assert [after for _, after, _ in went if after in ("down", "degraded")] == []
    assert {check["availability_attributable"] for check in checks} == {1.0}
    assert [post.data["summary"] for post in pager.posts] == []
    return sum(float(check["unknown_by_cause"].get("not_measured", 0)) for check in checks)


def states(daemon: RunningDaemon) -> dict[str, str]:
    (node,) = daemon.get("/api/v1/status")["nodes"]
    time.sleep(0.1)
    return {check["check"]: check["state"] for check in node["checks"]}


def instances(orthanc: Orthanc) -> int:
    return len(requests.get(f"{orthanc.url}/instances", timeout=10).json())


def transitions(folder: Path) -> list[tuple[str, str, str | None]]:
    statement = "SELECT c.name, t.after, t.reason FROM transitions t JOIN checks c ON c.id = t.check_id ORDER BY t.id"
    with closing(sqlite3.connect(f"file:{folder / 'proof.db'}?mode=ro", uri=True, timeout=10)) as database:
        return database.execute(statement).fetchall()


def reported(config: Path, began: datetime) -> Any:
    period = f"{began:%Y-%m-%d}..{datetime.now(UTC).date().isoformat()}"
    return json.loads(invoke("report", period, "--format", "json", config=config).stdout)
