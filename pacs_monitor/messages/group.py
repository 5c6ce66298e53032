"""The `data` of a group: nodes of a site that became unreachable together, or modalities that vanished together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import moment
from pacs_monitor.language import N_, _
from pacs_monitor.messages.sentences import named
from pacs_monitor.model import VANISHED_FROM, Ending, Event, Incident, Micros, State, dedup_key, iso

SCHEMA = 1


def data(
    incident: Incident, event: Event, name: str, monitor: MonitorSettings, now: Micros, *, titles: Mapping[str, str]
) -> dict[str, Any]:
    """The `data` of `group.*`, with the keys of docs/operations.md, What a page says.

    `name` is the monitor's, as the history was opened with; `titles` are those of sites, where they have one.
    """
    nodes = [member.node for member in incident.members]
    site, title = incident.cause.removeprefix(VANISHED_FROM), title_of(incident, titles)
    since = moment(incident.since, ZoneInfo(monitor.timezone), now)
    is_over = bool(incident.ended and incident.ending is Ending.RESOLVED)
    return {
        "schema": SCHEMA,
        "monitor": name,
        "kind": incident.kind.value,
        "group": incident.id,
        "incident": incident.id,
        "dedup_key": dedup_key(name, incident.id),
        "title": title,
        "site": site,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "reason": None,
        "summary": _summary(incident, event, title, titles.get(monitor.site, monitor.site), since),
        "nodes": nodes,
        "members": [str(member) for member in incident.members],
        "incidents": list(incident.linked),
        "next_step": "" if incident.ended else next_step(incident, titles),
        "since": iso(incident.since),
        "noticed": iso(incident.noticed),
        "ended": None if incident.ended is None else iso(incident.ended),
        "resolved": iso(incident.ended) if incident.ended and is_over else None,
        "runbook": monitor.link(f"/docs/operations#{incident.kind.value}"),
        "url": monitor.link(f"/incidents/{incident.id}"),
        "unrecorded": False,
    }


_OVER = {
    Event.WITHDRAWN: N_("{site}: no longer monitored; the group incident, open since {since}, is withdrawn"),
    Event.CLOSED: N_("{site}: the incident about {count} modalities, open since {since}, was closed by hand"),
}
_BACK = {
    False: N_(
        "{site} can be reached again; what is still down there is reported separately ({count} nodes, since {since})"
    ),
    True: N_(
        "{site} modalities are back; what is still down there is reported separately ({count} nodes, since {since})"
    ),
}
"""By whether modalities had vanished together."""


def _summary(incident: Incident, event: Event, site: str, here: str, since: str) -> str:
    """`here` is where the monitor stands."""
    names = [member.node for member in incident.members]
    said = {"site": site, "count": len(names), "names": named(names), "here": here, "since": since}
    return _(_sentence(incident, event), **said)


def _sentence(incident: Incident, event: Event) -> str:
    if event in _OVER:
        return _OVER[event]
    if incident.state is State.ABSENT:
        return N_("{count} modalities in {site} vanished together at {since}: {names}")
    if event is Event.RESOLVED:
        return _BACK[incident.cause.startswith(VANISHED_FROM)]
    if incident.detail:  # the link from where the monitor stands
        return N_("{site} cannot be reached from {here} since {since}: priors and sending from there are probably down")
    return N_("{site}: {count} nodes cannot be reached since {since}: {names}")


def title_of(incident: Incident, titles: Mapping[str, str]) -> str:
    """What people call its site."""
    site = incident.cause.removeprefix(VANISHED_FROM)
    return titles.get(site, site)


def next_step(incident: Incident, titles: Mapping[str, str]) -> str:
    """What to check first, while it is open."""
    site = title_of(incident, titles)
    if incident.state is State.ABSENT:
        return _(
            "Ask on site whether power or network failed in {site}; they were not switched off one by one.", site=site
        )
    if incident.detail:
        return _(
            "Check the link to {site} first: the line, the VPN, the firewalls. What stands there may work on site.",
            site=site,
        )
    return _(
        "Check the network and the power of {site} first: the link, the firewall, the core switch, the VPN.", site=site
    )
