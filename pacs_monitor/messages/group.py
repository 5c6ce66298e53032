"""The `data` of a group: nodes of a site that became unreachable together, or modalities that vanished together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import moment
from pacs_monitor.model import VANISHED_FROM, Ending, Event, Incident, Micros, State, iso

SCHEMA = 1
NAMED = 3


def data(
    incident: Incident, event: Event, name: str, monitor: MonitorSettings, now: Micros, *, titles: Mapping[str, str]
) -> dict[str, Any]:
    """The `data` of `group.*`, with the keys of docs/operations.md, What a page says.

    `name` is the monitor's, as the history was opened with; `titles` are those of sites, where they have one.
    """
    nodes = [member.node for member in incident.members]
    site = incident.cause.removeprefix(VANISHED_FROM)
    title = titles.get(site, site)
    is_over = bool(incident.ended and incident.ending is Ending.RESOLVED)
    return {
        "schema": SCHEMA,
        "monitor": name,
        "kind": incident.kind.value,
        "group": incident.id,
        "incident": incident.id,
        "dedup_key": f"{name}/{incident.id}",
        "title": title,
        "site": site,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "reason": None,
        "summary": _summary(incident, event, title, monitor, now),
        "nodes": nodes,
        "members": [str(member) for member in incident.members],
        "incidents": list(incident.linked),
        "next_step": "" if incident.ended else _next_step(incident, title),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "resolved": iso(incident.ended) if incident.ended and is_over else None,
        "runbook": monitor.link(f"/docs/operations#{incident.kind.value}"),
        "url": monitor.link(f"/incidents/{incident.id}"),
        "unrecorded": False,
    }


def _summary(incident: Incident, event: Event, site: str, monitor: MonitorSettings, now: Micros) -> str:
    since = moment(incident.since, ZoneInfo(monitor.timezone), now)
    names = [member.node for member in incident.members]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    named = f"{', '.join(names[:NAMED])}{more}"
    if event is Event.WITHDRAWN:
        return f"{site}: no longer monitored; the group incident, open since {since}, is withdrawn"
    if event is Event.CLOSED:
        return f"{site}: the incident about {len(names)} modalities, open since {since}, was closed by hand"
    if incident.state is State.ABSENT:
        return f"{len(names)} modalities in {site} vanished together at {since}: {named}"
    if event is Event.RESOLVED:
        what = "modalities are back" if incident.cause.startswith(VANISHED_FROM) else "can be reached again"
        return f"{site} {what}; what is still down there is reported separately ({len(names)} nodes, since {since})"
    if incident.detail:  # from where
        return f"{incident.detail} since {since}: priors and sending from there are probably down"
    return f"{site}: {len(names)} nodes cannot be reached since {since}: {named}"


def _next_step(incident: Incident, site: str) -> str:
    if incident.state is State.ABSENT:
        return f"Ask on site whether power or network failed in {site}; they were not switched off one by one."
    if incident.detail:
        return f"Check the link to {site} first: the line, the VPN, the firewalls. What stands there may work on site."
    return f"Check the network and the power of {site} first: the link, the firewall, the core switch, the VPN."
