"""`python -m tests.history.killed WORK URL OTHER` does one work on a record; it is meant to be killed in the middle."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pacs_monitor.history import History, backup
from pacs_monitor.history.engines import migrate, parse
from pacs_monitor.history.exporting import export, load
from pacs_monitor.history.files import new_file
from pacs_monitor.history.moving import Mover
from pacs_monitor.history.retention import Kept
from pacs_monitor.intervals import FOREVER
from tests.history.conftest import START, HandClock


def unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


def compact(url: str, _other: str) -> None:
    history = History.open(url, "east", HandClock())
    asyncio.run(history.compact(Kept(FOREVER, FOREVER, FOREVER)))
    history.close()


def write_export(url: str, other: str) -> None:
    with new_file(Path(other)) as unfinished, unfinished.open("wb") as file:
        file.writelines(export(url, START, unseen))


def read_export(url: str, other: str) -> None:
    with Path(other).open("rb") as file:
        load(url, file, unseen)


def back_up(url: str, other: str) -> None:
    backup.PAGES = 2  # many steps
    backup.backup(url, Path(other), unseen)


WORKS: Mapping[str, Callable[[str, str], object]] = {
    "compaction": compact,
    "migration": lambda url, _: migrate(parse(url)),
    "export": write_export,
    "import": read_export,
    "backup": back_up,
    "move": lambda url, other: Mover(url, other, START, unseen).move(),
}


if __name__ == "__main__":
    print("begun", flush=True)
    WORKS[sys.argv[1]](*sys.argv[2:])
