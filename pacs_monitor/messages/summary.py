"""The `data` of a summary: incidents that opened when a channel had too many to be notified of each."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import moment
from pacs_monitor.language import N_, _, _n
from pacs_monitor.model import Ending, Incident, Micros, dedup_key, iso

SCHEMA = 1
NAMED = 10
NEXT_STEP = N_("Look for one common cause first; pacs-monitor status lists everything that is wrong.")


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
        "dedup_key": dedup_key(name, incident.id),
        "title": name,
        "channel": incident.cause.partition(" ")[0],
        "severity": incident.severity.value,
        "state": incident.state.value,
        "reason": None,
        "summary": _summary(incident, monitor, now),
        "nodes": list(dict.fromkeys(member.node for member in incident.members)),
        "members": [str(member) for member in incident.members],
        "incidents": list(incident.linked),
        "next_step": "" if incident.ended else _(NEXT_STEP),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "ended": None if incident.ended is None else iso(incident.ended),
        "resolved": iso(incident.ended) if incident.ended and is_over else None,
        "runbook": monitor.link(f"/docs/operations#{incident.kind.value}"),
        "url": monitor.link(f"/incidents/{incident.id}"),
        "unrecorded": False,
    }


def _summary(incident: Incident, monitor: MonitorSettings, now: Micros) -> str:
    count, at = len(incident.linked), moment(incident.noticed, ZoneInfo(monitor.timezone), now)
    if incident.ended is not None:
        return _n(
            "{count} incident in the summary of {at}: it is over, or has been notified separately since",
            "{count} incidents in the summary of {at}: all are over, or have been notified separately since",
            count,
            at=at,
        )
    names = list(dict.fromkeys(member.node for member in incident.members))
    first, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return _n(
        "{count} more incident at {at} ({severities}), summarized here: {nodes}",
        "{count} more incidents at {at} ({severities}), summarized here: {nodes}",
        count,
        at=at,
        severities=incident.detail,
        nodes=_("{named} and {more} more nodes", named=first, more=more) if more > 0 else first,
    )
