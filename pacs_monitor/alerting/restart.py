"""The situation as the record has it, so that a restart between two events changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from immutables import Map

from pacs_monitor.alerting import digests, fallbacks, held, pauses, recalled, shifts, undelivered
from pacs_monitor.alerting.causes import cause_of, due_of
from pacs_monitor.alerting.situation import (
    Asked,
    Behind,
    Calendar,
    Cover,
    Escalation,
    Flaps,
    Overrun,
    Site,
    Situation,
    Standing,
    Storm,
    Subject,
)
from pacs_monitor.alerting.storms import restored as storms_of
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import (
    TROUBLE,
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

NOTES = (
    *(
        "asked",
        "behind",
        "calendar",
        "closed",
        "cut",
        "differs",
        "digest",
        "escalation",
        "flaps",
        "missed",
        "oncall",
        "overrun",
        "pause",
    ),
    *("recalled", "site", "storm", fallbacks.KIND, "vanished", "window"),
)
"""The kinds of notes that alerting keeps."""


Notes = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By kind and key."""


def situation_of(restored: Restored, checks: Mapping[CheckId, Check], now: Micros) -> Situation:
    """What was open and said. Nothing was said later than now, whatever a clock that was ahead has dated."""
    notes = _notes(restored)
    subjects: dict[str, Subject] = {}
    by_check: dict[CheckId, str] = {}
    by_node: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    failing: dict[str, tuple[Micros, str]] = {}
    for recorded in restored.incidents:
        incident = with_problems(recorded, checks)
        subjects[incident.id] = _subject(incident, restored, notes, now)
        if incident.kind is IncidentKind.NODE:
            by_node[incident.members[0].node] |= {incident.id}
            by_check |= {problem.check: incident.id for problem in incident.active}
        elif incident.kind is IncidentKind.DELIVERY:
            failing[incident.cause] = incident.since, incident.detail
    asked = {CheckId.parse(key): Asked(**data) for key, data in notes["asked"].items()}
    storms, summarised = storms_of(subjects, {channel: _storm(data) for channel, data in notes["storm"].items()})
    situation = Situation(
        subjects=Map(subjects),
        storms=storms,
        summarised=summarised,
        by_cause=_by_cause(subjects.values()),
        by_check=Map(by_check),
        by_node=Map(by_node),
        standings=Map(_standings(restored)),
        asked=Map(asked),
        behind=Map({CheckId.parse(key): Behind(**data) for key, data in notes["behind"].items()}),
        flaps=Map({CheckId.parse(key): _flaps(data) for key, data in notes["flaps"].items()}),
        sites=_sites(asked, notes["site"], notes["vanished"], notes["cut"]),
        failing=Map(failing),
        recalled=Map([recalled.restored(key, data) for key, data in notes["recalled"].items()]),
        closed=Map({CheckId.parse(key): data["reason"] for key, data in notes["closed"].items()}),
        digests=digests.restored(notes["digest"], notes["missed"]),
    )
    return replace(situation, **_planned(restored, notes))


def _subject(incident: Incident, restored: Restored, notes: Notes, now: Micros) -> Subject:
    """What was said about it."""
    notified = {sent.channel: _until(sent, now) for sent in restored.notified.get(incident.id, ())}
    suppressed = _suppressed(restored.suppressed.get(incident.id, ()))
    due = min((p.due for p in incident.problems), default=incident.noticed)
    differs = notes["differs"].get(incident.id, {}).get("since")
    begun = notes["escalation"].get(incident.id)
    late = notes[fallbacks.KIND].get(incident.id)
    return Subject(
        incident,
        due,
        notified,
        suppressed,
        differs,
        None if begun is None else Escalation(**begun),
        undelivered.NOTHING_LATE if late is None else undelivered.restored(late),
        shifts.restored(notes["oncall"].get(incident.id, {})),
    )


def _notes(restored: Restored) -> dict[str, dict[str, Mapping[str, Any]]]:
    """By their kind and key."""
    return {kind: {note.key: note.data for note in restored.notes if note.kind == kind and note.data} for kind in NOTES}


def _planned(restored: Restored, notes: Notes) -> dict[str, Any]:
    """Windows and pauses, what is in maintenance, and what has overrun it."""
    return {
        "windows": Map({key: held.restored(data) for key, data in notes["window"].items()}),
        "calendars": Map({key: Calendar(**data) for key, data in notes["calendar"].items()}),
        "pauses": Map({key: pauses.restored(data) for key, data in notes["pause"].items()}),
        "covered": Map({span.check: Cover(span.window, span.since) for span in restored.maintained}),
        "overran": Map({CheckId.parse(key): Overrun(**data) for key, data in notes["overrun"].items()}),
    }


def _by_cause(subjects: Iterable[Subject]) -> Map[IncidentKind, Map[str, str]]:
    """More of a cause joins the oldest open incident of that cause."""
    owners: defaultdict[IncidentKind, dict[str, str]] = defaultdict(dict)
    for subject in sorted(subjects, key=Subject.age):
        owners[subject.incident.kind].setdefault(subject.incident.cause, subject.incident.id)
    return Map({kind: Map(causes) for kind, causes in owners.items()})


def _flaps(data: Mapping[str, Any]) -> Flaps:
    return Flaps(tuple(data["failures"]), data["since"], data["last"])


def _storm(data: Mapping[str, Any]) -> Storm:
    return Storm(tuple(data["opened"]), decided_at=data["decided_at"], last=data["last"])


def cut_off(restored: Restored) -> frozenset[str]:
    """The sites that could not be reached from ours when the monitor ended."""
    return frozenset(note.key for note in restored.notes if note.kind == "cut" and note.data)


def _sites(
    asked: Mapping[CheckId, Asked],
    suspect: Mapping[str, Mapping[str, Any]],
    vanished: Mapping[str, Mapping[str, Any]],
    cut: Mapping[str, Mapping[str, Any]],
) -> Map[str, Site]:
    """What was asked of them, who vanished when, since when they are cut off; who cannot be reached is counted anew."""
    awaited: defaultdict[str, dict[CheckId, None]] = defaultdict(dict)
    gone: defaultdict[str, list[tuple[Micros, CheckId]]] = defaultdict(list)
    for check, one in asked.items():
        if one.site:
            awaited[one.site][check] = None
    for key, data in vanished.items():
        gone[data["site"]].append((data["at"], CheckId.parse(key)))
    return Map(
        {
            name: Site(
                suspect_until=suspect.get(name, {}).get("suspect_until", 0),
                awaited=Map(awaited[name]),
                vanished=tuple(sorted(gone[name])),
                cut=cut.get(name, {}).get("since"),
            )
            for name in {*suspect, *awaited, *gone, *cut}
        }
    )


def with_problems(incident: Incident, checks: Mapping[CheckId, Check]) -> Incident:
    """An incident of the first schema has no times of its members: they follow from its own.

    Its cause was its check; more of what is wrong with it joins it now.
    """
    if incident.kind is not IncidentKind.NODE:
        return incident
    known = {problem.check: problem for problem in incident.problems}
    every = tuple(known.get(member) or _problem(incident, member) for member in incident.members)
    problems = tuple(problem if problem.due else replace(problem, due=_due(problem, checks)) for problem in every)
    if any(not problem.due for problem in every):
        incident = _with_its_cause(incident, checks)
    return replace(incident, problems=problems)


def _with_its_cause(incident: Incident, checks: Mapping[CheckId, Check]) -> Incident:
    check = checks.get(incident.members[0])
    if check is None or incident.state not in TROUBLE:
        return incident
    return replace(incident, cause=cause_of(check, incident.reason)[1])


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
    return due_of(problem.since, problem.noticed, 0.0 if check is None else check.page_after)


def _until(sent: Notified, now: Micros) -> Notified:
    return sent if sent.at <= now else sent.changed(at=now)


def _suppressed(rows: tuple[Suppressed, ...]) -> dict[tuple[Said, str], Suppressed]:
    return {(row.event, row.channel or ""): row for row in rows if row.ended is None}


def _standings(restored: Restored) -> dict[CheckId, Standing]:
    return {
        check: Standing(standing.state, standing.reason, standing.since, restored.last_before.get(check))
        for check, standing in restored.standings.items()
        if standing.state is not State.UP
    }
