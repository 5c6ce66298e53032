"""Orthanc on a full disk: it answers every C-ECHO, refuses every C-STORE, and recovers when there is space."""

from __future__ import annotations

import time
from pathlib import Path

from tests.peers.daemon import RunningDaemon
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.volume import filled, tmpfs
from tests.support.estates import write_estate
from tests.support.timing import wait_until


def test_echo_stays_up_while_store_goes_down_and_the_page_says_both(tmp_path: Path) -> None:
    listen = free_port()
    with (
        tmpfs(tmp_path, "size=6m") as small_disk,
        Receiver() as pager,
        Orthanc(
            tmp_path,
            StorageDirectory=str(small_disk),
            IndexDirectory=str(tmp_path / "index"),
            DicomModalities={"us": ["PACSMON", "127.0.0.1", 104]},
        ) as orthanc,
    ):
        config = write_estate(
            tmp_path,
            listen,
            "  archive:\n"
            "    title: Main archive\n"
            "    host: 127.0.0.1\n"
            f"    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}\n"
            f"    orthanc: {{url: '{orthanc.url}'}}\n"
            "    checks:\n"
            "      dicom_echo: {interval: 1s}\n"
            "      dicom_store: {severity: critical, enabled_by: proof, cleanup: orthanc, interval: 5s,"
            " retry_interval: 5s, timeout: 5s}\n",
            pager=pager.url,
            secret=SECRET,
        )
        with RunningDaemon(config, listen) as daemon:
            wait_until(lambda: states(daemon) == {"dicom_echo": "up", "dicom_store": "up"}, "both up")
            with filled(small_disk):
                (opened,) = pager.wait_for(1)
                assert states(daemon) == {"dicom_echo": "up", "dicom_store": "down"}
            _, resolved = pager.wait_for(2)
            assert daemon.stop() == 0

    told = opened.data
    assert (told["check"], told["reason"], told["blame"]) == ("dicom_store", "out_of_resources", "node")
    assert told["still_ok"] == ["archive/dicom_echo"]
    assert "0xA700" in told["detail"]
    assert told["summary"].startswith("Main archive ")
    assert (resolved.type, resolved.key) == ("incident.resolved", opened.key)


def states(daemon: RunningDaemon) -> dict[str, str]:
    (node,) = daemon.get("/api/v1/status")["nodes"]
    time.sleep(0.1)
    return {check["check"]: check["state"] for check in node["checks"]}
