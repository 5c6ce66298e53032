from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import NetFailure, Passage
from pacs_monitor.systems.local import Local, LocalSettings
from pacs_monitor.systems.paths import look
from tests.systems.asking import tell, why_not
from tests.timing import SOON


async def test_the_root_is_a_volume_of_which_all_is_known() -> None:
    (root,) = [volume for volume in await tell(Local(LocalSettings(mounts="/")).volumes) if volume.name == "/"]
    assert root.used + root.free <= psutil.disk_usage("/").total
    assert root.inodes is not None
    assert not root.read_only


async def test_memory_load_programs_and_ports_are_told() -> None:
    host = await tell(Local(LocalSettings()).host, [])
    assert host.memory == psutil.virtual_memory().total
    assert host.processes is not None
    assert sum(host.processes.values()) > 1
    assert host.load is not None


async def test_services_are_told_by_systemd_or_not_at_all() -> None:
    system = Local(LocalSettings())
    if Path("/run/systemd/system").is_dir():
        assert (await tell(system.host, ["surely-not-there"])).services == {}
    else:
        assert await why_not(system.host, ["cron"]) is Reason.NOT_CONFIGURED


async def test_a_path_that_hangs_costs_one_thread_however_often_it_is_asked(tmp_path: Path) -> None:
    """Opening a FIFO for reading blocks until somebody writes, as a dead network share does for ever."""
    hanging, calls, begun = tmp_path / "share", [], threading.Event()
    os.mkfifo(hanging)

    def read() -> str:
        calls.append(1)
        begun.set()
        return hanging.read_text()

    async def looked(_node: Node, ctx: ProbeContext, passage: Passage) -> str:
        return await look(str(hanging), read, ctx, passage)

    assert [await why_not(looked, timeout=0.5) for _ in range(3)] == [Reason.TIMEOUT] * 3
    assert begun.wait(SOON)
    assert len(calls) == 1
    hanging.write_text("what it waited for")
    hanging.unlink()
    hanging.write_text("there")
    async with asyncio.timeout(SOON):
        while await outcome(looked) != "there":
            await asyncio.sleep(0.01)


async def outcome(looked: Callable[[Node, ProbeContext, Passage], Awaitable[str]]) -> str:
    try:
        return await tell(looked)
    except NetFailure:
        return ""
