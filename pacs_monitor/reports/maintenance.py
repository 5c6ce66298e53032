"""Planned maintenance as it happened, against what was planned, as data of the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from pacs_monitor.evidence import Statement
from pacs_monitor.intervals import FOREVER, Amount, Interval, IntervalSet
from pacs_monitor.model import SECOND, Maintained, Micros
from pacs_monitor.reliability import is_failed
from pacs_monitor.reliability import spans as outages_of
from pacs_monitor.reports.decided import windows_that_count
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.plans import Plan
from pacs_monitor.reports.record import Record
from pacs_monitor.services import Track, cut

PLANNED = (
    "planned_from",
    "planned_to",
    "planned_seconds",
    "added",
    "added_late_seconds",
    "by",
    "extended",
    "ended_early",
)


def rows(record: Record, period: Period, until: Micros) -> list[dict[str, Any]]:
    """Windows as they happened, with how long before they were announced."""
    windows: dict[str, list[Maintained]] = defaultdict(list)
    for spans in record.maintained.values():
        for span in spans:
            if span.since < until and (span.until is None or span.until > period.interval.start):
                windows[span.window].append(span)
    counts = windows_that_count(record)
    found = [
        _row(record, period, until, spans, record.plans.get(window)) | _counts(counts.get(window))
        for window, spans in windows.items()
    ]
    return sorted(found, key=lambda row: (row["from"], row["id"]))


def _row(
    record: Record, period: Period, until: Micros, spans: Sequence[Maintained], plan: Plan | None
) -> dict[str, Any]:
    start = min(span.since for span in spans)
    end = max(FOREVER if span.until is None else span.until for span in spans)
    within = Interval(max(start, period.interval.start), min(end, until))
    announced = spans[0].announced
    day = period.local(start)[:10]
    used, overrun = _work(record, spans, Interval(period.interval.start, until))
    return {
        "id": spans[0].window,
        "name": spans[0].name,
        "from": period.local(start),
        "to": None if end == FOREVER else period.local(end),
        "seconds": (within.end - within.start) / SECOND,
        "used_seconds": used / SECOND,
        "overrun_seconds": overrun / SECOND,
        **_planned(period, start, plan),
        "announced": announced and announced.isoformat(),
        "notice_days": None if announced is None else (date.fromisoformat(day) - announced).days,
        "nodes": sorted({span.check.node for span in spans}),
        "checks": len({span.check for span in spans}),
    }


def _planned(period: Period, start: Micros, plan: Plan | None) -> dict[str, Any]:
    """What was planned at first; null where that is not on record."""
    if plan is None:
        return dict.fromkeys(PLANNED)
    return {
        "planned_from": period.local(plan.start),
        "planned_to": period.local(plan.end),
        "planned_seconds": (plan.end - plan.start) / SECOND,
        "added": period.local(plan.added),
        "added_late_seconds": max(0, min(start, plan.end) - plan.start) / SECOND,
        "by": plan.by,
        "extended": period.local(plan.extended[-1][0]) if plan.extended else None,
        "ended_early": None if plan.ended is None else period.local(plan.ended),
    }


def _counts(said: Statement | None) -> dict[str, Any]:
    """What was said of whether its downtime counts; null where it is as agreed."""
    return {
        "counts": said and said.value,
        "counts_by": said and said.by,
        "counts_why": said and said.why,
    }


def _work(record: Record, spans: Sequence[Maintained], within: Interval) -> tuple[Micros, Micros]:
    """How long anything was down within the window, and how long after its end without having worked in between."""
    used: list[Interval] = []
    after: list[Interval] = []
    for span in spans:
        end, track = FOREVER if span.until is None else span.until, record.track(span.check)
        used += [part for part, _ in _failing(track, Interval(span.since, end))]
        goes_on = (whole for whole, _ in outages_of(track, record.during) if whole.start < end < whole.end)
        for whole in goes_on:
            after += [part for part, planned in _failing(track, Interval(end, whole.end)) if not planned]
    return _length(used, within), _length(after, within)


def _failing(track: Track, during: Interval) -> list[tuple[Interval, bool]]:
    """Downtime, and whether it was planned."""
    return [
        (Interval(part.start, part.end), part.standing.planned)
        for part in cut(track, during)
        if is_failed(part.standing.felt)
    ]


def _length(intervals: Sequence[Interval], within: Interval) -> Micros:
    edges = iter(sorted(IntervalSet(intervals).edges()))
    return Amount(Interval(start, end) for start, end in zip(edges, edges, strict=True)).within(within)
