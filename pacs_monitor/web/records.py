"""Incidents, notifications and changes of peers as JSON, read from the history."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pacs_monitor.alerting.pages import scene_of
from pacs_monitor.evidence import as_json
from pacs_monitor.format.names import first
from pacs_monitor.history import AuditEntry, HistoryError, HistoryReader, IncidentFile, audited
from pacs_monitor.messages import page
from pacs_monitor.messages.page import advice, runbook
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import Incident, Micros, Notification, Suppressed, iso
from pacs_monitor.web.standing import Standing
from pacs_monitor.web.story import Beside, beside, story
from pacs_monitor.web.view import DaemonView

_INCIDENT = re.compile(r"/incidents/([0-9A-Z]{26})\b")


async def incidents(
    daemon: DaemonView, *, open_only: bool, limit: int, before: str | None = None
) -> list[dict[str, Any]]:
    """The newest first; what follows the one called `before`, if given: LookupError where there is none."""
    found = await daemon.history.read(lambda reader: reader.incidents(open_only=open_only, limit=limit, before=before))
    told, standing = scene(daemon, *found), Standing(daemon)
    return [_incident(incident, told, standing) for incident in found]


async def incident(daemon: DaemonView, identity: str) -> dict[str, Any] | None:
    """One incident with its story: everything that happened, was sent, and was suppressed and why."""
    unwritten = daemon.desk.unwritten(identity)  # first: what is written meanwhile is then found in the record
    try:
        recorded, more = await daemon.history.read(lambda reader: _read(reader, identity, daemon.clock.now()))
    except HistoryError:
        if unwritten is None:
            raise
        recorded, more = None, Beside()
    found = _joined(recorded, unwritten)
    if found is None:
        return None
    stuck = {stuck.notification.id for health in daemon.desk.outbox.health().values() for stuck in health.stuck}
    node = daemon.estate.nodes.get(found.incident.members[0].node) if found.incident.members else None
    told = scene(daemon, found.incident)
    return _incident(found.incident, told, Standing(daemon)) | {
        "points_to": page.points_to(found.incident, told),
        "impact": node.impact if node else "",
        "downtime_procedure": node.downtime_procedure if node else "",
        "support": dict(node.support) if node else {},
        "runbook": runbook(daemon.estate.monitor, found.incident.reason or found.incident.kind),
        "notifications": [
            _notification(notification) | {"stuck": notification.id in stuck} for notification in found.notifications
        ],
        "suppressed": [_suppressed(row) for row in found.suppressed],
        "evidence": as_json(more.stated),
        "story": story(found, more, daemon.clock.now()),
    }


def _read(reader: HistoryReader, identity: str, now: Micros) -> tuple[IncidentFile | None, Beside]:
    recorded = reader.incident(identity)
    return recorded, Beside() if recorded is None else beside(reader, recorded.incident, now)


def scene(daemon: DaemonView, *incidents: Incident) -> Scene:
    """What their summaries are written from."""
    nodes = {member.node for incident in incidents for member in incident.members}
    board, estate = daemon.engine.board, daemon.estate
    return scene_of(estate.monitor.name, board, estate, estate.checks, daemon.clock.now(), nodes=nodes)


def _joined(recorded: IncidentFile | None, unwritten: IncidentFile | None) -> IncidentFile | None:
    """The record, and what is still to be recorded."""
    if recorded is None or unwritten is None:
        return recorded or unwritten
    known = {notification.id for notification in recorded.notifications}
    owed = tuple(notification for notification in unwritten.notifications if notification.id not in known)
    written = {_one(row): row for row in recorded.suppressed}
    ended = {one for one, row in written.items() if row.ended is not None}
    suppressed = written | {_one(row): row for row in unwritten.suppressed if _one(row) not in ended}
    return IncidentFile(unwritten.incident, recorded.notifications + owed, tuple(suppressed.values()))


def _one(row: Suppressed) -> tuple[object, ...]:
    """What makes two the same, one of which may have its end."""
    return row.incident, row.event, row.channel, row.why, row.at


async def notifications(daemon: DaemonView, *, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """The newest first; `before` as of `incidents`."""
    found = await daemon.history.read(lambda reader: reader.notifications(limit=limit, before=before))
    return [_notification(notification) for notification in reversed(found)]


async def changes(daemon: DaemonView, *, limit: int) -> list[dict[str, Any]]:
    """What was found different about peers, the newest first."""
    found = await daemon.history.read(lambda reader: reader.changes(limit=limit))
    return [
        {"node": seen.check.node, "check": seen.check.check, "at": iso(seen.at)} | seen.change._asdict()
        for seen in found
    ]


def _incident(incident: Incident, scene: Scene, standing: Standing) -> dict[str, Any]:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "cause": incident.cause,
        "severity": incident.severity,
        "summary": page.summary(incident, scene),
        "state": incident.state,
        "flags": page.flags(incident),
        "reason": incident.reason,
        "blame": incident.reason and incident.reason.blame,
        "phase": incident.phase,
        "detail": incident.detail,
        "next_step": advice(incident, scene),
        "last_good": _time(incident.last_good),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "ended": _time(incident.ended),
        "ending": incident.ending,
        "members": [str(member) for member in incident.members],
        "linked": list(incident.linked),
        "group": incident.group or None,
    } | standing.of(incident)


async def audit(daemon: DaemonView, *, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """Who asked for what, newest first; `subject` is what an incident that it names is about; `before` as above."""

    def read(reader: HistoryReader) -> tuple[Sequence[AuditEntry], dict[str, str]]:
        entries = audited(reader, limit, before=before)
        named = {found[1] for entry in entries if (found := _INCIDENT.search(entry.action))}
        return entries, {one: _subject(incident) for one in named for incident in reader.incidents(id=one)}

    entries, subjects = await daemon.history.read(read)
    return [
        {**entry.as_json(), "at": iso(entry.at), "outcome": entry.outcome, "subject": _named(entry.action, subjects)}
        for entry in entries
    ]


def _subject(incident: Incident) -> str:
    """Its checks; what has none is named by its cause."""
    return first([str(member) for member in incident.members], 3) or incident.cause


def _named(action: str, subjects: Mapping[str, str]) -> str:
    found = _INCIDENT.search(action)
    return subjects.get(found[1], "") if found else ""


def _notification(notification: Notification) -> dict[str, Any]:
    return {
        "id": notification.id,
        "incident": notification.incident,
        "channel": notification.channel,
        "event": notification.event,
        "created": iso(notification.created),
        "status": notification.status,
        "attempts": notification.attempts,
        "settled": _time(notification.settled),
        "summary": notification.data.get("summary", ""),
    }


def _suppressed(row: Suppressed) -> dict[str, Any]:
    return {
        "event": row.event,
        "channel": row.channel,
        "why": row.why,
        "detail": row.detail,
        "at": iso(row.at),
        "ended": _time(row.ended),
    }


def _time(micros: Micros | None) -> str | None:
    return None if micros is None else iso(micros)
