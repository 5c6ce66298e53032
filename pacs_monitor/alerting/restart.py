"""The situation as the record has it, so that a restart between two events changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from immutables import Map

from pacs_monitor.alerting.rules import is_active
from pacs_monitor.alerting.situation import Behind, Situation, Standing, Subject
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import (
    SECOND,
    Check,
    CheckId,
    Incident,
    IncidentKind,
    Micros,
    Notified,
    Problem,
    State,
    Suppressed,
)
from pacs_monitor.model import Event as Said


def situation_of(restored: Restored, checks: Mapping[CheckId, Check], now: Micros) -> Situation:
    """What was open and said. Nothing was said later than now, whatever a clock that was ahead has dated."""
    differs = {note.key: note.data["since"] for note in restored.notes if note.kind == "differs" and note.data}
    subjects: dict[str, Subject] = {}
    by_cause: defaultdict[IncidentKind, dict[str, str]] = defaultdict(dict)
    by_check: dict[CheckId, str] = {}
    by_node: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    failing: dict[str, tuple[Micros, str]] = {}
    for recorded in restored.incidents:
        incident = with_problems(recorded, checks)
        notified = {told.channel: _until(told, now) for told in restored.notified.get(incident.id, ())}
        suppressed = _suppressed(restored.suppressed.get(incident.id, ()))
        due = min((p.due for p in incident.problems), default=incident.noticed)
        subjects[incident.id] = Subject(incident, due, notified, suppressed, differs.get(incident.id))
        by_cause[incident.kind].setdefault(incident.cause, incident.id)
        if incident.kind is IncidentKind.NODE:
            by_node[incident.members[0].node] |= {incident.id}
            by_check |= {problem.check: incident.id for problem in incident.problems if is_active(problem)}
        elif incident.kind is IncidentKind.DELIVERY:
            failing[incident.cause] = incident.since, incident.detail
    behind = {
        CheckId.parse(note.key): Behind(note.data["parent"], note.data["since"])
        for note in restored.notes
        if note.kind == "behind" and note.data
    }
    return Situation(
        subjects=Map(subjects),
        by_cause=Map({kind: Map(causes) for kind, causes in by_cause.items()}),
        by_check=Map(by_check),
        by_node=Map(by_node),
        standings=Map(_standings(restored)),
        behind=Map(behind),
        failing=Map(failing),
    )


def with_problems(incident: Incident, checks: Mapping[CheckId, Check]) -> Incident:
    """An incident of the first schema has no times of its members: they follow from its own."""
    if incident.kind is not IncidentKind.NODE:
        return incident
    known = {problem.check: problem for problem in incident.problems}
    every = tuple(known.get(member) or _problem(incident, member) for member in incident.members)
    problems = tuple(problem if problem.due else replace(problem, due=_due(problem, checks)) for problem in every)
    return replace(incident, problems=problems)


def _problem(incident: Incident, member: CheckId) -> Problem:
    return Problem(
        member,
        incident.state,
        incident.severity,
        incident.reason,
        incident.phase,
        incident.detail,
        incident.last_good,
        incident.since,
        incident.noticed,
        0,
    )


def _due(problem: Problem, checks: Mapping[CheckId, Check]) -> Micros:
    check = checks.get(problem.check)
    page_after = 0.0 if check is None else check.page_after
    return max(problem.noticed, min(problem.since, problem.noticed) + round(page_after * SECOND))


def _until(told: Notified, now: Micros) -> Notified:
    return told if told.at <= now else told.changed(at=now)


def _suppressed(rows: tuple[Suppressed, ...]) -> dict[tuple[Said, str], Suppressed]:
    return {(row.event, row.channel or ""): row for row in rows if row.ended is None and row.event is Said.OPENED}


def _standings(restored: Restored) -> dict[CheckId, Standing]:
    return {
        check: Standing(standing.state, standing.reason, standing.since, None)
        for check, standing in restored.standings.items()
        if standing.state is not State.UP
    }
