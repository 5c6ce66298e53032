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


def pages(pager: Receiver, count: int) -> list[Received]:
    """What has rung, as soon as it is so much: `changed` does so only if it is worse."""

    def rung() -> list[Received]:
        return [post for post in pager.accepted if post.type != "incident.changed" or post.data["worse"]]

    pager.wait(lambda _: len(rung()) >= count)
    return rung()


def checks_of(page: Received) -> set[str]:
    return {member.partition("/")[2] for member in page.data["members"]}


def test_dead_it_is_one_page_full_it_is_one_that_says_so_and_both_at_once_are_two(tmp_path: Path) -> None:
    with proof(tmp_path) as (archive, daemon, pager, disk):
        archive.orthanc.kill()
        shows(daemon, dict.fromkeys(DEAD, "down") | {"disk": "up"})
        archive.start()
        shows(daemon, dict.fromkeys(CHECKS, "up"))
        pages(pager, 2)

        with filled(disk):
            shows(daemon, dict.fromkeys(FULL, "down") | {"dicom_echo": "up"})
            pages(pager, 3)
        shows(daemon, dict.fromkeys(CHECKS, "up"))
        pages(pager, 4)

        with filled(disk):
            archive.orthanc.kill()
            shows(daemon, dict.fromkeys(CHECKS - {"dicom_store"}, "down"))
            pages(pager, 6)
        archive.start()
        shows(daemon, dict.fromkeys(CHECKS, "up"))
        pages(pager, 8)
        time.sleep(SETTLES)
        dead, no_more, full, roomy, *both = pages(pager, 8)

    assert (dead.type, dead.data["reason"]) == ("incident.opened", "tcp_refused")
    assert (no_more.type, no_more.key, checks_of(no_more)) == ("incident.resolved", dead.key, DEAD)

    assert full.type == "incident.opened"
    assert full.data["reason"] in ("out_of_resources", "over_limit")
    assert "archive/dicom_echo" in full.data["still_ok"]
    assert full.data["summary"].startswith("Main archive")
    assert "still work" in full.data["summary"]
    assert (roomy.type, roomy.key, checks_of(roomy)) == ("incident.resolved", full.key, FULL)

    assert [page.type for page in both] == ["incident.opened"] * 2 + ["incident.resolved"] * 2
    assert {page.data["reason"] for page in both[:2]} == {"tcp_refused", "over_limit"}
    assert {page.key for page in both[:2]} == {page.key for page in both[2:]}
