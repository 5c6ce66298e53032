"""The outages of whatever has a track (a check, a node, a service), and what they say of its reliability. Pure.

Nobody measures between two results, so a track is seen in four ways (View): as measured, with outages as short and as
long as they may have been, and as it was noticed. Each view of a service is made of the same view of its checks, so the
bounds of its outages are right whatever its rule is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from pacs_monitor.intervals import ALL_TIME, FOREVER, Amount, Interval, IntervalSet
from pacs_monitor.model import Micros
from pacs_monitor.pieces import Cause, Class
from pacs_monitor.services import NOTHING, Standing, Stretch, Track, joined
from pacs_monitor.services import together as stand_together
from pacs_monitor.uptime import FAILED, Outage, Spell

IsBad = Callable[[Class], bool]
WORKING = frozenset({Class.UP, Class.DEGRADED})
CERTAIN, LONGEST, NOTICED = 1, 2, 4
"""Where something was certainly down, may have been, and was noticed to be; together they are a sum."""


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
    """Mean operating time between failures (MTBF, IEC 60050-192): time in which it worked for each outage."""
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


class Seen(NamedTuple):
    """What stands at an instant, in each way of seeing it."""

    measured: Standing
    at_least: Standing
    at_most: Standing
    noticed: Standing


Sight = Sequence[Stretch[Seen]]
"""A track in all ways at once: to make a service of its checks, it is gone through once."""
NOTHING_SEEN = Seen(NOTHING, NOTHING, NOTHING, NOTHING)


def seen(track: Track, spells: Sequence[Spell]) -> Sight:
    """The track of a check in each of the ways."""
    if not spells:
        return [Stretch(start, end, _as_measured(standing)) for start, end, standing in track]
    ends = [FOREVER if spell.ended is None else spell.ended for spell in spells]
    turns: dict[Micros, int] = {}
    for bit, spans in (
        (CERTAIN, [interval for spell in spells for interval in spell.certain]),
        (LONGEST, [spell.longest for spell in spells]),
        (NOTICED, [Interval(spell.first.noticed, end) for spell, end in zip(spells, ends, strict=True)]),
    ):
        for edge in IntervalSet(spans).edges():
            turns[edge] = turns.get(edge, 0) ^ bit
    edges, place, within = [*sorted(turns), FOREVER], 0, 0
    found: list[Stretch[Seen]] = []
    for start, end, standing in track:
        ways, begin = _ways(standing), start
        while (edge := edges[place]) < end:
            if edge > begin:
                found.append(Stretch(begin, edge, ways[within]))
                begin = edge
            within, place = within ^ turns[edge], place + 1
        found.append(Stretch(begin, end, ways[within]))
    return found


@cache
def _as_measured(standing: Standing) -> Seen:
    return Seen(standing, standing, standing, standing)


@cache
def _ways(standing: Standing) -> Sequence[Seen]:
    """By in which of CERTAIN, LONGEST and NOTICED an instant lies, as bits.

    Downtime is up where it is not certain or not noticed; all that was watched is down where it may have been.
    """
    planned, failed = standing.planned, standing.felt in FAILED
    works = Standing(Class.UP, None, planned, Class.UP)
    fails = Standing(Class.DOWN, None, planned, Class.UP if planned else Class.DOWN)
    may_fail = not failed and standing.cause is not Cause.NOT_WATCHED
    return [
        Seen(
            standing,
            works if failed and not within & CERTAIN else standing,
            fails if may_fail and within & LONGEST else standing,
            works if failed and not within & NOTICED else standing,
        )
        for within in range(8)
    ]


def together(need: int, members: Sequence[Seen]) -> Seen:
    """What stands where these do, and `need` of them must work, in each way."""
    return Seen(*(stand_together(need, way) for way in zip(*members, strict=True)))


def ways(sight: Sight) -> dict[View, Track]:
    """A track for each way of seeing it."""
    return {view: joined([(start, end, seen[way]) for start, end, seen in sight]) for way, view in enumerate(View)}


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
    measured = views(View.MEASURED)
    planned = _failed(measured, planned=True)
    unreachable = Amount((start, end) for start, end, standing in measured if standing.counted is Class.UNREACHABLE)
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
            unreachable=unreachable.within(span),
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
        if not (standing.planned or goes_on):
            continue
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


def worked(track: Track, is_bad: IsBad = is_failed, hours: Sequence[Interval] | None = None) -> Micros:
    """How long it was seen to work outside of planned maintenance, within some hours or at all times: of its MTBF."""
    counted = Amount([ALL_TIME] if hours is None else hours)
    return sum(
        counted.within(Interval(start, end))
        for start, end, standing in track
        if standing.felt in WORKING and not standing.planned and not is_bad(standing.felt)
    )


def _failed(track: Track, *, planned: bool) -> Amount:
    return Amount(
        (start, end) for start, end, standing in track if standing.felt in FAILED and standing.planned is planned
    )
