"""After a pause in which perhaps nothing could come, what waits for others begins to wait afresh."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.model import SECOND, Micros, Node, Probe, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.file_age import FileAgeSettings
from pacs_monitor.probes.hl7_feed import Hl7FeedSettings
from pacs_monitor.probes.hl7_heartbeat import Hl7HeartbeatSettings
from pacs_monitor.systems.shared.backlog import Backlog
from tests.peers.mllp import good, mllp
from tests.probes.test_hl7_heartbeat import node_at
from tests.support.probing import A_CHECK, ask
from tests.support.timing import SOON

HOUR = 3600.0


def ago(seconds: float) -> Micros:
    return round((time.time() - seconds) * SECOND)


def waiting(kind: str, folder: Path) -> tuple[Probe, Any]:
    """A check that has two hours, over a folder."""
    if kind == "file_age":
        return kinds()[kind], FileAgeSettings(path=str(folder / "*.hl7"), fail=2 * HOUR)
    return kinds()[kind], Hl7FeedSettings(source="folder", folder=str(folder), within="2h")


@pytest.mark.parametrize("kind", ["hl7_feed", "file_age"])
async def test_silence_counts_from_the_end_of_the_pause(tmp_path: Path, kind: str) -> None:
    probe, settings = waiting(kind, tmp_path)
    (tmp_path / "4711.hl7").write_text("MSH|")
    os.utime(tmp_path / "4711.hl7", (time.time() - 6 * HOUR,) * 2)
    memory: dict[str, Any] = {}
    assert (await ask(probe, Node("ris"), settings, memory=memory)).status is Status.FAIL
    probe.resumed(memory, ago(5 * HOUR), ago(HOUR))
    assert (await ask(probe, Node("ris"), settings, memory=memory)).status is Status.OK


async def test_a_job_that_has_never_reported_is_awaited_afresh() -> None:
    push = kinds()["push"]
    settings = push.settings(within=2 * HOUR)
    memory: dict[str, Any] = {"watched": ago(6 * HOUR)}
    assert (await ask(push, Node("backup"), settings, memory=memory)).reason is Reason.SILENT
    push.resumed(memory, ago(5 * HOUR), ago(HOUR))
    awaited = await ask(push, Node("backup"), settings, memory=memory)
    assert awaited.reason is Reason.AWAITED
    assert awaited.detail == "no report has arrived yet; the check was paused meanwhile"


def test_whether_a_queue_is_stuck_shows_afresh() -> None:
    memory: dict[str, Any] = {"queues": {"jobs": list(Backlog(stuck_since=1.0, length=7))}}
    kinds()["queue"].resumed(memory, ago(HOUR), ago(0))
    assert Backlog(*memory["queues"]["jobs"]) == Backlog(length=7)


async def test_a_connection_that_is_kept_between_runs_is_closed() -> None:
    heartbeat = kinds()["hl7_heartbeat"]
    async with mllp(good) as peer:
        await ask(heartbeat, node_at(peer.port), Hl7HeartbeatSettings(keep_open=600.0))
        assert not peer.last.over.is_set()
        heartbeat.paused(A_CHECK)
        async with asyncio.timeout(SOON):
            await peer.last.over.wait()
