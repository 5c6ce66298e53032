"""The outages of whatever has a track (a check, a node, a service), and what they say of its reliability. Pure.

Nobody measures between two results, so a track is seen in four ways (View): as measured, with outages as short and as
long as they may have been, and as it was noticed. Each view of a service is made of the same view of its checks, so the
bounds of its outages are right whatever its rule is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from pacs_monitor.intervals import ALL_TIME, FOREVER, Amount, Interval, IntervalSet
from pacs_monitor.model import Micros
from pacs_monitor.pieces import Cause, Class
from pacs_monitor.services import Standing, Stretch, Track
from pacs_monitor.uptime import FAILED, Outage, Spell

IsBad = Callable[[Class], bool]


class View(StrEnum):
    """How long outages are taken to be."""

    MEASURED = "measured"
    """From the first failed to the first good result."""
    AT_LEAST = "at_least"
    """Between the first and the last failed result."""
    AT_MOST = "at_most"
    """From the last good to the first good result."""
    NOTICED = "noticed"
    """From when patience was spent."""


class Extent(NamedTuple):
    """An outage as far as it lies within a time."""

    span: Interval
    """From the first failed to the first good result."""
    ends: bool
    widest: Interval
    """From the last good result, if no other outage lies in between."""
    noticed: Micros
    """When patience was spent; its end if that was never."""


class Reliability(NamedTuple):
    """What the outages of a period come to, in microseconds; those whole within planned maintenance are left out."""

    outages: int
    planned: int
    """Outages that lie whole within planned maintenance."""
    down: Micros
    at_least: Micros
    at_most: Micros
    repair: float | None
    """Mean time to restore (MTTR): downtime for each outage."""
    between: float | None
    """Mean time between failures (MTBF): time in which it worked for each outage."""
    notice: float | None
    """Mean time from the first failed result to when the monitor was sure."""
    slowest_notice: Micros | None
    longest: Outage | None


class Planned(NamedTuple):
    """How much planned maintenance there was, in microseconds."""

    whole: Micros
    used: Micros
    """It was down."""
    overrun: Micros
    """It was still down after the end of a window: downtime as any other."""


def is_failed(kind: Class) -> bool:
    """Down, as users felt it."""
    return kind in FAILED


def seen(track: Track, spells: Sequence[Spell], view: View) -> Track:
    """The track of a check in one of the ways."""
    if view is View.MEASURED or not spells:
        return track
    if view is View.AT_MOST:
        return list(_changed(track, IntervalSet(spell.longest for spell in spells), inside=True))
    if view is View.AT_LEAST:
        kept = IntervalSet(interval for spell in spells for interval in spell.certain)
    else:
        ends = [FOREVER if spell.ended is None else spell.ended for spell in spells]
        kept = IntervalSet(Interval(spell.first.noticed, end) for spell, end in zip(spells, ends, strict=True))
    return list(_changed(track, kept, inside=False))


def extents(views: Callable[[View], Track], during: Interval, is_bad: IsBad = is_failed) -> list[Extent]:
    """The outages within a time, in order; without one only the measured view is asked for."""
    found, before = list[Extent](), during.start
    measured = list(spans(views(View.MEASURED), during, is_bad))
    if not measured:
        return []
    longest = [span for span, _ in spans(views(View.AT_MOST), during, is_bad)]
    starts = [span.start for span in longest]
    known = [part.start for part in views(View.NOTICED) if is_bad(part.standing.felt)]
    for span, ends in measured:
        place = bisect_right(starts, span.start) - 1
        earliest = longest[place].start if place >= 0 and longest[place].end > span.start else span.start
        first = bisect_left(known, span.start)
        noticed = known[first] if first < len(known) and known[first] < span.end else span.end
        found.append(Extent(span, ends, Interval(max(before, earliest), span.end), noticed))
        before = span.end
    return found


def outages(views: Callable[[View], Track], during: Interval) -> list[Outage]:
    """The same with how long they were, as users felt them."""
    found = extents(views, during)
    if not found:
        return []
    least, down, most = (_failed(views(view), planned=False) for view in (View.AT_LEAST, View.MEASURED, View.AT_MOST))
    planned = _failed(views(View.MEASURED), planned=True)
    return [
        Outage(
            span.start,
            span.end if ends else None,
            None,
            noticed,
            None,
            least.within(span),
            most.within(widest),
            down.within(span),
            planned.within(span),
        )
        for span, ends, widest, noticed in found
    ]


def spans(track: Track, during: Interval, is_bad: IsBad = is_failed) -> Iterator[tuple[Interval, bool]]:
    """From the beginning to the end of each outage within a time, and whether it ends.

    One begins with downtime and ends with the next state that was measured and is none, also in planned maintenance, or
    when it is no longer watched: unknown in between does not end it.
    """
    began: Micros | None = None
    for start, end, standing in track:
        if end <= during.start or start >= during.end:
            continue
        if is_bad(standing.felt):
            began = max(start, during.start) if began is None else began
        elif began is not None and (standing.felt is not Class.UNKNOWN or standing.cause is Cause.NOT_WATCHED):
            yield Interval(began, start), True
            began = None
    if began is not None:
        yield Interval(began, during.end), False


def reliability(outages: Iterable[Outage], working: Micros) -> Reliability:
    """Of the outages of a period, and the time in it in which it worked."""
    every = list(outages)
    those = [outage for outage in every if outage.down]
    count, down = len(those), sum(outage.down for outage in those)
    noticed = [max(0, outage.noticed - outage.since) for outage in those]
    return Reliability(
        count,
        sum(1 for outage in every if outage.planned and not outage.down),
        down,
        sum(outage.at_least for outage in those),
        sum(outage.at_most for outage in those),
        down / count if count else None,
        working / count if count else None,
        sum(noticed) / count if count else None,
        max(noticed, default=None),
        max(those, key=lambda outage: outage.down, default=None),
    )


def maintenance(track: Track, is_bad: IsBad = is_failed, hours: Sequence[Interval] | None = None) -> Planned:
    """What was planned against what was used, within some hours (sorted, apart) or at all times."""
    counted = Amount([ALL_TIME] if hours is None else hours)
    whole = used = overrun = 0
    goes_on = False
    for start, end, standing in track:
        bad, unknown = is_bad(standing.felt), standing.felt is Class.UNKNOWN and standing.cause is not Cause.NOT_WATCHED
        length = counted.within(Interval(start, end))
        if standing.planned:
            whole += length
            used += length if bad else 0
            goes_on = bad or (unknown and goes_on)
        else:
            goes_on = goes_on and (bad or unknown)
            overrun += length if goes_on and bad else 0
    return Planned(whole, used, overrun)


def _changed(track: Track, intervals: IntervalSet, *, inside: bool) -> Iterator[Stretch]:
    """Downtime also inside of the intervals, or only there."""
    edges = sorted(intervals.edges())
    kind = Class.DOWN if inside else Class.UP
    others = {planned: Standing(kind, None, planned, Class.UP if planned else kind) for planned in (False, True)}
    for start, end, standing in track:
        may = standing.cause is not Cause.NOT_WATCHED if inside else standing.felt in FAILED
        if not may or (inside and standing.felt in FAILED):
            yield Stretch(start, end, standing)
            continue
        within = edges[bisect_right(edges, start) : bisect_left(edges, end)]
        for begin, until in zip([start, *within], [*within, end], strict=True):
            yield Stretch(begin, until, others[standing.planned] if (begin in intervals) is inside else standing)


def _failed(track: Track, *, planned: bool) -> Amount:
    return Amount(
        Interval(part.start, part.end)
        for part in track
        if part.standing.felt in FAILED and part.standing.planned is planned
    )
