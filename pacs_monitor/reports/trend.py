"""Four quarters, as data of the report: the three before, and the one in which it ends, up to there.

Each is judged as its own report had judged it: by the services, hours and terms that were in force then. Of a quarter
in which nothing was measured nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pacs_monitor import objectives
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.intervals import Interval
from pacs_monitor.model import Micros
from pacs_monitor.objectives import Counts
from pacs_monitor.pieces import Class
from pacs_monitor.reliability import View
from pacs_monitor.reports import agreements
from pacs_monitor.reports.agreed_outages import Subject, Views
from pacs_monitor.reports.periods import Period, overlapping
from pacs_monitor.reports.record import MOST_NODES, Record
from pacs_monitor.reports.tables import accounted
from pacs_monitor.services import Track, checks_of, cut

QUARTERS = 4


def rows(record: Record, period: Period, until: Micros, worst: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each service, each agreement about one, and the worst nodes."""
    if until <= period.interval.start:
        return []
    quarters = _quarters(period, until)
    names = {row["node"]: row["title"] for row in worst}
    during = Interval(quarters[0].interval.start, until)
    nodes = {*names, *_nodes_of_services(record)}
    wide = record.beyond(during, nodes if len(nodes) <= MOST_NODES else None)
    found = []
    for name in sorted({name for reign in record.reigns_in(period.interval) for name in reign.said.services}):
        track = wide.of_service(name)
        found.append(_row("service", name, name, [_plain(track, one, until) for one in quarters]))
    for objective in agreements.on_outages(record, period.interval):
        if objective.service is not None:
            told = [_agreed(wide, objective.name, one, until) for one in quarters]
            found.append(_row("objective", objective.name, objective.service, told))
    for name, title in names.items():
        track = wide.of_node(name)
        found.append(_row("node", name, title, [_plain(track, one, until) for one in quarters]))
    return found


def _row(kind: str, name: str, of: str, quarters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "name": name, "of": of, "quarters": quarters}


def _quarters(period: Period, until: Micros) -> list[Period]:
    found: list[Period] = []
    at = until - 1
    while len(found) < QUARTERS:
        found += overlapping("quarter", Interval(at, at + 1), period.timezone)
        at = found[-1].interval.start - 1
    return found[::-1]


def _nodes_of_services(record: Record) -> set[str]:
    rules = (reign.said.services for reign in record.reigns)
    return {member.partition("/")[0] for of in rules for name in of for member in checks_of(name, of)}


def _plain(track: Track, quarter: Period, until: Micros) -> dict[str, Any]:
    account = accounted(cut(track, Interval(quarter.interval.start, min(quarter.interval.end, until))))
    whole = sum(account.classes.values())
    return _quarter(quarter, until) | {
        "availability": account.availability(),
        "availability_attributable": account.attributable(),
        "coverage": (whole - account.classes[Class.UNKNOWN]) / whole,
    }


def _agreed(record: Record, name: str, quarter: Period, until: Micros) -> dict[str, Any]:
    """By the terms that were in force last in that quarter; without any there is no figure."""
    within = Interval(quarter.interval.start, min(quarter.interval.end, until))
    objective = agreements.in_period(record, within).get(name)
    found = (
        _quarter(quarter, until)
        | dict.fromkeys(
            ("availability", "availability_attributable", "availability_counted", "coverage", "verdict", "per")
        )
        | {"periods": 0, "periods_met": 0}
    )
    if objective is None or objective.service is None or objective.measure is not None:
        return found
    own = _own(record, objective, within)
    kept = objectives.Kept(
        objective.terms(), tuple(part for one in own for part in one.parts), sum(one.remaining for one in own)
    )
    months = own if objective.per == "month" else []
    measured, whole = kept.measured
    return found | {
        "availability": agreements.availability(kept, Counts.FELT),
        "availability_attributable": agreements.availability(kept, Counts.ATTRIBUTABLE),
        "availability_counted": agreements.availability(kept, kept.terms.counts),
        "coverage": measured / whole if whole else None,
        "verdict": agreements.verdict(kept.met, so_far=quarter.so_far(until)) if objective.per == "quarter" else None,
        "per": objective.per,
        "periods": len(months),
        "periods_met": sum(one.met is True for one in months),
    }


def _own(record: Record, objective: ObjectiveSettings, within: Interval) -> list[objectives.Kept]:
    """Accounted in its own periods; one of a year is not read beyond the quarter."""
    terms = objective.terms()
    track = Views(record, objective, Subject("service", objective.service or ""))(View.MEASURED)
    per_year = objective.per not in ("month", "quarter")
    own = [within] if per_year else [one.interval for one in overlapping(objective.per, within, record.timezone)]
    found = []
    for interval in own:
        hours = agreements.hours_of(record, objective, interval)
        kept = objectives.account(track, interval, within.end, hours, terms)
        found.append(replace(agreements.part_of(kept, within), remaining=kept.remaining))
    return found


def _quarter(quarter: Period, until: Micros) -> dict[str, Any]:
    return {"quarter": quarter.name, "so_far": quarter.so_far(until)}
