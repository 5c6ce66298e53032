"""Whether failures count: only of what has worked once as it is configured. Pure, no clock, no I/O.

A check is proven from its first good result (ok or warn) with its present address and identity (model.fingerprint);
until then nobody knows whether the node fails, or our configuration is wrong. An outage that begins proven counts until
it ends, whatever is edited meanwhile. It ends with the next measured state that is not down, not by removing the check.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import NamedTuple

from pacs_monitor.intervals import ALL_TIME, FOREVER, Interval, IntervalSet
from pacs_monitor.model import Micros, State, Transition

NOT_DOWN = frozenset({State.UP, State.DEGRADED, State.ABSENT})
"""States that were measured and are no outage: they end one."""
GOOD = frozenset({State.UP, State.DEGRADED})
"""States that no check enters without a result that was ok or warn."""
FAILED = frozenset({State.DOWN, State.ABSENT})
"""States that say nothing of a node that was never seen to work."""


class Identity(NamedTuple):
    """Where and as whom a check asked, from `started` up to `ended`; `proven` is when it was first good so."""

    started: Micros
    ended: Micros
    proven: Micros | None


def effective(transitions: Sequence[Transition]) -> list[Micros]:
    """When each transition takes effect: at its `since`, but never before its predecessor."""
    return list(accumulate((transition.since for transition in transitions), max))


def proofs(
    identities: Iterable[Identity], transitions: Sequence[Transition], earlier: Iterable[Micros] = ()
) -> tuple[Interval, ...]:
    """When a check was proven.

    Its ledger proves too, since no check becomes up or degraded without a good result; a check of which no identity is
    on record (by an older version) has always had the same. `earlier` are good results before these transitions.
    """
    goods = [at for at, moved in zip(effective(transitions), transitions, strict=True) if moved.after in GOOD]
    goods += earlier
    intervals: list[Interval] = []
    after = -FOREVER
    for started, ended, proven in identities or (Identity(*ALL_TIME, None),):
        known = [good for good in goods if started <= good < ended] + ([] if proven is None else [proven])
        if known:
            intervals.append(Interval(max(after, min(known)), ended))  # it may have been good as the same long before
        after = ended
    return tuple(interval for interval in intervals if interval.start < interval.end)


class Entry(NamedTuple):
    """From `at` on, this transition holds; `proven` is whether failures count."""

    at: Micros
    transition: Transition
    proven: bool = True


def booked(transitions: Sequence[Transition], proven: Iterable[Interval]) -> list[Entry]:
    """The ledger as it is accounted: failures in parts, where proof begins or ends while they go on.

    Failures that were not proven count from when they are on only if there was one since: not when an address with
    which the check has worked is put back, and works.
    """
    held, entries, began_proven = IntervalSet(proven), list[Entry](), False
    edges, times = sorted(held.edges()), effective(transitions)
    lasts = [*(transition.last_before for transition in transitions[1:]), None]
    for transition, (at, end), last in zip(transitions, pairwise([*times, FOREVER]), lasts, strict=False):
        if transition.after not in FAILED:
            began_proven = began_proven and transition.after not in NOT_DOWN
            entries.append(Entry(at, transition))
            continue
        began_proven = began_proven and transition.after is State.DOWN
        for edge in (at, *edges[bisect_right(edges, at) : bisect_left(edges, end)]):
            failed_since = edge == at or last is None or last >= edge
            entry = Entry(edge, transition, began_proven or (edge in held and failed_since))
            began_proven = entry.proven and transition.after is State.DOWN
            if edge == at or entry.proven is not entries[-1].proven:
                entries.append(entry)
    return entries


def counts(transitions: Sequence[Transition], proven: Sequence[Interval], now: Micros) -> bool:
    """Whether a check that is down now is booked as down: proven, or in an outage that began so."""
    if not transitions:
        return now in IntervalSet(proven)
    down = replace(transitions[-1], before=transitions[-1].after, after=State.DOWN, since=now)
    return booked([*transitions, down], proven)[-1].proven
