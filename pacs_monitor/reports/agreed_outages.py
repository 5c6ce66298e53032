"""The outages under an agreement, each with how much of it counts, so that they add up to the figure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence, Set
from functools import cached_property
from typing import Any, NamedTuple

from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.intervals import Amount, Interval
from pacs_monitor.model import SECOND, CheckId, Micros
from pacs_monitor.objectives import Counts, Kept, Share, account
from pacs_monitor.reliability import Extent, View, extents, ways
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.record import Record
from pacs_monitor.services import Track
from pacs_monitor.uptime import Outage


class Subject(NamedTuple):
    """What an agreement is about."""

    kind: str
    """`service` or `node`."""
    name: str


class AgreedOutage(NamedTuple):
    """An outage, and how much of it is what, in microseconds."""

    extent: Extent
    counted: Micros
    at_least: Micros
    at_most: Micros
    excluded: Micros
    forgiven: Micros
    unreachable: Micros
    slow: Micros
    """Of what counts, how long it was slow and not down, where the agreement counts that."""
    slow_from: Micros | None

    def plain(self) -> Outage:
        """As any other."""
        span, ends, _, noticed = self.extent
        end = span.end if ends else None
        return Outage(span.start, end, None, noticed, None, self.at_least, self.at_most, self.counted, self.excluded)

    def listed(self, period: Period) -> dict[str, Any]:
        """As data; `planned` marks one that planned maintenance leaves out `whole` or `partly`."""
        span, ends, _, noticed = self.extent
        return {
            "from": period.local(span.start),
            "to": period.local(span.end),
            "goes_on": not ends,
            "noticed": period.local(noticed),
            "counted_seconds": self.counted / SECOND,
            "at_least_seconds": self.at_least / SECOND,
            "at_most_seconds": self.at_most / SECOND,
            "excluded_seconds": self.excluded / SECOND,
            "planned": None if not self.excluded else "partly" if self.counted or self.forgiven else "whole",
            "forgiven_seconds": self.forgiven / SECOND,
            "unreachable_seconds": self.unreachable / SECOND,
            "slow_seconds": self.slow / SECOND,
            "slow_from": None if self.slow_from is None else period.local(self.slow_from),
        }


class Views:
    """The track of what an agreement is about, by its notice, in each way of seeing it."""

    def __init__(self, record: Record, objective: ObjectiveSettings, subject: Subject) -> None:
        self.objective, self.subject = objective, subject
        self._record = record
        self._notice = round(objective.notice * SECOND)

    def __call__(self, view: View) -> Track:
        return self.measured if view is View.MEASURED else self._ways[view]

    @cached_property
    def measured(self) -> Track:
        """With outages as long as the agreement takes them to be."""
        objective, name = self.objective, self.subject.name
        if self.subject.kind == "service":
            return self._record.of_service(name, self._notice, objective.outage)
        return self._record.of_node(name, objective.match, self._notice, objective.outage)

    @cached_property
    def _ways(self) -> dict[View, Track]:
        if self.subject.kind == "service":
            return ways(self._record.sight_of_service(self.subject.name, self._notice))
        return ways(self._record.sight_of_node(self.subject.name, self.objective.match, self._notice))

    def checks(self, during: Interval) -> set[CheckId]:
        """All that it rested on at some time."""
        name, match = self.subject.name, self.objective.match
        if self.subject.kind == "service":
            return self._record.members(name, during)
        reigns = self._record.reigns_in(during)
        return {check for reign in reigns for check in self._record.matched(reign, match).get(name, ())}


def outages(
    views: Views, kept: Kept, period: Interval, until: Micros, hours: list[Interval] | None
) -> list[AgreedOutage]:
    """Those with any time in the agreed hours that counts, is left out, or is too short to count."""
    terms = kept.terms
    found = extents(views, Interval(period.start, until), terms.is_bad)
    if not found:
        return []
    least, most = (account(views(view), period, until, hours, terms) for view in (View.AT_LEAST, View.AT_MOST))
    counted, at_least, at_most = (_amount(each, terms.downtime(terms.counts)) for each in (kept, least, most))
    excluded, forgiven, unreachable = (
        _amount(kept, {wanted}) for wanted in (Share.EXCLUDED, Share.FORGIVEN, Share.UNREACHABLE)
    )
    slow = _slow(kept)
    slowness = Amount(slow)
    rows = (
        AgreedOutage(
            one,
            counted.within(one.span),
            at_least.within(one.span),
            at_most.within(one.widest),
            excluded.within(one.span),
            forgiven.within(one.span),
            unreachable.within(one.span),
            slowness.within(one.span),
            _first(slow, one.span),
        )
        for one in found
    )
    return [row for row in rows if row.counted or row.excluded or row.forgiven or row.unreachable]


def _slow(kept: Kept) -> list[Interval]:
    """When it was slow, where that counts as down."""
    if kept.terms.degraded_is_up:
        return []
    return [Interval(part.start, part.end) for part in kept.parts if part.share is Share.DEGRADED]


def _first(of: Sequence[Interval], span: Interval) -> Micros | None:
    """When the first of these begins within a span."""
    place = bisect_left(of, span.start, key=lambda one: one.end - 1)
    return max(of[place].start, span.start) if place < len(of) and of[place].start < span.end else None


def _amount(kept: Kept, wanted: Set[Share]) -> Amount:
    """Of excluded time only what would be downtime: a window is no outage."""
    bad = kept.terms.downtime(Counts.FELT)
    return Amount(
        Interval(part.start, part.end)
        for part in kept.parts
        if part.share in wanted and (part.share is not Share.EXCLUDED or part.measured in bad)
    )
