"""Whether what was agreed was kept: an account of seconds by the terms of a contract. Pure, no clock, no I/O.

Every microsecond of an agreed period up to now has exactly one share. Availability is

    1 - counted / (up + degraded + forgiven + counted)

where `counted` is the downtime that the agreement counts: as users felt it with what was unreachable behind a dead
network parent, as attributable to the node without (that time is in neither number). Time outside of the agreed hours,
excluded maintenance, absence, and time in which nothing was measured are in neither number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pacs_monitor.calendars import within
from pacs_monitor.intervals import Interval, IntervalSet
from pacs_monitor.model import SECOND, Micros, State, Transition
from pacs_monitor.pieces import Cause, Class
from pacs_monitor.services import Standing, Track

WHOLE = 10**12
"""Shares of time are kept as parts of this, so that nothing is rounded."""


class Maintenance(StrEnum):
    """How planned windows count."""

    EXCLUDE_DOWNTIME = "exclude_downtime"
    """Downtime within them is left out, uptime counts."""
    EXCLUDE_WINDOWS = "exclude_windows"
    """They are left out whole."""
    INCLUDE = "include"
    """They count as any other time."""


class Counts(StrEnum):
    """Which downtime counts."""

    FELT = "felt"
    """All that users felt."""
    ATTRIBUTABLE = "attributable"
    """Only that of the node, not of the network before it."""


class Bounds(StrEnum):
    """From when to when an outage lasts: nobody measures between two runs."""

    MEASURED = "measured"
    """From the first result that failed to the first good one."""
    AT_LEAST = "at_least"
    """From the first result that failed to the last one that failed."""
    AT_MOST = "at_most"
    """From the last good result to the first good one."""


class Share(StrEnum):
    """What an instant counts as under an agreement."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNREACHABLE = "unreachable"
    FORGIVEN = "forgiven"
    """Downtime in outages that are shorter than those that count."""
    EXCLUDED = "excluded"
    """Planned maintenance, as far as it is left out."""
    ABSENT = "absent"
    UNKNOWN = "unknown"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed; either `allowed` downtime, or an `availability` in parts of WHOLE."""

    availability: int | None = None
    allowed: Micros | None = None
    degraded_is_up: bool = True
    maintenance: Maintenance = Maintenance.EXCLUDE_DOWNTIME
    cap: Micros | None = None
    """At most so much maintenance is left out of an agreed period, the earliest first."""
    minimum_outage: Micros = 0
    """Shorter outages are no downtime."""
    coverage: int = 0
    """Parts of WHOLE that must have been measured."""
    counts: Counts = Counts.FELT

    def is_bad(self, kind: Class) -> bool:
        """Whether time of a class is downtime."""
        return kind in (Class.DOWN, Class.UNREACHABLE) or (kind is Class.DEGRADED and not self.degraded_is_up)

    def downtime(self, counts: Counts) -> frozenset[Share]:
        """The shares that are downtime, of that which counts."""
        felt = {Share.UNREACHABLE} if counts is Counts.FELT else set[Share]()
        slow = set[Share]() if self.degraded_is_up else {Share.DEGRADED}
        return frozenset({Share.DOWN} | felt | slow)

    def excluded(self, standing: Standing) -> bool:
        """Whether planned maintenance leaves time out: downtime only where the plan alone explains it."""
        if self.maintenance is Maintenance.EXCLUDE_WINDOWS:
            return standing.planned
        planned = standing.planned and self.is_bad(standing.felt) and not self.is_bad(standing.unplanned)
        return planned and self.maintenance is Maintenance.EXCLUDE_DOWNTIME


class Part(NamedTuple):
    """A stretch of one share."""

    start: Micros
    end: Micros
    share: Share
    cause: Cause | None = None
    measured: Share | None = None
    """Of excluded time: what it would be else."""


@dataclass(frozen=True)
class Kept:
    """An agreed period by its terms, in microseconds."""

    terms: Terms
    parts: tuple[Part, ...]
    remaining: Micros = 0
    """Agreed hours that are still to come."""

    @cached_property
    def shares(self) -> dict[Share, Micros]:
        """How much there is of each."""
        found = dict.fromkeys(Share, 0)
        for part in self.parts:
            found[part.share] += part.end - part.start
        return found

    def used(self, counts: Counts) -> Micros:
        """Downtime that counts."""
        return sum(self.shares[share] for share in self.terms.downtime(counts))

    def counted(self, counts: Counts) -> Micros:
        """All time that counts: the denominator."""
        always = sum(self.shares[share] for share in (Share.UP, Share.DEGRADED, Share.FORGIVEN, Share.DOWN))
        return always + (self.shares[Share.UNREACHABLE] if counts is Counts.FELT else 0)

    @cached_property
    def experienced(self) -> tuple[Micros, Micros]:
        """All downtime in the agreed hours, and out of how much time: planned or not, short or long, whoever's fault.

        What is agreed of maintenance, notice, short outages and the network makes no odds.
        """
        down = self.terms.downtime(Counts.FELT) | {Share.FORGIVEN}
        bad = whole = 0
        for part in self.parts:
            share = part.measured if part.share is Share.EXCLUDED else part.share
            if share in down or share in (Share.UP, Share.DEGRADED):
                whole += part.end - part.start
                bad += part.end - part.start if share in down else 0
        return bad, whole

    @property
    def unassessed(self) -> Micros:
        """Time in which nobody knows whether it worked: not measured, and, where only its own downtime counts, behind a
        network fault, since what is dead there looks like what is not."""
        behind = self.shares[Share.UNREACHABLE] if self.terms.counts is Counts.ATTRIBUTABLE else 0
        return self.shares[Share.UNKNOWN] + behind

    @property
    def tolerated(self) -> Micros:
        """Of the time that was not assessed, how much it could have been down with the agreement still kept."""
        allowed = self.terms.allowed
        if allowed is None:
            time = self.counted(self.terms.counts) + self.remaining + self.unassessed
            allowed = time * (WHOLE - (self.terms.availability or 0)) // WHOLE
        return allowed - self.used(self.terms.counts)

    @property
    def allowed(self) -> Micros:
        """Downtime that is permitted in the whole period: of a share, that of the time that counts."""
        if self.terms.allowed is not None:
            return self.terms.allowed
        time = self.counted(self.terms.counts) + self.remaining
        return time * (WHOLE - (self.terms.availability or 0)) // WHOLE

    @property
    def measured(self) -> tuple[Micros, Micros]:
        """How much of the agreed hours was measured, and out of how much."""
        rest = sum(time for share, time in self.shares.items() if share not in (Share.EXCLUDED, Share.OUTSIDE_HOURS))
        return rest - self.shares[Share.UNKNOWN], rest

    @property
    def assessable(self) -> bool:
        """Whether enough was measured to say anything."""
        part, whole = self.measured
        return part > 0 and part * WHOLE >= whole * self.terms.coverage and self.counted(self.terms.counts) > 0

    @property
    def met(self) -> bool | None:
        """Whether downtime stayed within what is allowed; None if too little was measured."""
        return self.used(self.terms.counts) <= self.allowed if self.assessable else None


def account(track: Track, period: Interval, now: Micros, hours: Sequence[Interval] | None, terms: Terms) -> Kept:
    """The agreed period up to now; `hours` are those that count within the whole period, None for all of them.

    To tell how long outages at the edges last, the track must reach `reach(terms)` beyond both, as far as it is known.
    """
    until = max(period.start, min(period.end, now))
    open_hours = [period] if hours is None else within(period, hours)
    forgiven = _forgiven(track, terms)
    parts = tuple(_capped(_parts(track, Interval(period.start, until), open_hours, forgiven, terms), terms))
    remaining = sum(end - start for start, end in within(Interval(until, period.end), open_hours))
    return Kept(terms, parts, remaining)


def reach(terms: Terms) -> Micros:
    """How far beyond its period the track of an account must be known."""
    return 2 * terms.minimum_outage


def bounded(transitions: Sequence[Transition], bounds: Bounds) -> list[Transition]:
    """A ledger in which outages begin and end where the agreement says that they do."""
    return [_moved(transition, bounds) for transition in transitions]


def _moved(transition: Transition, bounds: Bounds) -> Transition:
    enters = transition.after is State.DOWN and transition.before is not State.DOWN
    leaves = transition.before is State.DOWN and transition.after is not State.DOWN
    earlier = (bounds is Bounds.AT_MOST and enters) or (bounds is Bounds.AT_LEAST and leaves)
    if not earlier or transition.last_before is None:
        return transition
    return replace(transition, since=min(transition.since, transition.last_before))


def announced_in_time(announced: date | None, start: Micros, notice: Micros, zone: tzinfo) -> bool:
    """Whether a window was announced early enough: the day of the announcement counts whole."""
    if not notice:
        return True
    if announced is None:
        return False
    day = datetime.combine(announced, time(), zone).astimezone(UTC)
    return start - round(day.timestamp()) * SECOND >= notice


def _parts(
    track: Track, period: Interval, hours: Sequence[Interval], forgiven: Sequence[Interval], terms: Terms
) -> Iterator[Part]:
    opened, excused, place = IntervalSet(hours), IntervalSet(forgiven), 0
    edges = sorted({*opened.edges(), *excused.edges()})
    for stretch in track:
        start, end = max(stretch.start, period.start), min(stretch.end, period.end)
        while start < end:
            while place < len(edges) and edges[place] <= start:
                place += 1
            until = min(end, edges[place]) if place < len(edges) else end
            yield _part(Interval(start, until), stretch.standing, start in opened, start in excused, terms)
            start = until


def _part(span: Interval, standing: Standing, is_open: bool, is_forgiven: bool, terms: Terms) -> Part:
    if not is_open:
        return Part(*span, Share.OUTSIDE_HOURS)
    if terms.excluded(standing):
        return Part(*span, Share.EXCLUDED, standing.cause, Share(standing.felt.value))
    if is_forgiven and terms.is_bad(standing.felt):
        return Part(*span, Share.FORGIVEN)
    return Part(*span, Share(standing.felt.value), standing.cause)


def _capped(parts: Iterator[Part], terms: Terms) -> Iterator[Part]:
    """Where more would be excluded than is agreed, the rest is what was measured."""
    left = terms.cap
    for part in parts:
        if left is None or part.share is not Share.EXCLUDED or part.measured is None:
            yield part
            continue
        end = min(part.end, part.start + left)
        left -= end - part.start
        if end > part.start:
            yield part._replace(end=end)
        if end < part.end:
            yield Part(end, part.end, part.measured, part.cause)


def _forgiven(track: Track, terms: Terms) -> list[Interval]:
    """Outages that are too short to count. Unknown in between does not end one, unless it lasts longer than that."""
    if not terms.minimum_outage:
        return []
    outages: list[Interval] = []
    goes_on = False
    for start, end, standing in track:
        if terms.is_bad(standing.felt) and not terms.excluded(standing):
            near = outages and goes_on and start - outages[-1].end <= terms.minimum_outage
            outages.append(Interval(outages.pop().start if near else start, end))
            goes_on = True
        elif standing.felt is not Class.UNKNOWN or terms.excluded(standing):
            goes_on = False
    return [outage for outage in outages if outage.end - outage.start < terms.minimum_outage]
