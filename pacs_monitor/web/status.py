"""The JSON of `/api/v1/status` and its parts, from the Board."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from pacs_monitor import states
from pacs_monitor.alerting.paged import Paged
from pacs_monitor.approvals import SOON, ending
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.messages import page
from pacs_monitor.model import SECOND, Incident, IncidentKind, Restriction, State, iso
from pacs_monitor.web import services
from pacs_monitor.web.slices import Slices
from pacs_monitor.web.standing import Standing
from pacs_monitor.web.view import DaemonView
from pacs_monitor.windows import Window, spelled

WORST_FIRST = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.ABSENT, State.UP)


async def status(daemon: DaemonView) -> list[bytes]:
    """The whole board as JSON, made node by node in slices of the event loop; its pieces, not yet joined."""
    slices, by_node = Slices(), daemon.engine.board.by_node()
    await slices.pause()
    counts = daemon.engine.board.counts()
    board = {
        "monitor": daemon.estate.monitor.name,
        "time": iso(daemon.clock.now()),
        "timezone": daemon.estate.monitor.timezone,
        "role": daemon.role,
        "paging": daemon.estate.monitor.paging,
        "counts": {state.value: counts[state] for state in WORST_FIRST[::-1]},
        "channels": channels(daemon),
        "heartbeat": heartbeat(daemon),
    }
    board["services"] = services.listed(daemon)
    board["maintenance_calendars"] = maintenance_calendars(daemon)
    await slices.pause()
    board["approvals"] = approvals(daemon)
    board["incidents"] = await incidents(daemon)
    pieces, comma = [orjson.dumps(board)[:-1] + b',"nodes":['], b""
    for name, entries in by_node.items():
        await slices.pause()
        in_order = sorted(entries, key=lambda entry: entry.check.id)
        pieces.append(comma + orjson.dumps(node(daemon, name, in_order)))
        comma = b","
    return [*pieces, b"]}"]


def heartbeat(daemon: DaemonView) -> dict[str, Any] | None:
    """How the dead man's switch outside fares; None where none is configured."""
    if daemon.estate.monitor.heartbeat is None:
        return None
    switch = daemon.dead_mans_switch
    accepted = None if switch.last_success is None else iso(switch.last_success)
    return {"last_success": accepted, "trouble": switch.trouble}


def maintenance_calendars(daemon: DaemonView) -> list[dict[str, Any]]:
    """How each calendar of changes fares: as of when it was last good, until when it counts, why it is not current."""
    known = daemon.desk.plans.calendars()
    rows = []
    for name in sorted(daemon.estate.change_calendars):
        one = known.get(name)
        success = None if one is None or one.success is None else iso(one.success)
        until = None if one is None else iso(one.until)
        trouble = daemon.change_calendars.trouble(name)
        rows.append({"name": name, "last_success": success, "fresh_until": until, "trouble": trouble})
    return rows


def approvals(daemon: DaemonView) -> list[dict[str, Any]]:
    """Approvals to write that end within 30 days, or have ended, the earliest first."""
    estate, now = daemon.estate, daemon.clock.now()
    return [
        {
            "node": approval.check.node,
            "check": approval.check.check,
            "enabled_by": approval.enabled_by,
            "last_day": approval.last_day.isoformat(),
            "ends": iso(approval.ends),
            "ended": approval.has_ended,
        }
        for approval in ending(estate.checks.values(), now, SOON, ZoneInfo(estate.monitor.timezone))
    ]


async def incidents(daemon: DaemonView) -> list[dict[str, Any]]:
    """Every open incident with whom it was sent to, made in slices of the event loop."""
    rows: list[dict[str, Any]] = []
    slices, standing = Slices(), Standing(daemon)
    for paged in daemon.desk.paged():
        await slices.pause()
        rows.append(incident(paged) | _needed(daemon, paged.incident) | standing.of(paged.incident))
    return rows


def _needed(daemon: DaemonView, incident: Incident) -> dict[str, Any]:
    """For whom it is, and whom to call: of the first of its nodes."""
    node = daemon.estate.nodes.get(incident.members[0].node) if incident.kind is IncidentKind.NODE else None
    return {"impact": node.impact if node else "", "support_phone": node.support.get("phone", "") if node else ""}


def incident(paged: Paged) -> dict[str, Any]:
    """An open incident, with whom it was sent to."""
    incident = paged.incident
    return {
        "id": incident.id,
        "kind": incident.kind,
        "cause": incident.cause,
        "severity": incident.severity,
        "state": incident.state,
        "flags": page.flags(incident),
        "since": iso(incident.since),
        "members": [str(member) for member in incident.members],
        "page_due": iso(paged.due),
        "notified": [
            {
                "channel": one.channel,
                "status": one.status,
                "at": iso(one.at),
                **({"fallback_for": one.fallback_for} if one.fallback_for else {}),
            }
            for one in paged.notified
        ],
        "not_notified": list(paged.why_not),
        "suppressed": [
            {"channel": held.channel, "event": held.event, "why": held.why, "detail": held.detail, "at": iso(held.at)}
            for held in paged.suppressed
        ],
    }


def channels(daemon: DaemonView) -> list[dict[str, Any]]:
    """Whether each takes notifications, what waits, and what it refuses while it takes others."""
    return [
        {
            "channel": name,
            "works": health.trouble is None,
            "failing_since": health.trouble and iso(health.trouble.since),
            "reason": health.trouble and health.trouble.reason,
            "pending": health.pending,
            "oldest_pending": None if health.oldest is None else iso(health.oldest),
            "last_success": None if health.last_success is None else iso(health.last_success),
            "stuck": [
                {
                    "notification": stuck.notification.id,
                    "incident": stuck.notification.incident,
                    "summary": stuck.notification.data.get("summary", ""),
                    "attempts": stuck.attempts,
                    "reason": stuck.reason,
                }
                for stuck in health.stuck
            ],
            "warnings": list(health.warnings),
        }
        for name, health in daemon.desk.outbox.health().items()
    ]


def node(daemon: DaemonView, name: str, entries: list[BoardEntry]) -> dict[str, Any]:
    """One node: as bad as its worst check."""
    known = entries[0].check.node  # a reload may have taken it away meanwhile
    return {
        "node": name,
        "title": known.title or name,
        "site": known.site,
        "role": known.role,
        "presence": known.presence,
        "state": min((entry.standing.state for entry in entries), key=WORST_FIRST.index),
        "maintenance": in_maintenance(daemon, entries),
        "checks": [check(daemon, entry) for entry in entries],
    }


def in_maintenance(daemon: DaemonView, entries: Iterable[BoardEntry]) -> bool:
    """Whether all checks of a node are in planned maintenance."""
    return all(daemon.desk.plans.maintenance_of(entry.check.id) for entry in entries)


def window(planned: Window) -> dict[str, Any]:
    """A window of maintenance."""
    return {
        "id": planned.id,
        "name": planned.name,
        "match": spelled(planned.match),
        "start": iso(planned.start),
        "end": iso(planned.end),
        "probing": planned.probing,
        "by": planned.by,
        "why": planned.why,
        "announced": planned.announced and planned.announced.isoformat(),
        "notify": planned.notify or None,
    }


def restriction(given: Restriction) -> dict[str, Any]:
    """What people forbid a check for a time."""
    until = None if given.until is None else iso(given.until)
    return {"mode": given.mode, "text": given.text, "until": until, "pause": given.is_pause}


def check(daemon: DaemonView, entry: BoardEntry) -> dict[str, Any]:
    """One check: where it stands, where it leans, its last result, when it runs next."""
    due = daemon.engine.next_due(entry.check.id)
    standing, planned = entry.standing, daemon.desk.plans.maintenance_of(entry.check.id)
    return {
        "check": entry.check.id.check,
        "probe": entry.check.probe.kind,
        "state": standing.state,
        "severity": entry.check.severity,
        "timeout": entry.check.timeout,
        "since": iso(standing.state_since),
        "reason": standing.reason,
        "leaning": states.leaning(standing),
        "proven": entry.proven,
        "maintenance": planned is not None,
        "window": planned and window(planned),
        "restriction": entry.restriction and restriction(entry.restriction),
        "absence": states.absence(standing, daemon.clock.now(), entry.check.thresholds) or None,
        "last": entry.last and entry.last.as_json(),
        "next_due": None if due is None else iso(daemon.clock.now() + round(due * SECOND)),
    }
