"""Reads the calendars of changes (`maintenance[].ical`) and tells alerting what they have.

Theory of operation. Each calendar is read at the start, at a reload and every `refresh`, in a thread that is waited for
WITHIN seconds; one that hangs is not begun twice. What alerting gets is a whole good calendar or nothing: after a
failure it goes by what it knew, until that is older than `stale_after`. A file is as old as its last modification, so
that an export that has stopped is seen. The address is a secret: it is neither logged nor followed elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor import __version__, http
from pacs_monitor.alerting.events import CalendarRead
from pacs_monitor.alerting.situation import Calendar
from pacs_monitor.config import Estate
from pacs_monitor.config.change_calendar import LARGEST, windows_of
from pacs_monitor.config.maintenance import ChangeCalendar, MaintenanceSettings
from pacs_monitor.model import SECOND, Clock, Micros
from pacs_monitor.threads import in_thread
from pacs_monitor.windows import Window

log = logging.getLogger(__name__)

WITHIN = 20.0
"""Seconds for one reading in all."""
SPARE: Micros = 3600 * SECOND
"""A calendar that would be stale so soon is told in full: alerting may have forgotten its windows."""
OK = 200


class Reading(NamedTuple):
    """What a calendar has."""

    as_of: Micros
    windows: tuple[Window, ...]


@dataclass(slots=True)
class State:
    """How one calendar fares."""

    entry: MaintenanceSettings
    due: float = 0.0
    """When it is read again, on the monotonic clock."""
    told: CalendarRead | None = None
    """What alerting was told last."""
    windows: tuple[Window, ...] | None = None
    trouble: str | None = None
    """Why it is not current, for people."""


class ChangeCalendars:
    """`keep` is one task of the daemon."""

    def __init__(
        self,
        clock: Clock,
        estate: Callable[[], Estate],
        known: Callable[[], Mapping[str, Calendar]],
        tell: Callable[[CalendarRead], None],
    ) -> None:
        """`estate` is what is in force now (after a reload call `look_again`); `known` is what alerting goes by."""
        self._clock, self._estate, self._known, self._tell = clock, estate, known, tell
        self._states: dict[str, State] = {}
        self._readings: dict[str, asyncio.Task[Reading]] = {}
        self._bell = asyncio.Event()

    def look_again(self) -> None:
        """The configuration may have changed: all are read."""
        for state in self._states.values():
            state.due = 0.0
        self._bell.set()

    def trouble(self, name: str) -> str | None:
        """Why a calendar is not current, for people; None while it is."""
        state = self._states.get(name)
        return None if state is None else state.trouble

    async def keep(self) -> None:
        """For as long as the daemon leads."""
        while True:
            estate = self._estate()
            entries = estate.change_calendars
            for name in {*self._known(), *self._states} - entries.keys():
                self._states.pop(name, None)
                self._tell(CalendarRead(name, None))
            zone = ZoneInfo(estate.monitor.timezone)
            await asyncio.gather(*(self._look(entry, zone) for entry in entries.values()))
            due = min((state.due for state in self._states.values()), default=None)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - self._clock.monotonic())):
                    await self._bell.wait()
            self._bell.clear()

    async def _look(self, entry: MaintenanceSettings, zone: ZoneInfo) -> None:
        """Read one whose time has come."""
        state, ical = self._states.get(entry.name), entry.ical
        if ical is None:
            return
        if state is None or state.entry != entry:
            state = self._states[entry.name] = State(entry)
        if state.due > self._clock.monotonic():
            return
        state.due = self._clock.monotonic() + ical.refresh
        try:
            reading = await self._read(entry, zone)
        except (ValueError, OSError, http.HttpError) as error:
            self._failed(state, ical, _why(error))
        else:
            self._succeeded(state, ical, reading)

    async def _read(self, entry: MaintenanceSettings, zone: ZoneInfo) -> Reading:
        """Raises ValueError, OSError (TimeoutError among them) or HttpError."""
        pending = self._readings.get(entry.name)
        if pending is not None and not pending.done():
            raise TimeoutError
        call = partial(_reading, entry, zone, self._clock.now())
        task = asyncio.get_running_loop().create_task(in_thread(call, "change-calendar"))
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # also when nobody waits any more
        self._readings[entry.name] = task
        await asyncio.wait([task], timeout=WITHIN + 1.0)
        if not task.done():
            raise TimeoutError
        return task.result()

    def _succeeded(self, state: State, ical: ChangeCalendar, reading: Reading) -> None:
        until, now = reading.as_of + round(ical.stale_after * SECOND), self._clock.now()
        known, told = state.windows == reading.windows, state.told
        if known and told is not None and told.until is not None and told.until > now + SPARE:
            said = CalendarRead(state.entry.name, until, reading.as_of, None)
        else:
            said = CalendarRead(state.entry.name, until, reading.as_of, reading.windows)
        if told is None or until != told.until or said.windows is not None:
            self._tell(said)
        state.told, state.windows = said, reading.windows
        stale = "export the file again, or raise stale_after: it was last written longer ago than that"
        self._say(state, None if until > now else stale)

    def _failed(self, state: State, ical: ChangeCalendar, why: str) -> None:
        """One that alerting does not know yet begins to wait."""
        name = state.entry.name
        if state.told is None and name not in self._known():
            state.told = CalendarRead(name, self._clock.now() + round(ical.stale_after * SECOND))
            self._tell(state.told)
        self._say(state, why)

    def _say(self, state: State, trouble: str | None) -> None:
        before, state.trouble = state.trouble, trouble
        if trouble is None and before is not None:
            log.info("maintenance calendar %s: read again", state.entry.name)
        elif trouble is not None and trouble != before:
            log.error("maintenance calendar %s: %s", state.entry.name, trouble)


def _reading(entry: MaintenanceSettings, zone: ZoneInfo, now: Micros) -> Reading:
    """Blocking."""
    ical = entry.ical
    if ical is None or (ical.file is None and ical.url is None):
        raise ValueError("write file or url: nothing says where the calendar is")
    as_of, content = (now, _fetched(ical)) if ical.file is None else _file(Path(ical.file))
    return Reading(min(as_of, now), windows_of(content, entry, zone, now))


def _file(path: Path) -> tuple[Micros, bytes]:
    with path.open("rb") as opened:
        content = opened.read(LARGEST + 1)
        return os.fstat(opened.fileno()).st_mtime_ns // 1000, content


def _fetched(ical: ChangeCalendar) -> bytes:
    url = "" if ical.url is None else ical.url.get_secret_value()
    headers = {"User-Agent": f"pacs-monitor/{__version__}", "Accept": "text/calendar"}
    answer = http.send("GET", url, timeout=WITHIN, headers=headers, size_limit=LARGEST, access=ical.access())
    if answer.status != OK:
        hint = "; write the final address, redirects are not followed" if 300 <= answer.status < 400 else ""
        raise ValueError(f"{http.address_of(url)} answered HTTP {answer.status}{hint}")
    return answer.body


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"the calendar could not be read within {WITHIN:g} s"
    if isinstance(error, OSError) and not isinstance(error, http.HttpError):
        return f"the file cannot be read: {error.strerror or type(error).__name__}"
    return str(error)
