from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pacs_monitor.format.human import label
from pacs_monitor.model import Node, Outcome, ProbeContext, Reason, Status
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.systems.local import Local, LocalSettings
from pacs_monitor.systems.shared.paths import look
from pacs_monitor.systems.shared.services import of_windows
from tests.peers.ports import program
from tests.peers.user import unprivileged
from tests.peers.volume import tmpfs
from tests.support.probing import ask
from tests.support.timing import SOON
from tests.systems.asking import tell, why_not


async def test_the_root_is_a_volume_of_which_all_is_known() -> None:
    (root,) = [volume for volume in await tell(Local(LocalSettings(mounts="/")).volumes) if volume.name == "/"]
    assert root.used is not None
    assert root.free is not None
    assert root.used + root.free <= psutil.disk_usage("/").total
    assert root.inodes is not None
    assert not root.read_only


def mounted(*command: str) -> None:
    subprocess.run([program("mount", "mount"), *command], check=True)


@contextmanager
def bound(source: Path, target: Path) -> Iterator[Path]:
    """One path mounted at another, as the runtime of a container does."""
    mounted("--bind", str(source), str(target))
    try:
        yield target
    finally:
        subprocess.run([program("umount", "mount"), str(target)], check=True)


async def disk(*volumes: str, **more: Any) -> Outcome:
    limits = {"warn": "100%", "fail": "100%", "inodes_warn": "100%", "inodes_fail": "100%"} | more
    return await ask(kinds()["disk"], Node("monitor"), DiskSettings(source="local", volumes=volumes, **limits))


def told(outcome: Outcome) -> set[str]:
    return {m.labels[0][1] for m in outcome.measurements if m.name == "disk_free_bytes"}


async def test_a_file_that_is_mounted_is_no_volume_until_it_is_named(tmp_path: Path) -> None:
    source, target = tmp_path / "hosts", tmp_path / "mounted"
    source.touch()
    target.touch()
    with bound(source, target):
        everything, named = await disk(), await disk(str(target))
    assert label(str(target)) not in told(everything)
    assert (named.status, told(named)) == (Status.OK, {label(str(target))})


async def test_a_folder_that_is_mounted_on_its_own_disk_is_there(tmp_path: Path) -> None:
    source, target = tmp_path / "images", tmp_path / "mounted"
    source.mkdir()
    target.mkdir()
    with bound(source, target):
        assert (await disk(str(target))).status is Status.OK
    assert (await disk(str(target))).reason is Reason.MISSING


async def test_a_volume_that_stands_on_no_disk_is_told_when_it_is_named_or_listed(tmp_path: Path) -> None:
    with tmpfs(tmp_path, "size=1m") as mount:
        unnamed, named, glob = await disk(), await disk(str(mount)), await disk(f"{tmp_path}/*")
        linked = tmp_path / "link"
        linked.symlink_to(mount)
        volumes = await tell(Local(LocalSettings(mounts=[f"{mount}/", str(linked)])).volumes)
    assert label(str(mount)) not in told(unnamed)
    assert (named.status, told(named)) == (glob.status, told(glob)) == (Status.OK, {label(str(mount))})
    assert {f"{mount}/", str(linked)} <= {volume.name for volume in volumes if not volume.hidden}


async def test_what_has_no_size_is_unknown_when_it_is_named() -> None:
    """proc has neither blocks nor inodes."""
    outcome = await disk("/proc")
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert (await disk("/proc", "/")).status is Status.UNKNOWN


async def test_a_volume_that_we_may_not_look_at_is_unknown_and_blinds_no_other(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    with tmpfs(closed, "size=1m") as mount:
        closed.chmod(0)
        try:
            with unprivileged():
                outcome = await disk(str(mount), "/")
                full = await disk(str(mount), "/", warn="0%", fail="0%")
        finally:
            closed.chmod(0o700)
    assert (outcome.status, outcome.reason, told(outcome)) == (Status.UNKNOWN, Reason.NOT_AUTHORISED, {"/"})
    assert (full.status, full.reason) == (Status.FAIL, Reason.OVER_LIMIT)


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

    async def looked(_node: Node, ctx: ProbeContext, trace: Trace) -> str:
        return await look(str(hanging), read, ctx, trace)

    assert [await why_not(looked, timeout=0.5) for _ in range(3)] == [Reason.TIMEOUT] * 3
    assert begun.wait(SOON)
    assert len(calls) == 1
    hanging.write_text("what it waited for")
    hanging.unlink()
    hanging.write_text("there")
    async with asyncio.timeout(SOON):
        while await outcome(looked) != "there":
            await asyncio.sleep(0.01)


async def outcome(looked: Callable[[Node, ProbeContext, Trace], Awaitable[str]]) -> str:
    try:
        return await tell(looked)
    except NetFailure:
        return ""


def test_services_of_windows_are_found_in_whatever_case_and_by_the_name_that_people_see() -> None:
    states = {"PacsServer": "running", "Spooler": "stopped"}
    shown = {"PacsServer": "PACS Server", "Spooler": "Print Spooler"}
    wanted = ["pacsserver", "PACS SERVER", "spooler", "Absent"]
    assert of_windows(wanted, states, shown) == {
        "pacsserver": "active",
        "PACS SERVER": "active",
        "spooler": "stopped",
    }
