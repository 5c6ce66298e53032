"""What was agreed on how long runs may take, and whether it was kept: each objective, period and subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pacs_monitor import objectives
from pacs_monitor.calendars import within
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.history import latencies
from pacs_monitor.intervals import Interval
from pacs_monitor.latency import Counted, Counts
from pacs_monitor.model import SECOND, CheckId, Micros
from pacs_monitor.objectives import WHOLE, Maintenance, Terms
from pacs_monitor.reports import agreements, in_time_words
from pacs_monitor.reports.agreed_outages import Subject
from pacs_monitor.reports.periods import Period, overlapping
from pacs_monitor.reports.record import Record
from pacs_monitor.services import combined


class Kept:
    """One agreed period of one subject, up to a moment; `counts` are those of its limit."""

    def __init__(
        self,
        record: Record,
        objective: ObjectiveSettings,
        period: Period,
        subject: Subject,
        *,
        until: Micros,
        counts: Counts,
    ) -> None:
        self.objective, self.subject, self.period = objective, subject, period
        self.until = min(until, period.interval.end)
        self.share = round((objective.share or 0) * WHOLE)
        self._record, self._counts = record, counts

    @cached_property
    def checks(self) -> list[CheckId]:
        """Those that measured it at some time of the period."""
        reigns = self._record.reigns_in(self.period.interval)
        known = (check for reign in reigns for check in reign.said.measuring(self.objective))
        node = self.subject.name if self.subject.kind == "node" else None
        return list(dict.fromkeys(check for check in known if node is None or check.node == node))

    def total(self, during: Interval | None = None) -> Counted:
        """Of the days that begin in a time."""
        total = Counted()
        for of, counted in self._counts.items():
            if during is None or during.start <= of.day < during.end:
                total.add(counted)
        return total

    @cached_property
    def in_force(self) -> list[Interval]:
        """When it was, with this limit: no other run was counted against it."""
        found: list[Interval] = []
        for reign in self._record.reigns_in(self._so_far):
            said = reign.said.objectives.get(self.objective.name)
            if said and (said.measure, said.within) == (self.objective.measure, self.objective.within):
                found.append(reign.during)
        return within(self._so_far, found)

    @property
    def since(self) -> Micros:
        """Since when runs have been counted."""
        return self.in_force[0].start if self.in_force else self.until

    @cached_property
    def measured(self) -> tuple[Micros, Micros]:
        """For how much of the agreed hours so far runs were counted, and out of how much."""
        notice = round(self.objective.notice * SECOND)
        track = combined(len(self.checks), [self._record.track(check, notice) for check in self.checks])
        left_out = self.objective.maintenance is not Maintenance.INCLUDE
        terms = Terms(maintenance=Maintenance.EXCLUDE_WINDOWS if left_out else Maintenance.INCLUDE)

        def measured(during: Interval) -> tuple[Micros, Micros]:
            hours = agreements.hours_of(self._record, self.objective, during)
            return objectives.account(track, during, self.until, hours, terms).measured

        return sum(measured(span)[0] for span in self.in_force), measured(self._so_far)[1]

    @property
    def _so_far(self) -> Interval:
        return Interval(self.period.interval.start, self.until)

    @property
    def met(self) -> bool | None:
        """Whether enough runs were in time; None if too little was measured."""
        part, whole = self.measured
        total = self.total()
        if not total.judged or part < whole * self.objective.coverage:
            return None
        return total.in_time * WHOLE >= total.judged * self.share


def kept(record: Record, period: Period, now: Micros) -> Iterator[Kept]:
    """One for each agreed period that another one touches, up to the end of that, and each subject.

    Of a day that is cut by that end, the whole day is counted.
    """
    until = min(period.interval.end, now)
    for objective in agreements.in_period(record, period.interval).values():
        for one in agreements.periods(objective, period) if objective.measure is not None else ():
            if one.interval.start < until:
                yield from _kept(record, objective, one, until)


def _kept(record: Record, objective: ObjectiveSettings, period: Period, until: Micros) -> Iterator[Kept]:
    agreed = objective.name, objective.measure, round((objective.within or 0) * SECOND)
    found = latencies.counts(record.reader, Interval(period.interval.start, min(until, period.interval.end)))
    by_node: defaultdict[str, Counts] = defaultdict(dict)
    for of, counted in found.items():
        if (of.objective, of.measure, of.within) == agreed:
            by_node[of.check.node][of] = counted
    for subject in _subjects(record, objective, period.interval):
        nodes = [subject.name] if subject.kind == "node" else list(by_node)
        counts = {of: counted for node in nodes for of, counted in by_node[node].items()}
        yield Kept(record, objective, period, subject, until=until, counts=counts)


def rows(record: Record, period: Period, now: Micros) -> Iterator[dict[str, Any]]:
    """As data of the report."""
    for one in kept(record, period, now):
        yield _row(record, one)


def _subjects(record: Record, objective: ObjectiveSettings, during: Interval) -> list[Subject]:
    if objective.service is not None:
        return [Subject("service", objective.service)]
    reigns = record.reigns_in(during)
    return [
        Subject("node", node)
        for node in sorted({check.node for reign in reigns for check in reign.said.measuring(objective)})
    ]


def _row(record: Record, one: Kept) -> dict[str, Any]:
    objective, period, total = one.objective, one.period, one.total()
    so_far = one.until < period.interval.end
    part, whole = one.measured
    row = {
        "name": objective.name,
        "contract": objective.contract,
        "per": objective.per,
        "measure": objective.measure,
        "within_seconds": objective.within,
        "target": objective.share,
        "calendar": objective.calendar,
        "maintenance": objective.maintenance.value,
        "counts": objective.terms().counts.value,
        "coverage_needed": objective.coverage,
        "consequence": objective.consequence,
        "subject": one.subject.kind,
        "of": one.subject.name,
        "title": agreements.title(record, one.subject, one.until),
        "period": period.name,
        "from": period.local(period.interval.start),
        "to": period.local(period.interval.end),
        "accounted_until": period.local(one.until),
        "counted_since": period.local(one.since),
        "so_far": so_far,
        **_figures(total, one.share),
        "measured_seconds": part / SECOND,
        "to_measure_seconds": whole / SECOND,
        "met": one.met,
        "verdict": agreements.verdict(one.met, so_far=so_far),
        "months": list(_months(one)),
        "changed": agreements.changes(record, objective, period),
    }
    return row | {"sentences": in_time_words.verdict(row)}


def _figures(total: Counted, share: int) -> dict[str, Any]:
    return {
        "runs": total.judged,
        "in_time": total.in_time,
        "slow": total.slow,
        "slow_permitted": total.permitted(share),
        "failed_sooner": total.failed,
        "share_in_time": total.in_time / total.judged if total.judged else None,
    }


def _months(one: Kept) -> Iterator[dict[str, Any]]:
    """The same counts, month by month."""
    until = Interval(one.period.interval.start, one.until)
    for month in overlapping("month", until, one.period.timezone):
        yield {"month": month.name, **_figures(one.total(month.interval), one.share)}
