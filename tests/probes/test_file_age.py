from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pacs_monitor.model import Node, Outcome, Phase, Reason, Status
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.threads import OneThread
from pacs_monitor.probes import kinds
from pacs_monitor.probes.file_age import FileAgeSettings
from tests.peers.user import open_folder, unprivileged
from tests.probes.support import Arranged, Peers
from tests.support.probing import Context, ask
from tests.support.timing import SOON, wait_until

FILE_AGE = kinds()["file_age"]
HOUR = 3600.0
ROOT = Path(__file__).parents[2]


def written(folder: Path, age: float, size: int = 10, name: str = "DOE^JOHN.dump") -> Path:
    file = folder / name
    file.write_bytes(b"x" * size)
    stamp = time.time() - age
    os.utime(file, (stamp, stamp))
    return file


def in_folder(folder: Path, **more: object) -> tuple[Node, Any]:
    return Node("backup"), FileAgeSettings(path=str(folder / "*.dump"), **more)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    written(folder, HOUR)
    yield in_folder(folder)


@asynccontextmanager
async def refusing(folder: Path) -> AsyncIterator[Arranged]:
    yield in_folder(folder / "unmounted")


@asynccontextmanager
async def hanging(folder: Path) -> AsyncIterator[Arranged]:
    written(folder, 30 * HOUR)
    yield in_folder(folder)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    written(folder, 25 * HOUR)
    yield in_folder(folder, warn=24 * HOUR)


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    secret = folder / "secret"
    secret.mkdir(mode=0)
    with unprivileged():
        yield in_folder(secret)


PEERS = Peers(working, refusing, hanging, warning, blind)


async def look(folder: Path, **more: object) -> Outcome:
    return await ask(FILE_AGE, *in_folder(folder, **more))


async def test_the_newest_match_counts_and_other_files_do_not(tmp_path: Path) -> None:
    written(tmp_path, 40 * HOUR, name="old.dump")
    newest = written(tmp_path, 2 * HOUR, 1234, name="new.dump")
    written(tmp_path, 0, name="new.log")
    (tmp_path / "folder.dump").mkdir()
    outcome = await look(tmp_path)
    assert outcome.status is Status.OK
    assert {m.name: m.value for m in outcome.measurements} == {
        "file_matches": 2,
        "file_newest_timestamp_seconds": newest.stat().st_mtime,
        "file_newest_bytes": 1234,
    }


@pytest.mark.parametrize(
    ("age", "settings", "status", "reason"),
    [
        (27 * HOUR, {}, Status.FAIL, Reason.STALE),
        (25 * HOUR, {"warn": 24 * HOUR}, Status.WARN, Reason.STALE),
        (1 * HOUR, {"min_size": 11}, Status.FAIL, Reason.BAD_CONTENT),
        (1 * HOUR, {"at_least": 2}, Status.FAIL, Reason.MISSING),
        (-24 * HOUR, {}, Status.FAIL, Reason.BAD_CONTENT),
    ],
)
async def test_what_is_wrong_is_told_without_the_name_of_a_file(
    tmp_path: Path, age: float, settings: dict[str, Any], status: Status, reason: Reason
) -> None:
    written(tmp_path, age)
    outcome = await look(tmp_path, **settings)
    assert (outcome.status, outcome.reason, outcome.phase) == (status, reason, Phase.OPERATION)
    assert "JOHN" not in outcome.detail


async def test_no_match_and_no_folder_are_missing(tmp_path: Path) -> None:
    nothing, nowhere = await look(tmp_path), await look(tmp_path / "unmounted")
    assert (nothing.reason, nothing.detail) == (Reason.MISSING, "no file matches *.dump")
    is_it_mounted = "check whether it is mounted: the folder does not exist"
    assert (nowhere.reason, nowhere.detail) == (Reason.MISSING, is_it_mounted)


async def test_a_folder_that_the_monitor_may_not_list_is_not_configured(tmp_path: Path) -> None:
    folder = tmp_path / "secret"
    folder.mkdir(mode=0)
    with unprivileged():
        outcome = await look(folder)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


async def test_a_link_that_leads_nowhere_is_no_file_and_hides_none(tmp_path: Path) -> None:
    """To itself, in a circle, to what is gone, through a file."""
    file = written(tmp_path, HOUR)
    links = {"itself": "itself.dump", "a": "b.dump", "b": "a.dump", "gone": "nothing", "through": f"{file.name}/x"}
    for name, target in links.items():
        (tmp_path / f"{name}.dump").symlink_to(target)
    outcome = await look(tmp_path)
    assert outcome.status is Status.OK
    assert {m.name: m.value for m in outcome.measurements}["file_matches"] == 1


@pytest.mark.parametrize(
    ("age", "status", "reason"),
    [(HOUR, Status.OK, None), (30 * HOUR, Status.UNKNOWN, Reason.NOT_AUTHORISED)],
)
async def test_a_link_that_we_may_not_follow_matters_only_where_the_others_do_not_do(
    age: float, status: Status, reason: Reason | None
) -> None:
    with open_folder() as folder:
        written(folder, age)
        (folder / "closed").mkdir(mode=0)
        (folder / "link.dump").symlink_to(folder / "closed" / "x")
        with unprivileged():
            outcome = await look(folder)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert "JOHN" not in outcome.detail


async def test_a_path_through_a_file_cannot_be_read(tmp_path: Path) -> None:
    outcome = await look(written(tmp_path, 0))
    assert outcome.reason is Reason.MISSING
    assert "Not a directory" in outcome.detail


async def test_a_folder_with_too_many_entries_for_its_time_is_a_timeout(tmp_path: Path) -> None:
    written(tmp_path, 0)
    outcome = await ask(FILE_AGE, *in_folder(tmp_path), timeout=0.05)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TIMEOUT)


def test_a_wildcard_in_the_folder_is_refused() -> None:
    with pytest.raises(ValidationError, match="only the file name"):
        FileAgeSettings(path="/backup/*/x.dump")


async def test_what_hangs_takes_one_thread_until_it_ends() -> None:
    thread, release, begun, started = OneThread(), threading.Event(), threading.Event(), []

    def hang() -> None:
        started.append(1)
        begun.set()
        release.wait(30)

    async def call() -> None:
        await thread.call(hang, Context(time.monotonic() + 0.05), Trace())

    for _ in range(3):
        with pytest.raises(NetFailure) as caught:
            await call()
        assert caught.value.reason is Reason.TIMEOUT
    assert begun.wait(SOON)
    assert started == [1]
    release.set()
    async with asyncio.timeout(SOON):
        while len(started) < 2:
            try:
                await call()
            except NetFailure:
                await asyncio.sleep(0.01)


def test_what_ends_after_its_loop_was_closed_hangs_no_longer() -> None:
    thread, release = OneThread(), threading.Event()

    def call(timeout: float) -> bool:
        context = Context(time.monotonic() + timeout)
        return asyncio.run(thread.call(lambda: release.wait(SOON), context, Trace()))

    with pytest.raises(NetFailure):
        call(0.05)
    release.set()
    wait_until(lambda: all(future.done() for future in thread._under_way.values()), "the thread ended")
    assert call(SOON)


HANGING = """
import asyncio, time
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.threads import OneThread
from tests.support.probing import Context

async def main():
    try:
        await OneThread().call(lambda: time.sleep(600), Context(time.monotonic() + 0.05), Trace())
    except NetFailure as failure:
        print(failure.reason)

asyncio.run(main())
"""


def test_what_hangs_does_not_keep_the_monitor_from_ending() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert ended.stdout == "timeout\n"
