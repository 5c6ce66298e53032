"""Folders where files wait to be fetched: exports, results, dictation, anything that is moved as a file.

Each folder is a queue: its files, their bytes, the oldest and the newest. Files in its `quarantine` count as failed. A
link counts as a file if it leads to one. No file name is reported or kept, because names often hold patient data. The
folders must be on this machine (or mounted on it), and the monitor's user must be able to list them. If it may not list
a subfolder, the check is unknown unless the files that it sees already fail or warn. Folders that the file system
creates itself (`lost+found`) are ignored.

Work is bounded: files are counted one by one for most of the run's time and no longer. The length is then a lower
bound, flagged `capped`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from pydantic import Field

from pacs_monitor.fields import FolderPath, Settings
from pacs_monitor.model import Flag, Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.paths import leads_to_a_file, look
from pacs_monitor.systems.shared.resources import Gap, Queue

SHARE = 0.8
"""Of the time that is left, for counting."""
_OF_THE_SYSTEM = frozenset({"lost+found", "System Volume Information", "$RECYCLE.BIN", ".snapshot", ".Trashes"})
"""Folders that file systems make for themselves, and that mostly nobody may list."""
_CLOSED = Gap(Reason.NOT_AUTHORISED, "the monitor's user may not read all of it, so more items may be waiting")


class FolderSettings(Settings):
    path: FolderPath
    """The folder."""
    pattern: str = "*"
    """Which files count, such as `*.hl7`."""
    subfolders: bool = False
    """Include files in subfolders."""
    quarantine: FolderPath | None = None
    """The folder for files that could not be processed; it may be inside `path` and is not counted there."""


class SpoolSettings(Settings):
    folders: Annotated[Mapping[str, FolderSettings], Field(min_length=1)]
    """Name of a queue → its folder."""

    def peer(self, node: Node) -> tuple[str, ...]:  # noqa: ARG002 - the Protocol's
        return tuple(sorted(folder.path for folder in self.folders.values()))


class Spool:
    kind: ClassVar[str] = "spool"
    settings: ClassVar[type[SpoolSettings]] = SpoolSettings

    def __init__(self, settings: SpoolSettings) -> None:
        self._settings = settings

    async def queues(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        return [await self._queue(name, folder, ctx, trace) for name, folder in self._settings.folders.items()]

    async def _queue(self, name: str, folder: FolderSettings, ctx: ProbeContext, trace: Trace) -> Queue:
        until = time.monotonic() + (ctx.deadline - ctx.clock.monotonic()) * SHARE
        aside = (folder.quarantine,) if folder.quarantine else ()
        waiting = await look(folder.path, _counting(folder.path, folder, aside, until), ctx, trace)
        failed = None
        if folder.quarantine:
            refused = await look(folder.quarantine, _counting(folder.quarantine, folder, (), until), ctx, trace)
            failed = refused.length
        if waiting.capped:
            trace.flags.append(Flag.CAPPED)
        gap = _CLOSED if waiting.closed else None
        return Queue(name, waiting.length, waiting.oldest, waiting.newest, waiting.size, failed=failed, gap=gap)


class FolderCount:
    """Files, counted as they are seen; nothing else of them is kept."""

    __slots__ = ("capped", "closed", "length", "newest", "oldest", "size")

    def __init__(self) -> None:
        self.length = self.size = 0
        self.oldest: float | None = None
        self.newest: float | None = None
        self.capped = False
        self.closed = 0
        """Subfolders that may not be listed, and links that may not be followed."""

    def add(self, found: os.stat_result) -> None:
        self.length += 1
        self.size += found.st_size
        self.oldest = found.st_mtime if self.oldest is None else min(self.oldest, found.st_mtime)
        self.newest = found.st_mtime if self.newest is None else max(self.newest, found.st_mtime)


def _counting(path: str, folder: FolderSettings, aside: Sequence[str], until: float) -> Callable[[], FolderCount]:
    def count() -> FolderCount:
        counted = FolderCount()
        for entry in _files(path, folder, aside, counted):
            with suppress(FileNotFoundError):  # fetched in this moment
                counted.add(entry.stat(follow_symlinks=False))
            if counted.length % 256 == 0 and time.monotonic() > until:
                counted.capped = True
                break
        return counted

    return count


def _files(path: str, folder: FolderSettings, aside: Sequence[str], counted: FolderCount) -> Iterator[os.DirEntry[str]]:
    below = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if folder.subfolders and entry.path not in aside and entry.name not in _OF_THE_SYSTEM:
                    below.append(entry.path)
            elif fnmatchcase(entry.name, folder.pattern) and _is_one(entry, counted):
                yield entry
    for subfolder in below:
        try:
            yield from _files(subfolder, folder, aside, counted)
        except FileNotFoundError:  # removed in this moment
            continue
        except PermissionError:
            counted.closed += 1


def _is_one(entry: os.DirEntry[str], counted: FolderCount) -> bool:
    try:
        return leads_to_a_file(entry)
    except PermissionError:
        counted.closed += 1
        return False
