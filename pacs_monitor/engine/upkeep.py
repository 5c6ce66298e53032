"""What the engine keeps of each check between its runs, beside what the board shows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.model import CheckId, Result


@dataclass(slots=True)
class Upkeep:
    """One check, as the engine alone knows it."""

    entry: BoardEntry
    memory: dict[str, Any] = field(default_factory=dict)
    """What its probe remembers."""
    run: asyncio.Task[Result] | None = None
    """The run in progress."""
    begun: float | None = None
    """When the last run was begun, on the monotonic clock."""
    leaving: bool = False
    """A reload that is being recorded takes it to another address or identity: the old one is asked no more."""
    tidying: asyncio.Task[None] | None = None
    """Cleans up after an interrupted run; the first run waits for it."""

    def break_off(self) -> None:
        """End what goes on, and wait for nothing: its seat is given back, and associations are aborted."""
        for task in (self.run, self.tidying):
            if task is not None:
                task.cancel()
        self.run = None


def kept(
    old: Mapping[CheckId, Upkeep], entries: Iterable[BoardEntry], memory: Mapping[CheckId, dict[str, Any]]
) -> dict[CheckId, Upkeep]:
    """Of exactly these checks: new ones remember what is on record, those of another kind than before nothing."""
    now = {}
    for entry in entries:
        check = entry.check.id
        before = old.get(check)
        if before is None:
            before = Upkeep(entry, dict(memory.get(check, {})))
        elif before.entry is not entry:
            before = Upkeep(entry)
        now[check] = before
    return now
