"""What the result of an agreement hangs on, for those who sign: maintenance that was left out, time without results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor import objectives
from pacs_monitor.calendars import outside, within
from pacs_monitor.intervals import FOREVER, Amount, Interval
from pacs_monitor.model import SECOND, CheckId, Maintained, Micros
from pacs_monitor.objectives import Counts, Kept, Maintenance, Share
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.plans import announced
from pacs_monitor.reports.record import Record
from pacs_monitor.services import Track


def with_maintenance(
    track: Track, kept: Kept, period: Interval, until: Micros, hours: Sequence[Interval] | None
) -> Kept | None:
    """The same account if planned maintenance counted as any other time; None where none is left out."""
    if not kept.shares[Share.EXCLUDED]:
        return None
    terms = replace(kept.terms, maintenance=Maintenance.INCLUDE, cap=None)
    return objectives.account(track, period, until, hours, terms)


def spans(kept: Kept, share: Share, period: Period) -> dict[str, Any] | None:
    """How many stretches of a share there are, and the longest; None where there is none."""
    found = _joined(Interval(part.start, part.end) for part in kept.parts if part.share is share)
    if not found:
        return None
    start, end = max(found, key=lambda one: (one.end - one.start, -one.start))
    return {
        "spans": len(found),
        "longest_from": period.local(start),
        "longest_to": period.local(end),
        "longest_seconds": (end - start) / SECOND,
    }


def windows(record: Record, checks: set[CheckId], kept: Kept, during: Interval, notice: Micros) -> list[dict[str, Any]]:
    """The planned windows of these checks: announced in time, if that is agreed, and the downtime left out in them."""
    found: dict[str, list[Maintained]] = defaultdict(list)
    for check in checks:
        for span in record.maintained.get(check, ()):
            if span.since < during.end and (span.until is None or span.until > during.start):
                found[span.window].append(span)
    left_out, taken = _left_out(kept), list[Interval]()
    rows = []
    for window, of_window in sorted(found.items(), key=lambda item: (min(one.since for one in item[1]), item[0])):
        whole = _whole(of_window)
        own = [part for span in within(during, [whole]) for part in outside(span, taken)]
        taken += own
        rows.append(
            {
                "window": window,
                "name": of_window[0].name,
                "in_time": _in_time(record, of_window[0], whole, notice),
                "left_out_seconds": sum(left_out.within(part) for part in own) / SECOND,
            }
        )
    return rows


def _in_time(record: Record, span: Maintained, whole: Interval, notice: Micros) -> bool | None:
    """Whether any of it was announced early enough; None where no notice is agreed."""
    if not notice:
        return None
    return bool(announced(whole, span.announced, record.plans.get(span.window), notice, ZoneInfo(record.timezone)))


def _whole(of_window: Sequence[Maintained]) -> Interval:
    end = max(FOREVER if span.until is None else span.until for span in of_window)
    return Interval(min(span.since for span in of_window), end)


def _left_out(kept: Kept) -> Amount:
    bad = kept.terms.downtime(Counts.FELT)
    return Amount(
        Interval(part.start, part.end) for part in kept.parts if part.share is Share.EXCLUDED and part.measured in bad
    )


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    found: list[Interval] = []
    for one in intervals:
        if found and found[-1].end == one.start:
            found[-1] = Interval(found[-1].start, one.end)
        else:
            found.append(one)
    return found
