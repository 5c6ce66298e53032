"""What went out unrecorded, in a file, so that the next run ends at the receivers what this one has opened there.

Theory of operation. An entry that the history does not take is written here before its pages go out, and leaves when
the history has it. The file is JSON Lines, one line per incident and entry; it is replaced as a whole each time, then
flushed, in threads that the desk waits for WITHIN seconds at most: a page matters more than its trace. While one flush
hangs nobody waits, and what is written meanwhile outlives this process all the same. The file holds what an incident is
and which notifications it owes, and no payload.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import TypeAdapter

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.config.estate import Estate
from pacs_monitor.history.first_form import notified_of
from pacs_monitor.model import (
    CheckId,
    DeliveryStatus,
    Entry,
    Event,
    Incident,
    Notification,
    Notified,
)
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)

WITHIN = 1.0
"""Seconds that a page waits for its entry in the file."""
READ_WITHIN = 5.0
"""Seconds that the start waits for a file that cannot be read."""
PRIVATE = 0o600
_SQLITE = "sqlite:///"


class Kept(NamedTuple):
    """An incident as the journal has it last, and the notifications that it owed; their data is not kept."""

    incident: Incident
    notifications: tuple[Notification, ...]
    notified: tuple[Notified, ...] = ()
    """What channels were notified of, as far as that was not recorded."""


class Journal:
    """Entries that the history has not taken yet, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: dict[int, tuple[Entry, str]] = {}
        self._writing: asyncio.Task[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._late: set[asyncio.Task[None]] = set()
        """Entries that one caller waited for without success; no other caller waits for them."""
        self._changed = self._written = False

    async def read(self) -> tuple[Kept, ...]:
        """What the run before left; what cannot be read is logged and left out."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                text = await in_thread(self._text, "journal")
        except (OSError, TimeoutError) as error:
            log.error(
                "cannot read %s; incidents opened from it stay open at their receivers: %s", self._file, _why(error)
            )
            return ()
        return read_lines(text.splitlines())

    async def add(self, entry: Entry) -> None:
        """Keep an entry until it is recorded; returns when it is on the disk, or after WITHIN."""
        text = "".join(f"{line}\n" for line in written(entry))
        if not text:
            return
        self._kept[id(entry)] = entry, text
        if await self._in_time(self._write_soon()) and self._flushing is not None:
            await self._in_time(self._flushing)

    def recorded(self, entry: Entry) -> None:
        """The history has it now."""
        if self._kept.pop(id(entry), None) is not None:
            self._write_soon()

    async def clear(self) -> None:
        """The history has all of it now."""
        self._kept.clear()
        await asyncio.wait({self._write_soon()}, timeout=READ_WITHIN)

    async def stop(self) -> None:
        """Let the last writing end."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=WITHIN)

    def _text(self) -> str:
        return self._file.read_text("utf-8", "replace") if self._file.exists() else ""

    def _write_soon(self) -> asyncio.Task[None]:
        self._changed = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write(), name="journal")
        return self._writing

    async def _write(self) -> None:
        while self._changed:
            self._changed = False
            text = "".join(text for _, text in self._kept.values())
            try:
                await in_thread(partial(_replace, self._file, text), "journal")
            except OSError as error:
                log.error("cannot write unrecorded notifications to %s: %s", self._file, _why(error))
            self._written = True
            if self._flushing is None or self._flushing.done():
                self._flushing = asyncio.get_running_loop().create_task(self._flush(), name="journal")

    async def _flush(self) -> None:
        """Apart from the writing: a flush that hangs must not keep later entries out of the file."""
        while self._written:
            self._written = False
            with suppress(OSError):  # logged by the writing, where it is more than a file that is gone again
                await in_thread(partial(_flush, self._file), "journal flush")

    async def _in_time(self, task: asyncio.Task[None]) -> bool:
        """Whether a task ends within WITHIN seconds."""
        self._late = {late for late in self._late if not late.done()}
        if task not in self._late:
            _, late = await asyncio.wait({task}, timeout=WITHIN)
            self._late |= late
        return task.done()


def open_and_owed(subjects: Iterable[Subject], pending: Sequence[Notification]) -> Entry:
    """All that is open, with the notifications that opened it at the receivers and those that are to be delivered."""
    every = sorted(subjects, key=lambda subject: (subject.incident.noticed, subject.incident.id))
    waiting = {(owed.incident, owed.channel) for owed in pending if owed.opens}
    sent = tuple(sent for subject in every for sent in subject.notified.values())
    opened = (
        Notification(
            one.opened,
            one.channel,
            Event.OPENED,
            one.at,
            {},
            one.incident,
            DeliveryStatus.SHADOW if one.shadow else DeliveryStatus.DELIVERED,
        )
        for one in sent
        if not one.refused and (one.incident, one.channel) not in waiting
    )
    incidents = tuple(subject.incident for subject in every)
    return Entry(incidents=incidents, notifications=(*opened, *pending), notified=sent)


def journal_file(estate: Estate) -> Path:
    """Beside an SQLite database, else in the state directory that systemd gives, else in the configuration's folder."""
    monitor, database = estate.monitor.name, estate.monitor.database
    name = f"{quote(monitor, safe='')}.unrecorded"
    if database.startswith(_SQLITE):
        return Path(f"{database.removeprefix(_SQLITE)}.{name}")
    folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(folder or estate.file.parent, f"pacs-monitor.{name}")


def written(entry: Entry) -> list[str]:
    """One line per incident of an entry."""
    return [
        json.dumps(
            _INCIDENT.dump_python(incident, mode="json")
            | {
                "members": [str(member) for member in incident.members],
                "notifications": [
                    {"id": owed.id, "channel": owed.channel, "event": owed.event, "created": owed.created}
                    | {"status": owed.status, "first": bool(owed.data.get("first"))}
                    for owed in entry.notifications
                    if owed.incident == incident.id
                ],
                "notified": [
                    _NOTIFIED.dump_python(sent, mode="json") for sent in entry.notified if sent.incident == incident.id
                ],
            }
        )
        for incident in entry.incidents
    ]


def read_lines(lines: Iterable[str]) -> tuple[Kept, ...]:
    """The latest of each incident, with all its notifications; lines that were torn are left out."""
    kept: dict[str, Kept] = {}
    for line in lines:
        try:
            one = _kept(json.loads(line))
        except (ValueError, KeyError, TypeError):
            log.warning("skipped an unreadable line in the file of unrecorded notifications")
            continue
        before = kept.pop(one.incident.id, Kept(one.incident, ()))
        kept[one.incident.id] = Kept(
            one.incident, before.notifications + one.notifications, before.notified + one.notified
        )
    return tuple(one._replace(notified=_latest(one)) for one in kept.values())


def _latest(kept: Kept) -> tuple[Notified, ...]:
    """Of each channel; where the first form of alerting has not kept it, as the notifications say."""
    by_channel = {sent.channel: sent for sent in notified_of(kept.incident, kept.notifications)}
    return tuple((by_channel | {sent.channel: sent for sent in kept.notified}).values())


def _kept(row: dict[str, Any]) -> Kept:
    members = [CheckId.parse(member) for member in row["members"]]
    incident = _INCIDENT.validate_python({**row, "members": members})
    notifications = tuple(
        Notification(
            owed["id"],
            owed["channel"],
            Event(owed["event"]),
            owed["created"],
            {"first": True} if owed.get("first") else {},
            incident.id,
            DeliveryStatus(owed["status"]),
        )
        for owed in row["notifications"]
    )
    return Kept(incident, notifications, tuple(map(_NOTIFIED.validate_python, row.get("notified", ()))))


_INCIDENT: TypeAdapter[Incident] = TypeAdapter(Incident)
_NOTIFIED: TypeAdapter[Notified] = TypeAdapter(Notified)


def _replace(file: Path, text: str) -> None:
    """The file as a whole, or not at all should this process be killed; nobody else can read it."""
    if not text:
        file.unlink(missing_ok=True)
        return
    new = file.with_name(f"{file.name}.new")
    with open(new, "w", encoding="utf-8", opener=_private) as out:
        out.write(text)
    new.replace(file)


def _flush(file: Path) -> None:
    """File and folder on the disk, for a machine that loses its power."""
    if sys.platform == "win32":  # which flushes no folder, and no file that is open to be read alone
        flags, paths = os.O_RDWR, (file,)
    else:
        flags, paths = os.O_RDONLY, (file, file.parent)
    for path in paths:
        opened = os.open(path, flags)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), PRIVATE)


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
