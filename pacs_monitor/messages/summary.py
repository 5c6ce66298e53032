"""The `data` of a summary: incidents that opened when a channel had too many to be notified of each."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import moment, pluralized
from pacs_monitor.model import Ending, Incident, Micros, iso

SCHEMA = 1
NAMED = 10
NEXT_STEP = "Look for one common cause first; pacs-monitor status lists everything that is wrong."


def data(incident: Incident, name: str, monitor: MonitorSettings, now: Micros) -> dict[str, Any]:
    """The `data` of a `digest` of kind summary, with the keys of docs/operations.md, What a page says.

    `name` is the monitor's, as the history was opened with.
    """
    is_over = bool(incident.ended and incident.ending is Ending.RESOLVED)
    return {
        "schema": SCHEMA,
        "monitor": name,
        "kind": incident.kind.value,
        "incident": incident.id,
        "dedup_key": f"{name}/{incident.id}",
        "title": name,
        "channel": incident.cause.partition(" ")[0],
        "severity": incident.severity.value,
        "state": incident.state.value,
        "reason": None,
        "summary": _summary(incident, monitor, now),
        "nodes": list(dict.fromkeys(member.node for member in incident.members)),
        "members": [str(member) for member in incident.members],
        "incidents": list(incident.linked),
        "next_step": "" if incident.ended else NEXT_STEP,
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "resolved": iso(incident.ended) if incident.ended and is_over else None,
        "runbook": monitor.link(f"/docs/operations#{incident.kind.value}"),
        "url": monitor.link(f"/incidents/{incident.id}"),
        "unrecorded": False,
    }


def _summary(incident: Incident, monitor: MonitorSettings, now: Micros) -> str:
    count, since = (
        pluralized(len(incident.linked), "incident"),
        moment(incident.noticed, ZoneInfo(monitor.timezone), now),
    )
    if incident.ended is not None:
        return f"{count} of the summary of {since}: all are over, or were notified of one by one since"
    names = list(dict.fromkeys(member.node for member in incident.members))
    more = f" and {len(names) - NAMED} more nodes" if len(names) > NAMED else ""
    return f"{count} more at {since} ({incident.detail}), told here together: {', '.join(names[:NAMED])}{more}"
