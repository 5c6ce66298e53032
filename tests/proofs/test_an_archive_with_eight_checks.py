"""One Orthanc, eight checks: dead it is one page, with a full disk another, and with both at once two."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.daemon import RunningDaemon
from tests.peers.node_exporter import NodeExporter
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Received, Receiver
from tests.peers.volume import filled, tmpfs
from tests.support.estates import write_estate
from tests.support.timing import wait_until

CHECKS = {"dicom_echo", "dicom_store", "dicom_find", "dicomweb", "queue", "http", "tcp", "disk"}
DEAD = CHECKS - {"disk"}
"""What fails when Orthanc is dead; the disk is asked of a node_exporter, which is not."""
FULL = {"dicom_store", "disk"}
SETTLES = 2.0
"""Seconds in which anything that would still be sent is sent."""


def estate(folder: Path, listen: int, pager: str, orthanc: Orthanc, exporter: NodeExporter, disk: Path) -> Path:
    return write_estate(
        folder,
        listen,
        "  archive:\n"
        "    title: Main archive\n"
        "    host: 127.0.0.1\n"
        f"    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}\n"
        f"    orthanc: {{url: '{orthanc.url}'}}\n"
        f"    node_exporter: {{url: '{exporter.url}', pseudo: true}}\n"
        "    checks:\n"
        "      dicom_echo:\n"
        "      dicom_store: {enabled_by: proof, cleanup: orthanc, interval: 5s, failures: 1, timeout: 5s}\n"
        "      dicom_find:\n"
        f"      dicomweb: {{url: '{orthanc.url}/dicom-web'}}\n"
        "      queue: {source: orthanc}\n"
        f"      http: {{url: '{orthanc.url}/system'}}\n"
        f"      tcp: {{port: {orthanc.http_port}}}\n"
        f"      disk: {{source: node_exporter, volumes: {disk}}}\n",
        pager=pager,
        secret=SECRET,
        defaults="interval: 300ms, retry_interval: 200ms, timeout: 5s, failures: 2, recoveries: 1, page_after: 1s",
    )


class Archive:
    """Orthanc on a small disk of its own."""

    def __init__(self, folder: Path, disk: Path) -> None:
        self._folder, self._disk = folder, disk
        self._dicom, self._http = free_port(), free_port()
        self.orthanc = self.start()

    def start(self) -> Orthanc:
        self.orthanc = Orthanc(
            self._folder,
            dicom_port=self._dicom,
            http_port=self._http,
            StorageDirectory=str(self._disk),
            IndexDirectory=str(self._folder / "index"),
            DicomModalities={"us": ["PACSMON", "127.0.0.1", 104]},
            Plugins=[DICOMWEB],
        )
        return self.orthanc


@contextmanager
def proof(folder: Path) -> Iterator[tuple[Archive, RunningDaemon, Receiver, Path]]:
    listen = free_port()
    with tmpfs(folder, "size=6m") as disk, Receiver() as pager, NodeExporter(folder) as exporter:
        archive = Archive(folder, disk)
        try:
            config = estate(folder, listen, pager.url, archive.orthanc, exporter, disk)
            with RunningDaemon(config, listen) as daemon:
                shows(daemon, dict.fromkeys(CHECKS, "up"))
                yield archive, daemon, pager, disk
                assert daemon.stop() == 0
        finally:
            archive.orthanc.stop()
        assert not pager.bad


def states(daemon: RunningDaemon) -> dict[str, str]:
    (node,) = daemon.get("/api/v1/status")["nodes"]
    return {check["check"]: check["state"] for check in node["checks"]}


def shows(daemon: RunningDaemon, wanted: dict[str, str]) -> None:
    wait_until(lambda: wanted.items() <= states(daemon).items(), f"{wanted}, not {states(daemon)}")


def pages(pager: Receiver) -> list[Received]:
    """What rings: `changed` does so only if it is worse."""
    return [post for post in pager.accepted if post.type != "incident.changed" or post.data["worse"]]


def test_dead_it_is_one_page_full_it_is_one_that_says_so_and_both_at_once_are_two(tmp_path: Path) -> None:
    with proof(tmp_path) as (archive, daemon, pager, disk):
        archive.orthanc.kill()
        shows(daemon, dict.fromkeys(DEAD, "down") | {"disk": "up"})
        archive.start()
        shows(daemon, dict.fromkeys(CHECKS, "up"))
        pager.wait(lambda _: len(pages(pager)) == 2)
        time.sleep(SETTLES)
        dead = pages(pager)

        with filled(disk):
            shows(daemon, dict.fromkeys(FULL, "down") | {"dicom_echo": "up"})
            time.sleep(SETTLES)
        shows(daemon, dict.fromkeys(CHECKS, "up"))
        pager.wait(lambda _: len(pages(pager)) == 4)
        time.sleep(SETTLES)
        full = pages(pager)[2:]

        with filled(disk):
            archive.orthanc.kill()
            shows(daemon, dict.fromkeys(CHECKS - {"dicom_store"}, "down"))
            time.sleep(SETTLES)
            both = pages(pager)[4:]
        archive.start()
        shows(daemon, dict.fromkeys(CHECKS, "up"))
        pager.wait(lambda _: len(pages(pager)) == 8)

    assert [post.type for post in dead] == ["incident.opened", "incident.resolved"]
    assert dead[0].key == dead[1].key
    assert {member.partition("/")[2] for member in dead[1].data["members"]} == DEAD
    assert dead[0].data["reason"] == "tcp_refused"

    assert [post.type for post in full] == ["incident.opened", "incident.resolved"]
    assert {member.partition("/")[2] for member in full[1].data["members"]} == FULL
    assert full[0].data["reason"] in ("out_of_resources", "over_limit")
    assert "archive/dicom_echo" in full[0].data["still_ok"]
    assert full[0].data["summary"].startswith("Main archive")
    assert "still answer" in full[0].data["summary"]

    assert [post.type for post in both] == ["incident.opened"] * 2
    assert {post.data["reason"] for post in both} == {"tcp_refused", "over_limit"}
    ended = pages(pager)[6:]
    assert sorted(post.key for post in ended) == sorted(post.key for post in both)
    assert [post.type for post in ended] == ["incident.resolved"] * 2
