"""Incidents, notifications and changes of peers as JSON, read from the history."""

from __future__ import annotations

from typing import Any

from pacs_monitor.history import HistoryError, IncidentFile
from pacs_monitor.messages.page import advice, runbook
from pacs_monitor.model import CheckId, Incident, Micros, Notification, Withheld, iso
from pacs_monitor.web.view import DaemonView


async def incidents(daemon: DaemonView, *, open_only: bool, limit: int) -> list[dict[str, Any]]:
    """The newest first."""
    found = await daemon.history.read(lambda reader: reader.incidents(open_only=open_only, limit=limit))
    return [_incident(incident, daemon) for incident in found]


async def incident(daemon: DaemonView, identity: str) -> dict[str, Any] | None:
    """One incident with everything that was sent, and what was withheld and why."""
    unwritten = daemon.unwritten(identity)  # first: what is written meanwhile is then found in the record
    try:
        recorded = await daemon.history.read(lambda reader: reader.incident(identity))
    except HistoryError:
        if unwritten is None:
            raise
        recorded = None
    found = _joined(recorded, unwritten)
    if found is None:
        return None
    stuck = {stuck.notification.id for health in daemon.deliveries.health().values() for stuck in health.stuck}
    node = daemon.estate.nodes.get(found.incident.members[0].node) if found.incident.members else None
    return _incident(found.incident, daemon) | {
        "impact": node.impact if node else "",
        "support": dict(node.support) if node else {},
        "runbook": runbook(daemon.estate.monitor, found.incident.reason or found.incident.kind),
        "notifications": [
            _notification(notification) | {"stuck": notification.id in stuck} for notification in found.notifications
        ],
        "withheld": [_withheld(withheld) for withheld in found.withheld],
    }


def _joined(recorded: IncidentFile | None, unwritten: IncidentFile | None) -> IncidentFile | None:
    """The record, and what is still to be recorded."""
    if recorded is None or unwritten is None:
        return recorded or unwritten
    known = {notification.id for notification in recorded.notifications}
    owed = tuple(notification for notification in unwritten.notifications if notification.id not in known)
    withheld = tuple(withheld for withheld in unwritten.withheld if withheld not in recorded.withheld)
    return IncidentFile(unwritten.incident, recorded.notifications + owed, recorded.withheld + withheld)


async def notifications(daemon: DaemonView, *, limit: int) -> list[dict[str, Any]]:
    """The newest first."""
    found = await daemon.history.read(lambda reader: reader.notifications(limit=limit))
    return [_notification(notification) for notification in reversed(found)]


async def changes(daemon: DaemonView, *, limit: int) -> list[dict[str, Any]]:
    """What was found different about peers, the newest first."""
    found = await daemon.history.read(lambda reader: reader.changes(limit=limit))
    return [
        {"node": seen.check.node, "check": seen.check.check, "at": iso(seen.at)} | seen.change._asdict()
        for seen in found
    ]


def _incident(incident: Incident, daemon: DaemonView) -> dict[str, Any]:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "cause": incident.cause,
        "severity": incident.severity,
        "state": incident.state,
        "reason": incident.reason,
        "blame": incident.reason and incident.reason.blame,
        "phase": incident.phase,
        "detail": incident.detail,
        "next_step": advice(incident, daemon.estate.checks, _unproven(incident, daemon)),
        "last_good": _time(incident.last_good),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "ended": _time(incident.ended),
        "ending": incident.ending,
        "members": [str(member) for member in incident.members],
    }


def _unproven(incident: Incident, daemon: DaemonView) -> frozenset[CheckId]:
    board = daemon.engine.board.entries
    return frozenset(check for check in incident.members if check in board and not board[check].proven)


def _notification(notification: Notification) -> dict[str, Any]:
    return {
        "id": notification.id,
        "incident": notification.incident,
        "channel": notification.channel,
        "event": notification.event,
        "created": iso(notification.created),
        "status": notification.status,
        "attempts": notification.attempts,
        "summary": notification.data.get("summary", ""),
    }


def _withheld(withheld: Withheld) -> dict[str, Any]:
    return {"event": withheld.event, "channel": withheld.channel, "why": withheld.why, "at": iso(withheld.at)}


def _time(micros: Micros | None) -> str | None:
    return None if micros is None else iso(micros)
