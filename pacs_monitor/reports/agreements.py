"""What was agreed and whether it was kept, as data of the report: each objective, each of its periods, each subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pacs_monitor import objectives
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.history import HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.objectives import Counts, Kept, Share
from pacs_monitor.pieces import Cause
from pacs_monitor.reliability import View, maintenance, reliability, worked
from pacs_monitor.reports import agreed_outages, because, hangs_on, opening, outages, verdicts
from pacs_monitor.reports.agreed_outages import AgreedOutage, Subject, Views
from pacs_monitor.reports.periods import Period, contract_years, overlapping
from pacs_monitor.reports.record import Record
from pacs_monitor.services import cut

OF_A_MONTH = (
    "availability",
    "availability_attributable",
    "used_seconds",
    "counted_time_seconds",
    "felt_seconds",
    "felt_time_seconds",
    "attributable_seconds",
    "attributable_time_seconds",
    "availability_experienced",
    "experienced_seconds",
    "experienced_time_seconds",
    "seconds",
)
"""Figures that a part of an agreed period has too: it is not judged."""
JUDGED = ("verdict", "met", "used_seconds", "counted_time_seconds", "budget_seconds", "left_seconds")
"""What is said of the result by other rules."""


def record_of(reader: HistoryReader, period: Period) -> Record:
    """The record of a period, as far as the agreements reach that were in force in it."""
    near = Record(reader, period.interval, period.timezone)
    wide = _widest(period, in_period(near, period.interval).values())
    return near if wide == period.interval else near.beyond(wide, None)


def _widest(period: Period, terms: Iterable[ObjectiveSettings]) -> Interval:
    """What must be read to account for these: whole agreed periods, and outages at their edges."""
    start, end = period.interval
    for objective in terms:
        reach = objectives.reach(objective.terms())
        spans = [one.interval for one in periods(objective, period)]
        start = min([start, *(span.start - reach for span in spans)])
        end = max(end, period.interval.end + reach)
    return Interval(start, end)


def rows(record: Record, period: Period, now: Micros) -> Iterator[dict[str, Any]]:
    """One for each agreed period that the report's touches, up to the end of the report's."""
    until = min(period.interval.end, now)
    for objective in on_outages(record, period.interval):
        views: dict[Subject, Views] = {}  # of the whole record, whichever period is accounted
        for one in periods(objective, period):
            if one.interval.start < until:
                for subject in subjects(record, objective, one.interval):
                    if subject not in views:
                        views[subject] = Views(record, objective, subject)
                    yield _row(record, views[subject], one, until)


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


def on_outages(record: Record, interval: Interval) -> list[ObjectiveSettings]:
    """Those on availability, and not on how long runs take."""
    return [objective for objective in in_period(record, interval).values() if objective.measure is None]


def subjects(record: Record, objective: ObjectiveSettings, during: Interval) -> list[Subject]:
    """What an objective is judged for: its service, or each node with checks that match."""
    if objective.service is not None:
        return [Subject("service", objective.service)]
    return [Subject("node", node) for node in record.nodes(objective.match, during)]


def account(record: Record, objective: ObjectiveSettings, period: Interval, subject: Subject, until: Micros) -> Kept:
    """An agreed period up to a moment, by the terms of the objective."""
    track = Views(record, objective, subject)(View.MEASURED)
    return objectives.account(track, period, until, hours_of(record, objective, period), objective.terms())


def _row(record: Record, views: Views, period: Period, until: Micros) -> dict[str, Any]:
    objective, subject, terms = views.objective, views.subject, views.objective.terms()
    hours = hours_of(record, objective, period.interval)
    kept = objectives.account(views(View.MEASURED), period.interval, until, hours, terms)
    within = Interval(period.interval.start, min(until, period.interval.end))
    measured = cut(views(View.MEASURED), within)
    found = agreed_outages.outages(views, kept, period.interval, within.end, hours)
    checks = views.checks(within)
    reasons = because.Reasons(record, checks)
    row = _terms(objective) | {
        "subject": subject.kind,
        "of": subject.name,
        "title": title(record, subject, until),
        "period": period.name,
        "from": period.local(period.interval.start),
        "to": period.local(period.interval.end),
        "accounted_until": period.local(min(until, period.interval.end)),
        "so_far": until < period.interval.end,
        **figures(kept, so_far=until < period.interval.end),
        "unknown_by_cause": _causes(kept),
        **_hangs_on(kept, views, one=period, until=until, hours=hours),
        "windows": hangs_on.windows(record, checks, kept, within, round(objective.notice * SECOND)),
        "months": list(_months(kept, period, until)),
        "covers": sorted(map(str, checks)),
        **opening.hours(record, objective.calendar, within),
        "outages": [outage.listed(period) | {"because": reasons.of(outage.extent.span)} for outage in found],
        "reliability": _reliability(found, worked(measured, terms.is_bad, hours)),
        "maintenance_work": outages.planned(maintenance(measured, terms.is_bad, hours)),
        "brief_failures": None if hours is not None else record.brief(checks, within),
        "changed": changes(record, objective, period),
    }
    return row | {"sentences": verdicts.verdict(row)}


def _hangs_on(kept: Kept, views: Views, *, one: Period, until: Micros, hours: list[Interval] | None) -> dict[str, Any]:
    """What the result would be if maintenance counted, and what was not measured or slow."""
    other = hangs_on.with_maintenance(views(View.MEASURED), kept, one.interval, until, hours)
    return {
        "maintenance_included": other and _judged(other, so_far=until < one.interval.end),
        "tolerated_seconds": kept.tolerated / SECOND,
        "unmeasured": hangs_on.spans(kept, Share.UNKNOWN, one),
        "slow": hangs_on.spans(kept, Share.DEGRADED, one),
    }


def _judged(kept: Kept, *, so_far: bool) -> dict[str, Any]:
    found = figures(kept, so_far=so_far)
    return {key: found[key] for key in JUDGED}


def figures(kept: Kept, *, so_far: bool) -> dict[str, Any]:
    """What an account comes to."""
    counts, (bad, whole) = kept.terms.counts, kept.experienced
    return {
        "availability": availability(kept, Counts.FELT),
        "availability_attributable": availability(kept, Counts.ATTRIBUTABLE),
        "met": kept.met,
        "verdict": verdict(kept.met, so_far=so_far),
        "budget_seconds": kept.allowed / SECOND,
        "used_seconds": kept.used(counts) / SECOND,
        "left_seconds": (kept.allowed - kept.used(counts)) / SECOND,
        "felt_seconds": kept.used(Counts.FELT) / SECOND,
        "counted_time_seconds": kept.counted(counts) / SECOND,
        "felt_time_seconds": kept.counted(Counts.FELT) / SECOND,
        "measured_seconds": kept.measured[0] / SECOND,
        "to_measure_seconds": kept.measured[1] / SECOND,
        "attributable_seconds": kept.used(Counts.ATTRIBUTABLE) / SECOND,
        "attributable_time_seconds": kept.counted(Counts.ATTRIBUTABLE) / SECOND,
        "availability_experienced": (whole - bad) / whole if whole else None,
        "experienced_seconds": bad / SECOND,
        "experienced_time_seconds": whole / SECOND,
        "seconds": {share.value: time / SECOND for share, time in kept.shares.items()},
    }


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
        "consequence": objective.consequence,
    }


def hours_of(record: Record, objective: ObjectiveSettings, during: Interval) -> list[Interval] | None:
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


def title(record: Record, subject: Subject, at: Micros) -> str:
    """What it was called just before a moment."""
    node = record.said_at(at).nodes.get(subject.name) if subject.kind == "node" else None
    return node.title if node and node.title else subject.name


def availability(kept: Kept, counts: Counts) -> float | None:
    """The share of the time that counts; None where there is none."""
    whole = kept.counted(counts)
    return (whole - kept.used(counts)) / whole if whole else None


def verdict(met: bool | None, *, so_far: bool) -> str:
    """`met`, `missed`, `within` (met so far), `not_assessable`."""
    if met is None:
        return "not_assessable"
    if not met:
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
    for month in overlapping(
        "month", Interval(period.interval.start, min(until, period.interval.end)), period.timezone
    ):
        found = figures(part_of(kept, month.interval), so_far=False)
        yield {"month": month.name, **{key: found[key] for key in OF_A_MONTH}}


def part_of(kept: Kept, during: Interval) -> Kept:
    """The same account, of a part of its time."""
    within = (part._replace(start=max(part.start, during.start), end=min(part.end, during.end)) for part in kept.parts)
    return Kept(kept.terms, tuple(part for part in within if part.start < part.end))


def _reliability(found: list[AgreedOutage], working: Micros) -> dict[str, Any]:
    return outages.summary(reliability((outage.plain() for outage in found), working))


def changes(record: Record, objective: ObjectiveSettings, period: Period) -> list[str]:
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
