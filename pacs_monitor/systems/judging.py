"""What is wrong with several things of a system, told as one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol, TypeVar

from pacs_monitor.model import Outcome, Reason
from pacs_monitor.net import Passage
from pacs_monitor.wording import label

TOLD = 5
"""Troubles that a detail lists."""
SHOWN = 40
"""Names that the terminal lists."""


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
    what: str, told: Iterable[N], wanted: Sequence[str], ignored: Sequence[str], passage: Passage
) -> tuple[list[N], list[Trouble]]:
    """The things that are wanted, by name or glob, and those that are missing; then the terminal says what there is."""
    things = [thing for thing in told if not _any(thing, ignored)]
    missing = [pattern for pattern in wanted if not any(fnmatchcase(thing.name, pattern) for thing in things)]
    troubles = [Trouble(False, Reason.MISSING, f"{what} {pattern} is not there") for pattern in missing]
    if missing:
        passage.terminal += (("the system tells", _listed([label(thing.name) for thing in things])),)
    if not things and not wanted:
        troubles = [Trouble(False, Reason.MISSING, f"the system tells no {what}")]
    return [thing for thing in things if not wanted or _any(thing, wanted)], troubles


def _any(thing: Named, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(thing.name, pattern) for pattern in patterns)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more


def over(
    value: float, warn: float | None, fail: float | None, words: str, write: Callable[[float], str]
) -> Iterator[Trouble]:
    """The worse limit that a value has reached; `words` say the value, `write` writes the limit."""
    for limit, mild in ((fail, False), (warn, True)):
        if limit is not None and value >= limit:
            yield Trouble(mild, Reason.OVER_LIMIT, f"{words}, the limit is {write(limit)}")
            return


def judged(troubles: Sequence[Trouble], passage: Passage) -> Outcome:
    """Ok when nothing is wrong; else the worst gives status and reason, and comes first."""
    if not troubles:
        return passage.outcome()
    worst_first = sorted(troubles, key=lambda trouble: trouble.mild)
    detail = "; ".join(trouble.words for trouble in worst_first[:TOLD])
    more = f"; and {len(troubles) - TOLD} more" if len(troubles) > TOLD else ""
    worst = worst_first[0]
    return Outcome.of(worst.reason, warn=worst.mild, phase=passage.phase, detail=detail + more, **passage.seen())
