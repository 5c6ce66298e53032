"""Several problems of a system, judged as one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeVar

from pacs_monitor.format.human import label
from pacs_monitor.model import Blame, Outcome, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.resources import Gap, Named

MOST_NAMED = 5
"""Troubles that a detail lists."""
SHOWN = 40
"""Names that the terminal lists."""


class Finding(NamedTuple):
    """What is wrong with one thing; warnings are `mild`."""

    mild: bool
    reason: Reason
    words: str


N = TypeVar("N", bound=Named)


def selected(
    what: str, reported: Iterable[N], wanted: Sequence[str], ignored: Sequence[str], trace: Trace
) -> tuple[list[N], list[Finding]]:
    """The things that are wanted, by name or glob, and those that are missing; then the terminal says what there is.

    What is hidden is taken where a name or glob finds nothing else. What was not named and has a quiet gap is left out.
    """
    things = [thing for thing in reported if not _any(thing, ignored)]
    shown = [thing for thing in things if not thing.hidden]
    if not wanted:
        return _unnamed(what, shown, hidden=len(things) - len(shown))
    found = {pattern: _matching(pattern, shown) or _matching(pattern, things) for pattern in wanted}
    missing = [pattern for pattern, matching in found.items() if not matching]
    if missing:
        trace.terminal += (("the system reports", _listed([label(thing.label) for thing in shown])),)
    taken = {thing.label for matching in found.values() for thing in matching}
    troubles = [Finding(False, Reason.MISSING, f"{what} {pattern} is not there") for pattern in missing]
    return [thing for thing in things if thing.label in taken], troubles


def _unnamed(what: str, shown: Sequence[N], hidden: int) -> tuple[list[N], list[Finding]]:
    known = [thing for thing in shown if not (thing.gap and thing.gap.quiet)]
    if not shown and hidden:
        words = f"name the ones that matter: every {what} that the system reports is hidden by default"
        return known, [Finding(False, Reason.NOT_CONFIGURED, words)]
    if not shown:
        return known, [Finding(False, Reason.MISSING, f"the system reports no {what}")]
    if not known:
        return known, [Finding(False, Reason.NOT_MEASURED, f"the system reports no usable figures for any {what}")]
    return known, []


def _matching(pattern: str, things: Iterable[N]) -> list[N]:
    return [thing for thing in things if _any(thing, (pattern,))]


def _any(thing: Named, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in {thing.name, thing.label})


def unknown(name: str, gap: Gap) -> Finding:
    """What is not known of a thing that should be judged."""
    return Finding(False, gap.reason, f"{name}: {gap.words}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more


def over(
    value: float, warn: float | None, fail: float | None, words: str, write: Callable[[float], str]
) -> Iterator[Finding]:
    """The worse limit that a value has reached; `words` say the value, `write` writes the limit."""
    for limit, mild in ((fail, False), (warn, True)):
        if limit is not None and value >= limit:
            yield Finding(mild, Reason.OVER_LIMIT, f"{words}, the limit is {write(limit)}")
            return


def worst_of(troubles: Sequence[Finding], trace: Trace) -> Outcome:
    """Ok when nothing is wrong; else the worst gives status and reason, and comes first.

    Failures come before warnings, and these before what is not known, as the plugins of Nagios order them
    (max_state_alt of monitoring-plugins): what is known to be wrong is not hidden by what is not known.
    """
    if not troubles:
        return trace.outcome()
    worst_first = sorted(troubles, key=_rank)
    detail = "; ".join(trouble.words for trouble in worst_first[:MOST_NAMED])
    more = f"; and {len(troubles) - MOST_NAMED} more" if len(troubles) > MOST_NAMED else ""
    worst = worst_first[0]
    return Outcome.of(worst.reason, warn=worst.mild, phase=trace.phase, detail=detail + more, **trace.seen())


def _rank(trouble: Finding) -> int:
    if trouble.reason.blame is Blame.MONITOR:
        return 2
    return 1 if trouble.mild else 0
