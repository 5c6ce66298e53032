"""What was agreed and whether it was kept, as data of the report: each objective, each of its periods, each subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pacs_monitor import objectives
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.objectives import Counts, Kept, Part, Share
from pacs_monitor.pieces import Cause
from pacs_monitor.reports import words
from pacs_monitor.reports.periods import Period, contract_years, overlapping
from pacs_monitor.reports.record import Record

DOWNTIME = (Share.DOWN, Share.UNREACHABLE, Share.FORGIVEN, Share.EXCLUDED)


class Subject(NamedTuple):
    """What an agreement is about."""

    kind: str
    """`service` or `node`."""
    name: str


def widest(period: Period, terms: list[ObjectiveSettings]) -> Interval:
    """What must be read to account for these: whole agreed periods, and outages at their edges."""
    start, end = period.interval
    for objective in terms:
        reach = objectives.reach(objective.terms())
        spans = [one.interval for one in periods(objective, period)]
        start = min(start, *(span.start - reach for span in spans))
        end = max(end, period.interval.end + reach)
    return Interval(start, end)


def rows(record: Record, period: Period, now: Micros) -> Iterator[dict[str, Any]]:
    """One for each agreed period that the report's touches, up to the end of the report's."""
    until = min(period.interval.end, now)
    for objective in in_period(record, period.interval).values():
        for one in periods(objective, period):
            if one.interval.start < until:
                for subject in subjects(record, objective, one.interval):
                    yield _row(record, objective, one, subject, until)


def periods(objective: ObjectiveSettings, period: Period) -> list[Period]:
    """The agreed periods of an objective that another one touches."""
    if objective.begins is not None:
        return contract_years(objective.begins, period.interval, period.timezone)
    return overlapping(objective.per, period.interval, period.timezone)


def in_period(record: Record, interval: Interval) -> dict[str, ObjectiveSettings]:
    """The objectives that were in force at some time, by their last terms."""
    found: dict[str, ObjectiveSettings] = {}
    for reign in record.reigns_in(interval):
        found |= reign.said.objectives
    return found


def subjects(record: Record, objective: ObjectiveSettings, during: Interval) -> list[Subject]:
    """What an objective is judged for: its service, or each node with checks that match."""
    if objective.service is not None:
        return [Subject("service", objective.service)]
    return [Subject("node", node) for node in record.nodes(objective.match, during)]


def account(record: Record, objective: ObjectiveSettings, period: Interval, subject: Subject, until: Micros) -> Kept:
    """An agreed period up to a moment, by the terms of the objective."""
    notice = round(objective.notice * SECOND)
    if subject.kind == "service":
        track = record.of_service(subject.name, notice, objective.outage)
    else:
        track = record.of_node(subject.name, objective.match, notice, objective.outage)
    return objectives.account(track, period, until, _hours(record, objective, period), objective.terms())


def _row(
    record: Record, objective: ObjectiveSettings, period: Period, subject: Subject, until: Micros
) -> dict[str, Any]:
    kept = account(record, objective, period.interval, subject, until)
    counts = kept.terms.counts
    so_far = until < period.interval.end
    row = _terms(objective) | {
        "subject": subject.kind,
        "of": subject.name,
        "title": _title(record, subject, until),
        "period": period.name,
        "from": period.local(period.interval.start),
        "to": period.local(period.interval.end),
        "accounted_until": period.local(min(until, period.interval.end)),
        "so_far": so_far,
        "availability": availability(kept, Counts.FELT),
        "availability_attributable": availability(kept, Counts.ATTRIBUTABLE),
        "met": kept.met,
        "verdict": _verdict(kept, so_far),
        "budget_seconds": kept.allowed / SECOND,
        "used_seconds": kept.used(counts) / SECOND,
        "left_seconds": (kept.allowed - kept.used(counts)) / SECOND,
        "felt_seconds": kept.used(Counts.FELT) / SECOND,
        "counted_time_seconds": kept.counted(counts) / SECOND,
        "felt_time_seconds": kept.counted(Counts.FELT) / SECOND,
        "measured_seconds": kept.measured[0] / SECOND,
        "to_measure_seconds": kept.measured[1] / SECOND,
        "seconds": {share.value: time / SECOND for share, time in kept.shares.items()},
        "unknown_by_cause": _causes(kept),
        "months": list(_months(kept, period, until)),
        "outages": list(_outages(kept, period)),
        "changed": _changes(record, objective, period),
    }
    return row | {"sentences": words.verdict(row)}


def _terms(objective: ObjectiveSettings) -> dict[str, Any]:
    return {
        "name": objective.name,
        "contract": objective.contract,
        "per": objective.per,
        "target": objective.availability,
        "allowed_seconds": objective.allowed,
        "counts": objective.terms().counts.value,
        "calendar": objective.calendar,
        "degraded": objective.degraded,
        "maintenance": objective.maintenance.value,
        "notice_seconds": objective.notice,
        "cap_seconds": objective.cap,
        "minimum_outage_seconds": objective.minimum_outage,
        "outage": objective.outage.value,
        "coverage_needed": objective.coverage,
    }


def _hours(record: Record, objective: ObjectiveSettings, during: Interval) -> list[Interval] | None:
    """The agreed hours, by the calendar that was in force at each time."""
    if objective.calendar is None:
        return None
    found: list[Interval] = []
    for number, reign in enumerate(record.reigns):
        last = number == len(record.reigns) - 1
        span = Interval(
            max(during.start, reign.during.start), during.end if last else min(during.end, reign.during.end)
        )
        calendar = reign.said.calendars.get(objective.calendar)
        if calendar is not None and span.start < span.end:
            found += calendar.intervals(span)
    return found


def _title(record: Record, subject: Subject, at: Micros) -> str:
    node = record.said_at(at).nodes.get(subject.name) if subject.kind == "node" else None
    return node.title if node and node.title else subject.name


def availability(kept: Kept, counts: Counts) -> float | None:
    """The share of the time that counts; None where there is none."""
    whole = kept.counted(counts)
    return (whole - kept.used(counts)) / whole if whole else None


def _verdict(kept: Kept, so_far: bool) -> str:
    """`met`, `missed`, `within` (met so far), `not_assessable`."""
    if kept.met is None:
        return "not_assessable"
    if not kept.met:
        return "missed"
    return "within" if so_far else "met"


def _causes(kept: Kept) -> dict[str, float]:
    found = dict.fromkeys((cause.value for cause in Cause), 0)
    for part in kept.parts:
        if part.share is Share.UNKNOWN and part.cause is not None:
            found[part.cause] += part.end - part.start
    return {cause: time / SECOND for cause, time in found.items()}


def _months(kept: Kept, period: Period, until: Micros) -> Iterator[dict[str, Any]]:
    """The same seconds, month by month."""
    counts = kept.terms.counts
    for month in overlapping(
        "month", Interval(period.interval.start, min(until, period.interval.end)), period.timezone
    ):
        start, end = month.interval
        within = (part._replace(start=max(part.start, start), end=min(part.end, end)) for part in kept.parts)
        of_month = Kept(kept.terms, tuple(part for part in within if part.start < part.end))
        yield {
            "month": month.name,
            "availability": availability(of_month, Counts.FELT),
            "availability_attributable": availability(of_month, Counts.ATTRIBUTABLE),
            "used_seconds": of_month.used(counts) / SECOND,
            "felt_seconds": of_month.used(Counts.FELT) / SECOND,
            "counted_time_seconds": of_month.counted(counts) / SECOND,
            "seconds": {share.value: time / SECOND for share, time in of_month.shares.items()},
        }


def _outages(kept: Kept, period: Period) -> Iterator[dict[str, Any]]:
    """Each stretch of downtime in the agreed hours, and how much of it counts, so that they add up to the figure."""
    group: list[Part] = []
    for part in kept.parts:
        is_down = part.share in DOWNTIME or (part.share is Share.DEGRADED and not kept.terms.degraded_is_up)
        if group and (not is_down or group[-1].end < part.start):
            yield _outage(kept, group, period)
            group = []
        if is_down and not (part.share is Share.EXCLUDED and part.measured is Share.UP):
            group.append(part)
    if group:
        yield _outage(kept, group, period)


def _outage(kept: Kept, parts: list[Part], period: Period) -> dict[str, Any]:
    outage = Kept(kept.terms, tuple(parts))
    return {
        "from": period.local(parts[0].start),
        "to": period.local(parts[-1].end),
        "counted_seconds": outage.used(kept.terms.counts) / SECOND,
        "excluded_seconds": outage.shares[Share.EXCLUDED] / SECOND,
        "forgiven_seconds": outage.shares[Share.FORGIVEN] / SECOND,
        "unreachable_seconds": outage.shares[Share.UNREACHABLE] / SECOND,
    }


def _changes(record: Record, objective: ObjectiveSettings, period: Period) -> list[str]:
    """When within the period the terms were other ones, or the service had another rule."""
    found, last = [], None
    for reign in record.reigns_in(period.interval):
        terms = reign.said.objectives.get(objective.name)
        service = reign.said.services.get(objective.service or "")
        said = terms, service, reign.said.calendars.get(objective.calendar or "")
        if last is not None and said != last:
            found.append(period.local(reign.during.start))
        last = said
    return found
