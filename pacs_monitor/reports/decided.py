"""The figure of an agreement with what people said does or does not count, beside the figure by its rules.

An outage or window that does not count is left out where it alone explains that something was down; one that counts
does so whatever was planned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pacs_monitor.calendars import outside, within
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.evidence import NO, About, Statement, What, held
from pacs_monitor.history import statements_of
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import CheckId, Incident, Maintained, Micros
from pacs_monitor.objectives import Counts, Kept, Part, Share, Terms
from pacs_monitor.reports import agreements, verdicts
from pacs_monitor.reports.agreed_outages import Subject, Views
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.record import Record
from pacs_monitor.services import Track

FIGURES = (
    "used_seconds",
    "felt_seconds",
    "counted_time_seconds",
    "felt_time_seconds",
    "budget_seconds",
    "left_seconds",
    "availability",
    "availability_attributable",
    "met",
    "verdict",
)
"""Of an agreement, what decisions may change."""
KEPT = ("coverage", "revisions", "reigns", "_ledgers", "_behind")
"""Of a record, whatever is planned."""
Spans = dict[CheckId, list[Maintained]]


@dataclass
class Decisions:
    """What people said of the time of a record, and the records that follow from it."""

    planned: Record
    """With the windows that count as such."""
    excused: Record
    """With windows where something does not count."""
    checks: set[CheckId]
    """Of which any of it is said."""


def decisions(record: Record, incidents: Iterable[Incident]) -> Decisions | None:
    """Read them; None where there are none."""
    of_incident = {one.id: one for one in incidents if one.members}
    said = _said(record, About.INCIDENT, of_incident)
    of_windows = windows_that_count(record)
    if not said and not of_windows:
        return None
    excused: Spans = defaultdict(list)
    kept: dict[CheckId, list[Interval]] = defaultdict(list)
    checks: set[CheckId] = set()
    for identity, statement in said.items():
        incident = of_incident[identity]
        for check in incident.members:
            checks.add(check)
            if statement.value == NO:
                excused[check].append(Maintained(check, identity, incident.since, incident.ended))
            else:
                kept[check].append(_during(incident.since, incident.ended))
    planned: Spans = {}
    for check, spans in record.maintained.items():
        planned[check] = [one for span in spans for one in _planned(span, of_windows, kept[check])]
        decided = [span for span in spans if span.window in of_windows]
        excused[check] += [span for span in decided if of_windows[span.window].value == NO]
        checks |= {check} if decided else set()
    return Decisions(_with(record, planned), _with(record, excused), checks)


def windows_that_count(record: Record) -> dict[str, Statement]:
    """What is said of windows: by people as they took place, else by the configuration."""
    if not record.began:
        return {}
    from pacs_monitor.reports.planning import counting  # noqa: PLC0415 - many periods have no windows

    return counting(record.reigns, record.began) | _said(record, About.WINDOW, record.began)


def add(
    record: Record, rows: Iterable[dict[str, Any]], period: Period, until: Micros, found: Decisions | None
) -> Iterator[dict[str, Any]]:
    """The rows of agreements, each with its second figure as `decided`, or None where it is the same."""
    if found is None:
        yield from (row | {"decided": None} for row in rows)
        return
    terms = agreements.in_period(record, period.interval)
    periods = {
        (name, one.name): one for name, objective in terms.items() for one in agreements.periods(objective, period)
    }
    for row in rows:
        objective, subject = terms[row["name"]], Subject(row["subject"], row["of"])
        one = periods[row["name"], row["period"]]
        decided = None
        if not found.checks.isdisjoint(Views(record, objective, subject).checks(record.during)):
            decided = _figures(found, objective, one, subject, until)
        if decided is None or all(row[key] == decided[key] for key in ("used_seconds", "counted_time_seconds")):
            yield row | {"decided": None}
        else:
            row |= {"decided": decided}
            yield row | {"sentences": verdicts.verdict(row)}


def without(kept: Kept, excused: Track) -> Kept:
    """An agreed period in which downtime is left out that `excused` (with it as planned work) alone explains."""
    terms = kept.terms
    free = within(
        Interval(-FOREVER, FOREVER),
        [
            Interval(start, end)
            for start, end, standing in excused
            if standing.planned and terms.is_bad(standing.felt) and not terms.is_bad(standing.unplanned)
        ],
    )
    return Kept(terms, tuple(_left_out(kept.parts, free, terms)), kept.remaining)


def _left_out(parts: Iterable[Part], free: Sequence[Interval], terms: Terms) -> Iterator[Part]:
    bad = terms.downtime(Counts.FELT)
    for part in parts:
        if part.share not in bad:
            yield part
            continue
        span = Interval(part.start, part.end)
        pieces = [(one, True) for one in within(span, free)] + [(one, False) for one in outside(span, free)]
        for (start, end), is_free in sorted(pieces):
            left_out = part._replace(share=Share.EXCLUDED, measured=part.share) if is_free else part
            yield left_out._replace(start=start, end=end)


def _said(record: Record, about: About, subjects: Iterable[str]) -> dict[str, Statement]:
    found = statements_of(record.reader, about, set(subjects))
    holds = {subject: held(statements).get(What.COUNTS) for subject, statements in found.items()}
    return {subject: one for subject, one in holds.items() if one is not None}


def _planned(span: Maintained, said: Mapping[str, Statement], kept: Sequence[Interval]) -> Iterator[Maintained]:
    """What remains of a window: nothing if it counts, else what lies in no outage that does."""
    if span.window in said and said[span.window].value != NO:
        return
    for start, end in outside(_during(span.since, span.until), kept):
        yield span._replace(since=start, until=None if end == FOREVER else end)


def _during(start: Micros, end: Micros | None) -> Interval:
    return Interval(start, FOREVER if end is None else end)


def _with(record: Record, maintained: Spans) -> Record:
    other = record.beyond(record.during, record.nodes_read)
    for name in KEPT:
        other.__dict__[name] = getattr(record, name)
    other.__dict__["maintained"] = maintained
    return other


def _figures(
    found: Decisions, objective: ObjectiveSettings, period: Period, subject: Subject, until: Micros
) -> dict[str, Any]:
    kept = agreements.account(found.planned, objective, period.interval, subject, until)
    if objective.service is not None:
        excused = found.excused.of_service(subject.name, 0, objective.outage)
    else:
        excused = found.excused.of_node(subject.name, objective.match, 0, objective.outage)
    figures = agreements.figures(without(kept, excused), so_far=until < period.interval.end)
    return {key: figures[key] for key in FIGURES}
