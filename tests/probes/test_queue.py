from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pacs_monitor.clock import SystemClock
from pacs_monitor.fields import Secret
from pacs_monitor.model import Flag, Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.queue import MOST, QueueSettings
from pacs_monitor.systems.orthanc import OrthancSettings
from pacs_monitor.systems.spool import SpoolSettings
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.replayed import replayed
from tests.peers.user import open_folder, unprivileged
from tests.peers.volume import tmpfs
from tests.probes.support import Arranged, Peers
from tests.support.clock import SettableClock
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON, wait_until

QUEUE = kinds()["queue"]


def orthanc_at(url: str, **settings: Any) -> Arranged:
    return Node("archive", systems={"orthanc": OrthancSettings(url=url)}), QueueSettings(source="orthanc", **settings)


def spool(folder: Path, block: dict[str, Any] | None = None, **settings: Any) -> Arranged:
    systems = {"spool": SpoolSettings(folders={"exports": {"path": str(folder), **(block or {})}})}
    return Node("gateway", systems=systems), QueueSettings(source="spool", **settings)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder) as peer:
        yield orthanc_at(peer.url)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield orthanc_at(f"http://127.0.0.1:{free_port()}")


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with replayed({}, how="silent") as peer:
        yield orthanc_at(peer.url)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    put(folder, "a", "b")
    yield spool(folder, warn=2)


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, AuthenticationEnabled=True, RegisteredUsers={"monitor": "right"}) as peer:
        yield orthanc_at(peer.url)


PEERS = Peers(working, refusing, hanging, warning, blind)


def value(outcome: Outcome, name: str) -> float:
    (found,) = [m.value for m in outcome.measurements if m.name == name]
    return found


async def test_a_job_that_fails_between_two_runs_is_told_for_a_while(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    clock = SettableClock()
    dead = {"dead": ["DEAD", "127.0.0.1", free_port()]}
    with Orthanc(tmp_path, DicomModalities=dead) as peer:
        before = await ask(QUEUE, *orthanc_at(peer.url), memory=memory, clock=clock)
        fail_a_job(peer)
        seen = await ask(QUEUE, *orthanc_at(peer.url), memory=memory, clock=clock)
        clock.set_by(60)
        still = await ask(QUEUE, *orthanc_at(peer.url), memory=json.loads(json.dumps(memory)), clock=clock)
        clock.set_by(940)
        later = await ask(QUEUE, *orthanc_at(peer.url), memory=memory, clock=clock)
    assert before.status is Status.OK
    assert (seen.status, seen.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert seen.detail == "jobs: 1 item failed within 15 min, the limit is 1"
    assert value(seen, "queue_failed") == 1
    assert (still.status, later.status) == (Status.WARN, Status.OK)


async def test_a_restart_of_the_peer_makes_no_new_failure_and_hides_none(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    clock = SettableClock()
    dead = {"dead": ["DEAD", "127.0.0.1", free_port()]}
    statuses = []
    for _ in range(2):
        with Orthanc(tmp_path, DicomModalities=dead) as peer:
            statuses.append((await ask(QUEUE, *orthanc_at(peer.url), memory=memory, clock=clock)).status)
            fail_a_job(peer)
            statuses.append((await ask(QUEUE, *orthanc_at(peer.url), memory=memory, clock=clock)).status)
            clock.set_by(1000)
    assert statuses == [Status.OK, Status.WARN] * 2


def fail_a_job(peer: Orthanc) -> None:
    """Orthanc forwards an instance to a modality that is not there."""
    path = f"{peer.url}/jobs/{forward(peer, 'dead')}"
    wait_until(lambda: requests.get(path, timeout=SOON).json()["State"] == "Failure", "the job failed")


def forward(peer: Orthanc, modality: str) -> str:
    """The job of Orthanc that sends a new instance to a modality."""
    tags = {"PatientID": "ZZTEST", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}
    instance = requests.post(f"{peer.url}/tools/create-dicom", json={"Tags": tags}, timeout=SOON).json()
    job = {"Resources": [instance["ID"]], "Asynchronous": True}
    asked = requests.post(f"{peer.url}/modalities/{modality}/store", json=job, timeout=SOON).json()
    return str(asked["ID"])


async def test_a_backlog_of_a_real_orthanc_is_counted_and_dated(tmp_path: Path) -> None:
    """A modality that accepts connections and never answers, so that the third and fourth job wait."""
    async with replayed({}, how="silent") as silent:
        modalities = {"silent": ["SILENT", "127.0.0.1", silent.port]}
        with Orthanc(tmp_path, DicomModalities=modalities, ConcurrentJobs=1, DicomScuTimeout=100) as peer:
            running = f"{peer.url}/jobs/{forward(peer, 'silent')}"
            wait_until(lambda: requests.get(running, timeout=SOON).json()["State"] == "Running", "the first job runs")
            for _ in range(3):
                forward(peer, "silent")
            outcome = await ask(QUEUE, *orthanc_at(peer.url, warn=2, fail=3))
            old = await ask(QUEUE, *orthanc_at(peer.url, oldest_fail="1ms"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert outcome.detail == "jobs: 3 items waiting, the limit is 3"
    assert value(outcome, "queue_in_progress") == 1
    assert abs(time.time() - value(outcome, "queue_oldest_item_timestamp_seconds")) < SOON
    assert "the oldest item has waited" in old.detail


async def test_a_wrong_password_is_ours_to_mend(tmp_path: Path) -> None:
    with Orthanc(tmp_path, AuthenticationEnabled=True, RegisteredUsers={"monitor": "right"}) as peer:
        blocks = [
            OrthancSettings(url=peer.url, username="monitor", password=Secret(word)) for word in ("right", "wrong")
        ]
        nodes = [Node("archive", systems={"orthanc": block}) for block in blocks]
        right, wrong = [await ask(QUEUE, node, QueueSettings(source="orthanc")) for node in nodes]
    assert right.status is Status.OK
    assert (wrong.status, wrong.reason) == (Status.UNKNOWN, Reason.AUTH)
    assert "wrong" not in wrong.detail


def put(folder: Path, *names: str, age: float = 0.0) -> None:
    for name in names:
        (folder / name).write_bytes(b"x" * 10)
        os.utime(folder / name, (time.time() - age,) * 2)


async def test_a_spool_folder_tells_files_bytes_and_ages(tmp_path: Path) -> None:
    put(tmp_path, "a", age=7200)
    put(tmp_path, "b")
    outcome = await ask(QUEUE, *spool(tmp_path, oldest_warn="30m", oldest_fail="1h"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert outcome.detail == "exports: the oldest item has waited 2 h, the limit is 1 h"
    assert value(outcome, "queue_length") == 2
    assert value(outcome, "queue_bytes") == 20
    assert abs(value(outcome, "queue_newest_item_timestamp_seconds") - time.time()) < SOON


async def test_a_file_that_comes_into_quarantine_is_a_failed_item(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    quarantine = tmp_path / "quarantine"
    quarantine.mkdir()
    put(quarantine, "old")
    arranged = spool(tmp_path, {"quarantine": str(quarantine), "subfolders": True})
    first = await ask(QUEUE, *arranged, memory=memory)
    put(quarantine, "new")
    second = await ask(QUEUE, *arranged, memory=memory)
    assert (first.status, value(first, "queue_length")) == (Status.OK, 0)
    assert (second.status, second.detail) == (Status.WARN, "exports: 1 item failed within 15 min, the limit is 1")


async def test_a_quarantine_that_somebody_tidies_up_is_no_new_failure(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    quarantine = tmp_path / "quarantine"
    quarantine.mkdir()
    put(quarantine, "a", "b", "c")
    arranged = spool(tmp_path, {"quarantine": str(quarantine)})
    before = await ask(QUEUE, *arranged, memory=memory)
    (quarantine / "a").unlink()
    after = await ask(QUEUE, *arranged, memory=memory)
    assert (before.status, after.status, value(after, "queue_failed")) == (Status.OK, Status.OK, 2)


async def test_of_many_queues_all_are_judged_and_some_are_measured(tmp_path: Path) -> None:
    folders = {f"queue {number:02}": {"path": str(tmp_path / f"{number:02}")} for number in range(MOST + 6)}
    for folder in folders.values():
        Path(folder["path"]).mkdir()
    put(tmp_path / f"{MOST + 5}", "a", age=7200)
    node = Node("gateway", systems={"spool": SpoolSettings(folders=folders)})
    outcome = await ask(QUEUE, node, QueueSettings(source="spool", oldest_fail="1h"), timeout=30.0)
    assert outcome.status is Status.FAIL
    assert outcome.detail == f"queue {MOST + 5}: the oldest item has waited 2 h, the limit is 1 h"
    assert sum(m.name == "queue_length" for m in outcome.measurements) == MOST


async def test_only_files_of_the_pattern_count(tmp_path: Path) -> None:
    put(tmp_path, "a.hl7", "b.tmp")
    (tmp_path / "below").mkdir()
    put(tmp_path / "below", "c.hl7")
    flat = await ask(QUEUE, *spool(tmp_path, {"pattern": "*.hl7"}))
    deep = await ask(QUEUE, *spool(tmp_path, {"pattern": "*.hl7", "subfolders": True}))
    assert (value(flat, "queue_length"), value(deep, "queue_length")) == (1, 2)


async def test_links_count_as_files_where_they_lead_to_one(tmp_path: Path) -> None:
    """Not one to itself, one whose end is gone, one through a file, one to a folder."""
    aside = tmp_path / "aside"
    aside.mkdir()
    put(tmp_path, "a")
    for name, target in {
        "itself": "itself",
        "gone": "nothing",
        "through": "a/b",
        "folder": "aside",
        "file": "a",
    }.items():
        (tmp_path / name).symlink_to(target)
    (tmp_path / "there").symlink_to("back")
    (tmp_path / "back").symlink_to("there")
    outcome = await ask(QUEUE, *spool(tmp_path))
    assert (outcome.status, value(outcome, "queue_length")) == (Status.OK, 2)


@pytest.mark.parametrize(
    ("closed", "limit", "expected"),
    [
        ("lost+found", None, (Status.OK, None)),
        ("System Volume Information", None, (Status.OK, None)),
        ("results", None, (Status.UNKNOWN, Reason.NOT_AUTHORISED)),
        ("results", 2, (Status.FAIL, Reason.OVER_LIMIT)),
    ],
)
async def test_a_subfolder_that_may_not_be_listed_hides_nothing_that_is_seen(
    closed: str, limit: int | None, expected: tuple[Status, Reason | None]
) -> None:
    with open_folder() as folder:
        put(folder, "a", "b")
        (folder / closed).mkdir(mode=0)
        with unprivileged():
            outcome = await ask(QUEUE, *spool(folder, {"subfolders": True}, fail=limit))
    assert (outcome.status, outcome.reason) == expected
    assert value(outcome, "queue_length") == 2


async def test_a_link_that_we_may_not_follow_leaves_the_length_unknown() -> None:
    with open_folder() as folder:
        put(folder, "a")
        (folder / "closed").mkdir(mode=0)
        (folder / "link").symlink_to(folder / "closed" / "b")
        with unprivileged():
            outcome = await ask(QUEUE, *spool(folder))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_AUTHORISED)
    assert value(outcome, "queue_length") == 1


async def test_a_spool_folder_that_is_gone_is_missing(tmp_path: Path) -> None:
    outcome = await ask(QUEUE, *spool(tmp_path / "gone"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)


async def test_growth_is_measured_from_as_long_ago_as_it_is_told(tmp_path: Path) -> None:
    memory: dict[str, Any] = {}
    clock = SettableClock()
    arranged = spool(tmp_path, growth_warn=3, growth_within="10m")
    statuses = []
    for n in range(6):
        put(tmp_path, str(n))
        statuses.append((await ask(QUEUE, *arranged, memory=memory, clock=clock)).status)
        clock.set_by(120)
    assert statuses == [Status.OK] * 3 + [Status.WARN] * 3
    clock.set_by(1200)
    assert (await ask(QUEUE, *arranged, memory=memory, clock=clock)).status is Status.OK


JOB = {"ID": "b" * 36, "CreationTime": "20261124T080000.000000", "Content": {"Query": "Mustermann^Erika"}}


async def test_a_queue_with_items_and_nothing_in_progress_is_stale_after_a_while() -> None:
    """A fake that replays Orthanc's answer."""
    memory: dict[str, Any] = {}
    clock = SettableClock()
    async with replayed({"/jobs?expand": [JOB | {"State": "Pending"}]}) as peer:
        arranged = orthanc_at(peer.url)
        at_once = await ask(QUEUE, *arranged, memory=memory, clock=clock)
        clock.set_by(901)
        later = await ask(QUEUE, *arranged, memory=memory, clock=clock)
    assert at_once.status is Status.OK
    assert (later.status, later.reason) == (Status.FAIL, Reason.STALE)
    assert "1 item waiting, and nothing in progress for 15 min" in later.detail


async def test_a_counter_that_was_cleared_counts_from_zero() -> None:
    """A fake that replays Orthanc's metrics, old and new names, with a list of jobs that is too long."""
    memory: dict[str, Any] = {}
    statuses = []
    for name, failed in [("failed", 5), ("failed", 5), ("failed", 0), ("failed", 2), ("total_failed", 2)]:
        metrics = f"orthanc_jobs_pending 7 1\north_other{{\northanc_jobs_running 2 1\northanc_jobs_{name} {failed} 1\n"
        answers = {"/jobs?expand": b" " * (5 << 20), "/tools/metrics-prometheus": metrics.encode()}
        async with replayed(answers) as peer:
            outcome = await ask(QUEUE, *orthanc_at(peer.url, failed_within="1ms"), memory=memory)
        assert (value(outcome, "queue_length"), value(outcome, "queue_failed")) == (7, failed)
        statuses.append(outcome.status)
    assert statuses == [Status.OK, Status.OK, Status.OK, Status.WARN, Status.OK]


async def test_a_queue_that_is_named_and_not_there_is_missing(tmp_path: Path) -> None:
    outcome = await ask(QUEUE, *spool(tmp_path, queues=["exports", "imports"]))
    assert (outcome.status, outcome.reason, outcome.detail) == (
        Status.FAIL,
        Reason.MISSING,
        "queue imports is not there",
    )


class Hurried(SystemClock):
    """The deadline is there when the counting begins, and far when it is over, however fast this machine counts."""

    def __init__(self) -> None:
        self._ahead = iter([SOON])

    def monotonic(self) -> float:
        return super().monotonic() + next(self._ahead, 0.0)


async def test_a_folder_of_200_000_files_is_counted_in_bounded_time_and_memory(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=64m,nr_inodes=210000") as folder:
        for name in range(200_000):
            (folder / str(name)).touch()
        node, settings, *_ = spool(folder)
        outcome = await ask(QUEUE, node, settings, timeout=60.0)
        hasty = await ask(QUEUE, node, settings, clock=Hurried())
        tracemalloc.start()
        await ask(QUEUE, node, settings, timeout=HANGS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (value(outcome, "queue_length"), outcome.flags) == (200_000, ())
    assert (hasty.status, hasty.flags) == (Status.OK, (Flag.CAPPED,))
    assert peak < 1 << 20
