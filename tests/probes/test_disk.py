from __future__ import annotations

import json
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import MOST, DiskSettings
from pacs_monitor.systems.local import LocalSettings
from pacs_monitor.systems.node_exporter import NodeExporterSettings
from pacs_monitor.systems.orthanc import OrthancSettings
from pacs_monitor.systems.shared.trend import KEY
from tests.peers.node_exporter import NodeExporter
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.replayed import replayed
from tests.peers.volume import tmpfs
from tests.probes.support import Arranged, Peers
from tests.support.clock import SettableClock
from tests.support.probing import ask

DISK = kinds()["disk"]
NEVER_FULL: dict[str, Any] = {"warn": "100%", "fail": "100%", "inodes_warn": "100%", "inodes_fail": "100%"}


def exporter_at(port: int, **settings: Any) -> Arranged:
    block = NodeExporterSettings(url=f"http://127.0.0.1:{port}", pseudo=True)
    return Node("server", systems={"node_exporter": block}), DiskSettings(source="node_exporter", **settings)


def local(*mounts: Path | str, **settings: Any) -> Arranged:
    block = LocalSettings(mounts=[str(mount) for mount in mounts])
    wanted = {"volumes": [str(mount) for mount in mounts], **settings}
    return Node("monitor", systems={"local": block}), DiskSettings(source="local", **wanted)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with NodeExporter(folder) as exporter:
        yield exporter_at(exporter.port, volumes="/", **NEVER_FULL)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield exporter_at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with replayed({}, how="silent") as peer:
        yield exporter_at(peer.port)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with tmpfs(folder, "size=1m") as mount:
        (mount / "a").write_bytes(b"x" * 850_000)
        yield local(mount)


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder) as peer:  # it sets no limit to its storage
        yield Node("archive", systems={"orthanc": OrthancSettings(url=peer.url)}), DiskSettings(source="orthanc")


PEERS = Peers(working, refusing, hanging, warning, blind)


def value(outcome: Outcome, name: str) -> float:
    (found,) = [m.value for m in outcome.measurements if m.name == name]
    return found


async def test_a_volume_with_room_is_ok_and_measured(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m,nr_inodes=100") as mount:
        (mount / "a").write_bytes(b"x" * 300_000)
        outcome = await ask(DISK, *local(mount))
    assert outcome.status is Status.OK
    assert value(outcome, "disk_used_bytes") + value(outcome, "disk_free_bytes") == 1 << 20
    assert 0.28 < value(outcome, "disk_used_ratio") < 0.32
    assert value(outcome, "disk_inodes_free") < 100


@pytest.mark.parametrize(("size", "status"), [(850_000, Status.WARN), (1_000_000, Status.FAIL)])
async def test_a_volume_that_fills_warns_then_fails(size: int, status: Status, tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m") as mount:
        (mount / "a").write_bytes(b"x" * size)
        outcome = await ask(DISK, *local(mount))
    assert (outcome.status, outcome.reason) == (status, Reason.OVER_LIMIT)
    assert "used, the limit is" in outcome.detail


async def test_too_little_room_in_bytes_fails_whatever_the_percentage(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m") as mount:
        outcome = await ask(DISK, *local(mount, free_fail="2MB"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert outcome.detail.endswith("has 1.05 MB free, less than 2 MB")


async def test_a_volume_without_inodes_fails_with_bytes_free(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m,nr_inodes=10") as mount:
        for name in range(9):
            (mount / str(name)).touch()
        outcome = await ask(DISK, *local(mount))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert "inodes are 100 % used" in outcome.detail


async def test_a_volume_that_turned_read_only_fails_unless_it_is_meant_to_be(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m,ro") as mount:
        fails = await ask(DISK, *local(mount))
        meant = await ask(DISK, *local(mount, read_only=True))
    assert (fails.status, fails.reason) == (Status.FAIL, Reason.OUT_OF_RESOURCES)
    assert "is read-only" in fails.detail
    assert meant.status is Status.OK


async def test_what_is_not_mounted_any_more_is_missing(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m") as mount:
        arranged = local(mount)
        assert (await ask(DISK, *arranged)).status is Status.OK
    outcome = await ask(DISK, *arranged)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)
    assert str(mount) in outcome.detail


async def test_node_exporter_tells_the_same_as_the_machine_itself(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m") as mount, NodeExporter(tmp_path) as exporter:
        (mount / "a").write_bytes(b"x" * 850_000)
        seen = await ask(DISK, *exporter_at(exporter.port, volumes=str(mount)))
        ours = await ask(DISK, *local(mount))
    assert seen.status is ours.status is Status.WARN
    assert value(seen, "disk_free_bytes") == value(ours, "disk_free_bytes")


async def test_an_orthanc_whose_storage_fills_fails_at_its_own_limit(tmp_path: Path) -> None:
    with Orthanc(tmp_path) as peer:
        node, settings = Node("archive"), DiskSettings(source="orthanc", volumes="storage")
        roomy = replace(node, systems={"orthanc": OrthancSettings(url=peer.url, maximum_storage="1MB")})
        tight = replace(node, systems={"orthanc": OrthancSettings(url=peer.url, maximum_storage="500B")})
        limitless = replace(node, systems={"orthanc": OrthancSettings(url=peer.url)})
        tags = {"PatientID": "ZZTEST", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}
        requests.post(f"{peer.url}/tools/create-dicom", json={"Tags": tags}, timeout=20)
        outcomes = [await ask(DISK, node, settings) for node in (roomy, tight, limitless)]
    assert [outcome.status for outcome in outcomes] == [Status.OK, Status.FAIL, Status.UNKNOWN]
    assert [outcome.reason for outcome in outcomes] == [None, Reason.OVER_LIMIT, Reason.NOT_CONFIGURED]
    assert "set maximum_storage" in outcomes[2].detail


async def test_a_real_orthanc_that_has_filled_its_disk_is_seen_from_the_machine(tmp_path: Path) -> None:
    tags = {"PatientID": "ZZTEST", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "PatientComments": "x" * 10_000}
    with tmpfs(tmp_path, "size=600k") as mount, Orthanc(tmp_path, StorageDirectory=str(mount)) as peer:
        url = f"{peer.url}/tools/create-dicom"
        answers = [requests.post(url, json={"Tags": tags}, timeout=20).status_code for _ in range(70)]
        outcome = await ask(DISK, *local(mount))
    assert (answers[0], answers[-1]) == (200, 500)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.OVER_LIMIT)


async def test_newer_orthancs_tell_their_limit_in_mebibytes() -> None:
    """A fake that replays the answers of 1.12."""
    answers = {
        "/system": {"MaximumStorageSize": 2, "MaximumStorageMode": "Reject"},
        "/statistics": {"TotalDiskSize": "1048576"},
    }
    async with replayed(answers) as peer:
        node = Node("archive", systems={"orthanc": OrthancSettings(url=peer.url)})
        outcome = await ask(DISK, node, DiskSettings(source="orthanc"))
    assert (outcome.status, value(outcome, "disk_free_bytes")) == (Status.OK, 1 << 20)


class Filler:
    """Writes into a real volume of 8 MB and asks the real probe, five minutes of its clock apart."""

    SIZE = 8 << 20
    STEP = 300

    def __init__(self, mount: Path, **settings: Any) -> None:
        self.arranged = local(mount, **NEVER_FULL, **settings)
        self.path, self.clock, self.memory = mount / "images", SettableClock(), dict[str, Any]()

    async def fill(self, *sizes: float) -> Outcome:
        """One step after the other, each a share of the volume more; the last answer."""
        for size in sizes:
            with self.path.open("ab") as file:
                file.write(b"x" * round(size * self.SIZE))
            self.clock.set_by(self.STEP)
            outcome = await ask(DISK, *self.arranged, memory=self.memory, clock=self.clock)
            self.memory = json.loads(json.dumps(self.memory))
        return outcome


@asynccontextmanager
async def filler(folder: Path, **settings: Any) -> AsyncIterator[Filler]:
    with tmpfs(folder, f"size={Filler.SIZE}") as mount:
        yield Filler(mount, **settings)


async def test_a_real_volume_that_fills_steadily_is_predicted_and_warns_and_never_fails(tmp_path: Path) -> None:
    """Full in eight hours."""
    async with filler(tmp_path, full_within="2h") as volume:
        early = await volume.fill(*[1 / 96] * 68)
        later = await volume.fill(*[1 / 96] * 16)
        unasked = await ask(DISK, *local(volume.path.parent, **NEVER_FULL), memory=volume.memory, clock=volume.clock)
        full = await volume.fill(*[1 / 97] * 11)
    assert early.status is Status.OK
    assert value(early, "disk_full_in_seconds") == pytest.approx(28 / 12 * 3600, rel=0.05)
    assert (later.status, later.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert value(later, "disk_full_in_seconds") == pytest.approx(3600, rel=0.05)
    assert re.search(r" will be full in [0-9.]+ (h|min) at its present rate$", later.detail)
    assert (unasked.status, full.status) == (Status.OK, Status.WARN)


async def test_a_real_volume_that_fills_in_bursts_is_predicted_an_hour_ahead(tmp_path: Path) -> None:
    """Every half hour ten minutes of writing; full in twelve hours."""
    async with filler(tmp_path, full_within="2h") as volume:
        outcome = await volume.fill(*[1 / 48, 1 / 48, 0, 0, 0, 0] * 22)
    assert outcome.status is Status.WARN
    assert value(outcome, "disk_full_in_seconds") == pytest.approx(3600, abs=1800)


async def test_a_real_volume_that_was_cleaned_is_silent_and_is_predicted_again_when_it_goes_on(tmp_path: Path) -> None:
    async with filler(tmp_path, full_within="2h") as volume:
        before = await volume.fill(*[1 / 96] * 84)
        os.truncate(volume.path, volume.SIZE // 2)
        after = [await volume.fill(1 / 96) for _ in range(22)]
        again = await volume.fill(*[1 / 96] * 14)
    assert before.status is Status.WARN
    assert {outcome.status for outcome in after} == {Status.OK}
    assert not any(m.name == "disk_full_in_seconds" for outcome in after for m in outcome.measurements)
    assert again.status is Status.WARN
    assert value(again, "disk_full_in_seconds") == pytest.approx(3600, rel=0.05)


async def test_a_little_that_is_deleted_again_and_again_does_not_silence_the_forecast(tmp_path: Path) -> None:
    """A log of 3 % of the volume that is rotated every hour."""
    async with filler(tmp_path, full_within="2h") as volume:
        log = volume.path.with_name("log")
        for minute in range(0, 7 * 60, 5):
            log.write_bytes(b"x" * round(0.03 * volume.SIZE * (minute % 60) / 60))
            outcome = await volume.fill(1 / 99)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert value(outcome, "disk_full_in_seconds") == pytest.approx(3600, rel=0.35)


async def test_what_is_remembered_is_little_and_outlasts_a_volume_that_is_away_for_less_than_a_day(
    tmp_path: Path,
) -> None:
    async with filler(tmp_path) as volume:
        await volume.fill(*[0] * 300)
        mount = str(volume.path.parent)
        assert list(volume.memory[KEY]) == [mount]
        assert len(json.dumps(volume.memory)) < 3000
        other = local("/", **NEVER_FULL)
        volume.clock.set_by(80_000)
        await ask(DISK, *other, memory=volume.memory, clock=volume.clock)
        assert list(volume.memory[KEY]) == ["/", mount]
        volume.clock.set_by(7_000)
        await ask(DISK, *other, memory=volume.memory, clock=volume.clock)
        await ask(DISK, *other, memory=volume.memory, clock=volume.clock)
        assert list(volume.memory[KEY]) == ["/"]


async def test_a_monitor_that_was_off_for_more_than_a_day_still_knows_how_a_volume_filled(tmp_path: Path) -> None:
    """Full in 100 hours; nobody looked on from the 30th to the 56th."""
    async with filler(tmp_path) as volume:
        volume.STEP = 3600
        await volume.fill(*[1 / 100] * 30)
        volume.clock.set_by(25 * 3600)
        outcome = await volume.fill(26 / 100)
    assert value(outcome, "disk_full_in_seconds") == pytest.approx(44 * 3600, rel=0.05)


async def test_of_many_volumes_those_that_are_there_are_remembered(tmp_path: Path) -> None:
    now = time.time() // 1
    memory: dict[str, Any] = {KEY: {f"/{number}": [[now - 60, 1]] for number in range(MOST)}}
    with tmpfs(tmp_path, "size=1m") as mount:
        await ask(DISK, *local(mount), memory=memory)
    assert (next(iter(memory[KEY])), len(memory[KEY])) == (str(mount), MOST)


async def test_a_node_without_the_block_is_told_what_to_write() -> None:
    outcome = await ask(DISK, Node("server"), DiskSettings(source="node_exporter"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert outcome.detail == "add node_exporter: {url: …} to node server: this check needs it"


def test_a_source_that_does_not_exist_or_tells_no_volumes_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"is not a source of volumes; use one of: .*local"):
        DiskSettings(source="floppy")
