"""Many incidents at once: a channel opens so many within a minute, the worst first; one summary stands for the rest.

Theory of operation. As long as fewer than half of what a channel may open within a minute were opened, each goes out at
once. Then they wait: GATHER for the first time, and until a minute after the last time from then on. The worst of those
that waited go out as far as there is room, and the rest in one notification, a summary: an incident of its own, which
ends when all that it stands for have ended. What gets worse than the summary says, or what a reminder is due of,
is opened for itself as if it were new, and has an end of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from immutables import Map

from pacs_monitor.alerting.causes import channel_of, class_of, worst_severity
from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.situation import Storm, Subject
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import (
    SECOND,
    Ending,
    Incident,
    IncidentKind,
    Micros,
    Severity,
    State,
    failure_class,
    iso,
)
from pacs_monitor.model import Event as Said

MINUTE = 60 * SECOND
GATHER = 10 * SECOND
"""How long the first ones wait for worse ones."""
WHY = "storm"
TOO_MANY = "too many within a minute"
"""The detail of one that waits."""


class Held(NamedTuple):
    """Why an incident is not opened for itself, and until when."""

    detail: str
    until: Micros | None


def held(turn: Turn, subject: Subject, channel: str, target: Target) -> Held | None:
    """Whether a channel has too many to open, or was notified of this one in a summary."""
    identity = subject.incident.id
    summary = _summary_of(turn, identity, channel)
    if summary is not None and (told := _told(turn, subject, summary, target)) is not None:
        return told
    if (identity, channel) in turn.admitted:
        return None
    storm = _storm(turn, channel)
    if storm.waiting and storm.decided_at <= turn.at:
        _decide(turn, channel, storm)
        return held(turn, subject, channel, target)
    if not storm.waiting and _is_calm(turn, channel, storm):
        return None
    if identity not in storm.waiting:
        at = storm.decided_at if storm.waiting else max(turn.at + GATHER, storm.last + MINUTE)
        storm = storm._replace(waiting=storm.waiting.set(identity, None), decided_at=at)
        keep(turn, channel, storm)
    return Held(TOO_MANY, storm.decided_at)


def opened(turn: Turn, subject: Subject, channel: str) -> None:
    """A channel is notified of an incident of its own; a summary that stands for it no longer does."""
    storm = _storm(turn, channel)
    keep(turn, channel, storm._replace(opened=(*storm.opened, turn.at)))
    turn.touch(turn.now.summarised.get(subject.incident.id, ()))


def looked_at(turn: Turn, subject: Subject) -> Subject | None:
    """A summary ends when nothing is left that it alone stands for; None when it has."""
    incident = subject.incident
    if incident.kind is not IncidentKind.SUMMARY:
        return subject
    channel = channel_of(incident)
    for identity in incident.linked:
        one = turn.subject(identity)
        if one is not None and channel not in one.notified:
            return subject
    for identity in incident.linked:
        rest = turn.now.summarised.get(identity, frozenset[str]()) - {incident.id}
        if rest:
            turn.put(summarised=(identity, rest))
        else:
            turn.drop(summarised=identity)
    end(turn, replace(subject, incident=incident.changed(state=State.UP)), Ending.RESOLVED, turn.at)
    return None


def reloaded(turn: Turn) -> None:
    """Nothing is remembered of channels that are no longer configured."""
    for channel in [channel for channel in turn.now.storms if channel not in turn.rules.channels]:
        keep(turn, channel, None)


def keep(turn: Turn, channel: str, storm: Storm | None) -> None:
    """Remember it, also over a restart (who waits is known by what is suppressed); None forgets it."""
    if storm is None:
        turn.drop(storms=channel)
        turn.note("storm", channel, None)
    else:
        turn.put(storms=(channel, storm))
        turn.note("storm", channel, {"opened": storm.opened, "decided_at": storm.decided_at, "last": storm.last})


def _storm(turn: Turn, channel: str) -> Storm:
    """With the openings of the last minute only."""
    storm = turn.now.storms.get(channel, Storm())
    return storm._replace(opened=tuple(at for at in storm.opened if at > turn.at - MINUTE))


def _is_calm(turn: Turn, channel: str, storm: Storm) -> bool:
    """Fewer than half of what is allowed, before this moment and at it: of one moment, the order makes no odds."""
    half = max(2, turn.rules.openings_per_minute(channel)) / 2
    before = sum(at < turn.at for at in storm.opened)
    return before < half and len(storm.opened) - before < half


def _summary_of(turn: Turn, incident: str, channel: str) -> Subject | None:
    """The latest that told the channel of it."""
    every = (turn.now.subjects[identity] for identity in turn.now.summarised.get(incident, ()))
    return max((one for one in every if channel_of(one.incident) == channel), key=Subject.age, default=None)


def _told(turn: Turn, subject: Subject, summary: Subject, target: Target) -> Held | None:
    """Until it is worse than the summary said, or a reminder is due."""
    incident, members = subject.incident, set(subject.incident.members)
    said = [problem for problem in summary.incident.problems if problem.check in members]
    severity = worst_severity((problem.severity for problem in said), incident.severity)
    checks = turn.rules.checks
    ranks = [failure_class(p.reason, checks[p.check].probe.kind).rank for p in said if p.check in checks]
    if incident.severity.badness < severity.badness or class_of(incident.cause).rank > max(ranks, default=0):
        return None
    until = None if target.remind is None else summary.incident.noticed + round(target.remind * SECOND)
    if until is not None and until <= turn.at:
        return None
    return Held(f"summary {summary.incident.cause}", until)


def _decide(turn: Turn, channel: str, storm: Storm) -> None:
    """The worst of those that have waited are opened, as far as there is room; the rest is a summary."""
    found = [subject for identity in storm.waiting if (subject := turn.subject(identity)) is not None]
    waiting = sorted((one for one in found if waits(one, channel)), key=_badness)
    room = max(0, turn.rules.openings_per_minute(channel) - len(storm.opened))
    if len(waiting) == room + 1:  # a summary of one says no less
        room += 1
    keep(turn, channel, Storm(storm.opened, last=turn.at))
    turn.admitted.update((subject.incident.id, channel) for subject in waiting[:room])
    if waiting[room:]:
        _summarise(turn, channel, waiting[room:])
    turn.touch([subject.incident.id for subject in waiting])


def waits(subject: Subject, channel: str) -> bool:
    """Whether it waits for its channel, and for nothing else."""
    row = subject.suppressed.get((Said.OPENED, channel))
    return row is not None and (row.why, row.detail) == (WHY, TOO_MANY)


def _badness(subject: Subject) -> tuple[int, int, Micros, str]:
    """The worst is lowest."""
    incident = subject.incident
    return incident.severity.badness, -class_of(incident.cause).rank, incident.since, incident.cause


def _summarise(turn: Turn, channel: str, subjects: Sequence[Subject]) -> None:
    incidents = [subject.incident for subject in subjects]
    problems = tuple(problem for incident in incidents for problem in incident.active)
    counts = Counter(incident.severity for incident in incidents)
    cause, identity = f"{channel} {iso(turn.at)}", turn.identity()
    incident = Incident(
        identity,
        IncidentKind.SUMMARY,
        cause,
        incidents[0].severity,
        min((incident.state for incident in incidents), key=lambda state: state.badness),
        None,
        None,
        ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity]),
        None,
        min(incident.since for incident in incidents),
        turn.at,
        tuple(problem.check for problem in problems),
        problems=problems,
        linked=tuple(incident.id for incident in incidents),
    )
    turn.own((IncidentKind.SUMMARY, cause), identity)
    for name in incident.linked:
        turn.put(summarised=(name, turn.now.summarised.get(name, frozenset[str]()) | {identity}))
    turn.keep(Subject(incident, turn.at))


class Restored(NamedTuple):
    """What follows from the incidents that are open."""

    storms: Map[str, Storm]
    summarised: Map[str, frozenset[str]]


def restored(subjects: Mapping[str, Subject], storms: Mapping[str, Storm]) -> Restored:
    """Who waits, and which summaries stand for whom."""
    summarised: dict[str, frozenset[str]] = {}
    for summary in subjects.values():
        if summary.incident.kind is IncidentKind.SUMMARY:
            for identity in summary.incident.linked:
                if identity in subjects:
                    summarised[identity] = summarised.get(identity, frozenset()) | {summary.incident.id}
    found = dict(storms)
    for identity, subject in subjects.items():
        for said, channel in subject.suppressed:
            if said is Said.OPENED and waits(subject, channel):
                storm = found.get(channel, Storm())
                found[channel] = storm._replace(waiting=storm.waiting.set(identity, None))
    return Restored(Map(found), Map(summarised))
