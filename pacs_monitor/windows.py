"""Planned maintenance and pauses, as people say them: what, for which checks, from when to when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Self

from ulid import ULID

from pacs_monitor.fields import Match
from pacs_monitor.language import N_
from pacs_monitor.model import Micros


class Probing(StrEnum):
    """What the monitor does meanwhile."""

    CONTINUE = "continue"
    READ_ONLY = "read_only"
    """It stores, sends, moves and deletes nothing."""
    STOP = "stop"
    """It asks nothing at all."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window of maintenance: from its start to before its end."""

    id: str
    """A ULID."""
    name: str
    """What is done."""
    match: Match
    start: Micros
    end: Micros
    probing: Probing = Probing.CONTINUE
    by: str = ""
    """Who has planned it, or the number of the change."""
    why: str = ""
    announced: date | None = None
    """When it was announced, for contracts that count only announced windows."""
    notify: str = ""
    """The channel that is told when it begins, is about to end, and ends."""

    def holds(self, at: Micros) -> bool:
        return self.start <= at < self.end

    def changed(self, **fields: Any) -> Self:
        return replace(self, **fields)


@dataclass(frozen=True, slots=True)
class Pause:
    """Checks that are not run until then."""

    id: str
    """A ULID."""
    match: Match
    by: str
    at: Micros
    until: Micros
    why: str = ""
    resumed: tuple[Match, ...] = ()
    """Checks of it that run again."""


def occurrence(name: str, match: Match, start: Micros) -> str:
    """The id of one time of a window of the configuration: the same whenever it is computed."""
    digest = blake2b(f"{name}\0{spelled(match)}\0{start}".encode(), digest_size=10).digest()
    return str(ULID.from_int((max(start, 0) // 1000 << 80) + int.from_bytes(digest)))


def spelled(match: Match) -> str:
    """`node=archive site=east,west`; `all checks` where it names nothing."""
    words = []
    for key, value in match.model_dump().items():
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        words += [f"{key}{'.' if name else ''}{name}={','.join(texts)}" for name, texts in pairs if texts]
    return " ".join(words) or N_("all checks")
