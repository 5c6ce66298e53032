"""A page from the incident's own fields alone, for when the full one cannot be written: what, where, since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pacs_monitor.language import N_, _
from pacs_monitor.model import Ending, Event, Incident, IncidentKind, Micros, Severity, iso

SCHEMA = 1
_PLAIN = N_("{about} is {state} (incident since {since}); details are not available")
_SENTENCES = {
    Event.RESOLVED: N_("{about} has recovered (incident since {since}); details are not available"),
    Event.WITHDRAWN: N_("{about} is no longer monitored (incident since {since}); details are not available"),
}


def data(incident: Incident, event: Event, monitor: str, url: str) -> dict[str, Any]:
    """The `data` of a notification: nothing in it is looked up, and no text of a probe or a peer is used."""
    check = incident.members[0] if incident.kind is IncidentKind.NODE and incident.members else None
    reason = incident.reason
    return {
        "schema": SCHEMA,
        "monitor": monitor,
        "kind": incident.kind.value,
        "incident": incident.id,
        "dedup_key": f"{monitor}/{incident.id}",
        "node": check and check.node,
        "title": check.node if check else monitor,
        "site": "",
        "role": "",
        "check": check and check.check,
        "probe": None,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "reason": reason and reason.value,
        "blame": reason and reason.blame.value,
        "phase": incident.phase and incident.phase.value,
        "summary": _(
            _SENTENCES.get(event, _PLAIN),
            about=_about(incident),
            state=_(incident.state.value),
            since=_time(incident.since),
        ),
        "impact": "",
        "services": [],
        "support": {},
        "detail": "",
        "why": "",
        "points_to": "",
        "next_step": "",
        "last_changes": [],
        "downtime_procedure": "",
        "last_good": None if incident.last_good is None else _time(incident.last_good),
        "since": _time(incident.since),
        "noticed": _time(incident.noticed),
        "resolved": _time(incident.ended) if incident.ended and incident.ending is Ending.RESOLVED else None,
        "ended": None if incident.ended is None else _time(incident.ended),
        "members": [str(member) for member in incident.members],
        "problems": [],
        "page": 1,
        "worse": False,
        "flags": ["flapping"] if incident.is_flapping and incident.ended is None else [],
        "linked": [],
        "acknowledged": None,
        "public_note": "",
        "maintenance_ended": None,
        "also_failing": [],
        "still_ok": [],
        "runbook": f"{url}/docs/operations#{(reason or incident.kind).value}" if url else "",
        "url": f"{url}/incidents/{incident.id}" if url else "",
        "labels": {},
        "unrecorded": False,
        "unproven": False,
    }


def digest(identity: str, channel: str, incidents: Sequence[Incident], monitor: str, url: str) -> dict[str, Any]:
    """The `data` of a digest, likewise: what it names, and when each began."""
    named = "; ".join(
        _("{about} since {since}", about=_about(incident), since=_time(incident.since)) for incident in incidents
    )
    return {
        "schema": SCHEMA,
        "monitor": monitor,
        "kind": "digest",
        "dedup_key": f"{monitor}/{identity}",
        "title": monitor,
        "severity": Severity.INFO.value,
        "channel": channel,
        "summary": _("Incidents outside paging hours: {named}; details are not available", named=named),
        "missed": [],
        "open": [],
        "url": url,
        "unrecorded": False,
    }


def _about(incident: Incident) -> str:
    """The checks, where it is about any."""
    return ", ".join(map(str, incident.members[:3])) if incident.kind is IncidentKind.NODE else incident.cause


def _time(moment: Micros) -> str:
    """A time that no calendar has must not cost the page."""
    try:
        return iso(moment)
    except (OverflowError, ValueError):
        return _("an unknown time")
