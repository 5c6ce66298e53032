"""Change calendars from real files and a real server: changed, gone, broken, too large, slow, over a restart."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from pacs_monitor import change_calendars
from pacs_monitor.alerting.events import CalendarRead
from pacs_monitor.alerting.situation import Calendar
from pacs_monitor.change_calendars import ChangeCalendars
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import load
from pacs_monitor.config.change_calendar import LARGEST
from pacs_monitor.daemon import Daemon
from pacs_monitor.supervision import Supervisor
from pacs_monitor.threads import in_thread
from pacs_monitor.windows import Window
from tests.peers.change_calendar import SECRET, CalendarServer, calendar, calendar_server, event
from tests.peers.ports import free_port
from tests.support.estates import write_estate
from tests.support.timing import until

LONG = 60.0
NODES = "  archive: {host: 127.0.0.1, checks: {tcp: {port: 104}}}\n"
CALM = 1.0
"""Seconds in which several readings come."""


def change(name: str = "PACS patch", begins: float = 1.0, lasts: float = 2.0, uid: str = "1") -> str:
    """One that begins in so many hours."""
    start = datetime.now(UTC) + timedelta(hours=begins)
    end = start + timedelta(hours=lasts)
    return event(name, f"{start:%Y%m%dT%H%M%SZ}", f"{end:%Y%m%dT%H%M%SZ}", uid=uid)


@pytest.fixture
def server() -> Iterator[CalendarServer]:
    with calendar_server() as server:
        yield server


def put(file: Path, content: bytes) -> None:
    """As a whole, as a careful export does."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


def configured(folder: Path, where: str, more: str = "refresh: 200ms, stale_after: 1h") -> Path:
    file = write_estate(folder, 0, NODES.replace("104", str(free_port())))
    ical = f"{{{where}, filter: {{summary: '*PACS*'}}, {more}}}"
    maintenance = f"maintenance:\n  - {{name: changes, match: {{node: archive}}, ical: {ical}}}\n"
    file.write_text(file.read_text() + maintenance)
    return file


class Reader:
    """One alone, and what it tells."""

    def __init__(self, config: Path) -> None:
        self.told: list[CalendarRead] = []
        self.known: dict[str, Calendar] = {}
        self.estate = load(config)
        self.calendars = ChangeCalendars(SystemClock(), lambda: self.estate, lambda: self.known, self.told.append)
        self.task = Supervisor().supervise("change calendars", self.calendars.keep)

    @property
    def trouble(self) -> str | None:
        return self.calendars.trouble("changes")

    @property
    def windows(self) -> list[str]:
        """As they were told last."""
        said = [one.windows for one in self.told if one.windows is not None]
        return [window.name for window in said[-1]] if said else []

    async def has(self, *names: str) -> None:
        await until(lambda: self.windows == [f"changes: {name}" for name in names], LONG)

    async def fails(self, words: str) -> None:
        await until(lambda: words in (self.trouble or ""), LONG)


@asynccontextmanager
async def reading(config: Path) -> AsyncIterator[Reader]:
    reader = Reader(config)
    try:
        yield reader
    finally:
        reader.task.cancel()
        with suppress(asyncio.CancelledError):
            await reader.task


async def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "changes.ics"
    put(file, calendar(change(), change("printer", uid="2")))
    async with reading(configured(tmp_path, "file: changes.ics")) as reader:
        await reader.has("PACS patch")
        put(file, calendar(change("PACS disk")))
        await reader.has("PACS disk")
        put(file, calendar())
        await reader.has()
        assert reader.trouble is None


async def test_a_file_that_is_gone_or_broken_tells_nothing_until_it_is_whole_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "changes.ics"
    whole = calendar(change())
    put(file, whole)
    async with reading(configured(tmp_path, "file: changes.ics")) as reader:
        await reader.has("PACS patch")
        told = len(reader.told)
        file.unlink()
        await reader.fails("the file cannot be read: No such file or directory")
        put(file, whole[:-30])
        await reader.fails("is the file whole?")
        put(file, b" " * (LARGEST + 1))
        await reader.fails("larger than 4 MiB")
        assert len(reader.told) == told
        put(file, calendar(change("PACS disk")))
        await reader.has("PACS disk")
        assert reader.trouble is None
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 3, "each trouble is logged once"


async def test_a_file_is_as_old_as_its_last_modification(tmp_path: Path) -> None:
    file = tmp_path / "changes.ics"
    put(file, calendar(change()))
    os.utime(file, (time.time() - 7200, time.time() - 7200))
    async with reading(configured(tmp_path, "file: changes.ics")) as reader:
        await reader.fails("export the file again")
        said = reader.told[-1]
        assert said.until is not None
        assert said.until < time.time() * 1e6
        file.touch()
        await until(lambda: reader.trouble is None, LONG)


async def test_a_file_that_is_not_there_at_first_is_waited_for(tmp_path: Path) -> None:
    async with reading(configured(tmp_path, "file: changes.ics")) as reader:
        await reader.fails("cannot be read")
        (said,) = reader.told
        assert said.success is None
        assert said.until is not None
        assert said.until > time.time() * 1e6


async def test_a_pipe_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_calendars, "WITHIN", 0.1)
    file = tmp_path / "changes.ics"
    os.mkfifo(file)
    async with reading(configured(tmp_path, "file: changes.ics")) as reader:
        await reader.fails("could not be read within")
        with file.open("wb") as opened:  # a reader waits, as one only
            opened.write(b"")


async def test_an_address_is_fetched_again(tmp_path: Path, server: CalendarServer) -> None:
    server.content = calendar(change())
    async with reading(configured(tmp_path, f"url: '{server.url}'")) as reader:
        await reader.has("PACS patch")
        server.content = calendar(change("PACS disk"))
        await reader.has("PACS disk")
        asked, told = server.asked, len(reader.told)
        await until(lambda: server.asked > asked + 3, LONG)
        assert len(reader.told) > told, "that it is still good is told"


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (404, b"", "answered HTTP 404"),
        (302, b"", "answered HTTP 302; write the final address, redirects are not followed"),
        (200, b"<html>log in</html>", "does not begin with BEGIN:VCALENDAR"),
        (200, calendar(change())[:-30], "is the file whole?"),
        (200, b" " * (LARGEST + 1), "127.0.0.1"),
    ],
)
async def test_an_address_that_answers_something_else_tells_nothing(
    tmp_path: Path, server: CalendarServer, caplog: pytest.LogCaptureFixture, status: int, content: bytes, words: str
) -> None:
    server.content = calendar(change())
    with calendar_server() as elsewhere:
        async with reading(configured(tmp_path, f"url: '{server.url}'")) as reader:
            await reader.has("PACS patch")
            server.location = elsewhere.url if status == 302 else ""
            server.status, server.content = status, content
            await reader.fails(words)
            told, asked = len(reader.told), server.asked
            await until(lambda: server.asked > asked + 2, LONG)
            assert len(reader.told) == told
            server.status, server.content = 200, calendar(change("PACS disk"))
            await reader.has("PACS disk")
        assert elsewhere.asked == 0
    assert SECRET not in caplog.text


async def test_a_slow_address_is_waited_for_only_so_long(
    tmp_path: Path, server: CalendarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_calendars, "WITHIN", 0.5)
    server.content = calendar(change())
    server.answers.clear()
    async with reading(configured(tmp_path, f"url: '{server.url}'")) as reader:
        await until(lambda: reader.trouble is not None, LONG)
        assert SECRET not in (reader.trouble or "")
        monkeypatch.setattr(change_calendars, "WITHIN", 20.0)
        server.answers.set()
        await reader.has("PACS patch")


async def test_one_that_is_configured_no_more_is_said_once(tmp_path: Path) -> None:
    put(tmp_path / "changes.ics", calendar(change()))
    config = configured(tmp_path, "file: changes.ics")
    async with reading(config) as reader:
        await reader.has("PACS patch")
        reader.estate = load(write_estate(tmp_path, 0, NODES))
        reader.calendars.look_again()
        await until(lambda: reader.told[-1] == CalendarRead("changes", None), LONG)


async def test_one_that_was_taken_out_while_the_monitor_was_off_is_said(tmp_path: Path) -> None:
    reader = Reader(write_estate(tmp_path, 0, NODES))
    reader.known["old"] = Calendar(1)
    await until(lambda: bool(reader.told), LONG)
    assert reader.told == [CalendarRead("old", None)]
    reader.task.cancel()


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[Daemon]:
    daemon = await Daemon.open(load(config))
    try:
        await daemon.start()
        yield daemon
    finally:
        await daemon.stop()


async def got(daemon: Daemon, path: str) -> Any:
    host, port = daemon.address
    answer = await in_thread(lambda: requests.get(f"http://{host}:{port}{path}", timeout=LONG), "asking")
    answer.raise_for_status()
    return answer.text if path == "/metrics" else answer.json()


def planned(daemon: Daemon) -> list[Window]:
    return daemon.desk.plans.windows()


async def test_a_daemon_goes_by_what_it_knew_over_a_restart_and_tells_a_stale_calendar(tmp_path: Path) -> None:
    file = tmp_path / "changes.ics"
    put(file, calendar(change(begins=-1), change("PACS disk", begins=5, uid="2")))
    config = configured(tmp_path, "file: changes.ics", "refresh: 500ms, stale_after: 1h")
    async with running(config) as daemon:
        await until(lambda: len(planned(daemon)) == 2, LONG)
        (entry,) = daemon.engine.board.entries.values()
        await until(lambda: daemon.desk.plans.maintenance_of(entry.check.id) is not None, LONG)
        ids = [window.id for window in planned(daemon)]
        (row,) = (await got(daemon, "/api/v1/status"))["maintenance_calendars"]
        assert (row["name"], row["trouble"]) == ("changes", None)
        assert row["last_success"] is not None
        metrics = await got(daemon, "/metrics")
        assert 'pacs_maintenance_calendar_last_success_timestamp_seconds{name="changes"} ' in metrics
        await until(lambda: not daemon.desk.dispatch.waiting(), LONG)
    file.unlink()
    async with running(config) as daemon:
        await until(lambda: daemon.change_calendars.trouble("changes") is not None, LONG)
        assert [window.id for window in planned(daemon)] == ids
        (row,) = (await got(daemon, "/api/v1/status"))["maintenance_calendars"]
        assert "cannot be read" in row["trouble"]
        put(file, calendar(change(begins=-1), change("PACS disk", begins=5, uid="2")))
        os.utime(file, (time.time() - 7200, time.time() - 7200))
        await until(lambda: any(one.cause == "calendar:changes" for one in daemon.desk.open_incidents()), LONG)
        assert all(window.name != "changes: PACS disk" for window in planned(daemon))
        file.touch()
        await until(lambda: not any(one.cause == "calendar:changes" for one in daemon.desk.open_incidents()), LONG)
        assert any(window.name == "changes: PACS disk" for window in planned(daemon))
