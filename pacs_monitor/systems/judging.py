"""What is wrong with several things of a system, told as one outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol, TypeVar

from pacs_monitor.model import Outcome, Reason
from pacs_monitor.net import Passage

TOLD = 5
"""Troubles that a detail lists."""


class Trouble(NamedTuple):
    """What is wrong with one thing; warnings are `mild`."""

    mild: bool
    reason: Reason
    words: str


class Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def selected(
    what: str, told: Iterable[N], wanted: Sequence[str], ignored: Sequence[str]
) -> tuple[list[N], list[Trouble]]:
    """The things that are wanted, by name or glob, and those that are missing."""
    things = [thing for thing in told if not _any(thing, ignored)]
    missing = [pattern for pattern in wanted if not any(fnmatchcase(thing.name, pattern) for thing in things)]
    troubles = [Trouble(False, Reason.MISSING, f"{what} {pattern} is not there") for pattern in missing]
    if not things and not wanted:
        troubles = [Trouble(False, Reason.MISSING, f"the system tells no {what}")]
    return [thing for thing in things if not wanted or _any(thing, wanted)], troubles


def _any(thing: Named, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(thing.name, pattern) for pattern in patterns)


def judged(troubles: Sequence[Trouble], passage: Passage) -> Outcome:
    """Ok when nothing is wrong; else the worst gives status and reason, and comes first."""
    if not troubles:
        return passage.outcome()
    worst_first = sorted(troubles, key=lambda trouble: trouble.mild)
    detail = "; ".join(trouble.words for trouble in worst_first[:TOLD])
    more = f"; and {len(troubles) - TOLD} more" if len(troubles) > TOLD else ""
    worst = worst_first[0]
    return Outcome.of(worst.reason, warn=worst.mild, phase=passage.phase, detail=detail + more, **passage.seen())
