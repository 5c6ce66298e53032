"""What people added to what was measured, as data of the report: a row for each incident; declared outages apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pacs_monitor.calendars import within
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.evidence import NO, About, What, as_json, held, moments, span
from pacs_monitor.format.names import first
from pacs_monitor.history import declared_outages, statements_of
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Incident, Micros, Severity
from pacs_monitor.reports import agreements
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.record import Record
from pacs_monitor.services import checks_of

CLOCKS = {"response": What.RESPONDED, "restoration": What.RESTORED}
"""What is agreed of a vendor, and what stops the clock that the report of the incident starts."""
NAMED = 3
"""Checks of an incident that a row names."""


def rows(
    record: Record, incidents: Iterable[Incident], period: Period, until: Micros, nodes: set[str] | None
) -> list[dict[str, Any]]:
    """One for each of these (incidents of the period) of which anything was stated, in order of time."""
    wanted = {
        one.id: one
        for one in incidents
        if one.since < until and (nodes is None or any(member.node in nodes for member in one.members))
    }
    found = statements_of(record.reader, About.INCIDENT, wanted)
    ordered = sorted((wanted[identity] for identity in found), key=lambda one: (one.since, one.id))
    return [_row(record, one, period, until, found[one.id]) for one in ordered]


def declared(record: Record, period: Period, until: Micros) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Outages that people declared, and their sum for each node and service: never added to what was measured."""
    during = Interval(period.interval.start, until)
    listed, spans = [], dict[tuple[str, str], dict[str, list[Interval]]]()
    for one, statements in declared_outages(record.reader):
        start, end = span(one, statements)
        part = within(during, [Interval(start, until if end is None else end)])
        if not part:
            continue
        said = as_json([*one.stated(), *statements], period.local)
        kind, name = one.of
        counting = spans.setdefault(one.of, {"all": [], "counted": []})
        counting["all"] += part
        counting["counted"] += [] if said["counts"] == NO else part
        listed.append(
            {
                "id": one.id,
                "subject": kind,
                "of": name,
                "from": period.local(start),
                "to": None if end is None else period.local(end),
                "seconds": _length(part) / SECOND,
                "by": one.by,
                "declared": period.local(one.at),
                "known_by": one.evidence,
                **said,
            }
        )
    sums = [
        {
            "subject": kind,
            "of": name,
            "seconds": _length(within(during, counting["all"])) / SECOND,
            "counted_seconds": _length(within(during, counting["counted"])) / SECOND,
        }
        for (kind, name), counting in sorted(spans.items())
    ]
    return sorted(listed, key=lambda row: (row["from"], row["id"])), sums


def _row(
    record: Record, incident: Incident, period: Period, until: Micros, statements: Sequence[Any]
) -> dict[str, Any]:
    ended = until if incident.ended is None else incident.ended
    part = within(Interval(period.interval.start, until), [Interval(incident.since, ended)])
    said = as_json(statements, period.local)
    return {
        "incident": incident.id,
        "of": first([str(member) for member in incident.members], NAMED) or incident.cause,
        "severity": incident.severity.value,
        "from": period.local(incident.since),
        "to": None if incident.ended is None else period.local(incident.ended),
        "seconds": _length(part) / SECOND,
        **said,
        **_clocks(record, incident, moments(held(statements))),
    }


def _clocks(record: Record, incident: Incident, times: Any) -> dict[str, Any]:
    """How long response and restoration took from the report on, and what was agreed; null where that is not known.

    `counted` is the part of it in the agreed hours, where the agreement has such.
    """
    found: dict[str, Any] = {}
    for clock, what in CLOCKS.items():
        start, end = times.get(What.REPORTED), times.get(what)
        took = None if start is None or end is None else end - start
        terms = _agreed(record, incident, clock)
        agreed = None if terms is None else _within(terms, clock, incident.severity)
        counted = None
        if terms is not None and terms.calendar is not None and start is not None and end is not None:
            counted = _length(agreements.hours_of(record, terms, Interval(start, end)) or ())
        taken = took if counted is None else counted
        found |= {
            f"{clock}_seconds": _seconds(took),
            f"{clock}_counted_seconds": _seconds(counted),
            f"{clock}_agreed_seconds": agreed,
            f"{clock}_in_time": None if agreed is None or taken is None else taken <= round(agreed * SECOND),
            f"{clock}_contract": terms and (terms.contract or terms.name),
        }
    return found


def _agreed(record: Record, incident: Incident, clock: str) -> ObjectiveSettings | None:
    """The agreement in force when it began that covers any of it; of several the one with the shortest time."""
    said = record.said_at(incident.since + 1)
    names = {str(member) for member in incident.members}
    covering: list[tuple[float, ObjectiveSettings]] = []
    for objective in said.objectives.values():
        limit = _within(objective, clock, incident.severity)
        if limit is None:
            continue
        if objective.service is not None:
            covered = {str(check) for check in checks_of(objective.service, said.services)}
        else:
            covered = {str(check) for check in said.covered(objective.match)} if objective.match else set()
        if names & covered:
            covering.append((limit, objective))
    return min(covering, key=lambda one: one[0])[1] if covering else None


def _within(objective: ObjectiveSettings, clock: str, severity: Severity) -> float | None:
    times = objective.response if clock == "response" else objective.restoration
    return None if times is None else times.of(severity)


def _length(intervals: Iterable[Interval]) -> Micros:
    return sum(end - start for start, end in intervals)


def _seconds(micros: Micros | None) -> float | None:
    return None if micros is None else micros / SECOND
