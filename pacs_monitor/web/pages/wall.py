"""The wall: what users need to know, readable from five metres on one screen. No names, no controls. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, NamedTuple

from pacs_monitor.language import _, _n
from pacs_monitor.model import IncidentKind, Micros
from pacs_monitor.web.pages.board import (
    by_site,
    counts,
    is_group,
    open_groups,
    others_of,
    part_of,
    systems_of,
    told_alone,
)
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.web.pages.signs import UP, Sign
from pacs_monitor.web.pages.snapshot import IncidentRow, NodeRow, Snapshot

LAYOUT = "wall_layout.html"
MOST, MOST_SITES, MOST_SERVICES = 5, 8, 6
"""Troubles (one fewer beside services), sites and services that fit on one screen; the rest is counted."""
OF_NODES = frozenset({IncidentKind.NODE, IncidentKind.GROUP})


class Trouble(NamedTuple):
    """Something that does not work, as users know it."""

    title: str
    sign: Sign
    since: Micros
    impact: str
    in_hand: bool
    note: dict[str, Any] | None


class Summary(NamedTuple):
    """A site in numbers."""

    title: str
    counts: Sequence[tuple[Sign, int]]


def wall(seen: Snapshot, site: str, about: Page) -> Fragment:
    """The part that changes."""
    nodes = [row for row in seen.nodes if site in ("", row.site)]
    troubles = _troubles(seen, site)
    places = [
        Summary(seen.sites.get(name, name) or _("Elsewhere"), counts(rows)) for name, rows in by_site(nodes, seen)
    ]
    services = [] if site else seen.services
    most = MOST - bool(services)
    return fragment(
        "wall.html",
        _("Wall"),
        about,
        title=seen.sites.get(site, site) if site else seen.monitor,
        services=services[:MOST_SERVICES],
        troubles=troubles[:most],
        more=max(0, len(troubles) - most) + seen.more_incidents,
        places=places[:MOST_SITES],
        more_places=max(0, len(places) - MOST_SITES),
        working=sum(row.sign is UP for row in nodes),
        total=len(nodes),
        unsure=sum(row.sign.key in ("unknown", "unmeasured", "paused") for row in nodes),
        maintained=[row for row in nodes if row.maintenance][:3],
        trouble=seen.fresh.trouble,
    )


def _troubles(seen: Snapshot, site: str) -> Sequence[Trouble]:
    by_name = {row.name: row for row in seen.nodes}
    groups = open_groups(seen)
    found = [one for one in seen.incidents if one.incident.kind in OF_NODES and not one.sign.is_well]
    found = [one for one in found if not part_of(one, groups)]
    found.sort(key=lambda one: (one.sign.badness, one.incident.severity.badness, not one.impact))
    shown = [one for one in found if site in ("", one.site, one.incident.cause)]
    alone = told_alone(shown)
    return [_trouble(one, by_name, seen, alone) for one in shown if others_of(one, alone) or not is_group(one)]


def _trouble(one: IncidentRow, nodes: dict[str, NodeRow], seen: Snapshot, alone: Set[str]) -> Trouble:
    incident = one.incident
    title = _title(one, seen, alone) if is_group(one) else one.title
    maintained = [member.node in nodes and nodes[member.node].maintenance for member in incident.members]
    in_hand = one.paged["acknowledged"] is not None or (bool(maintained) and all(maintained))
    is_said = is_group(one) and not alone.isdisjoint(systems_of(one)[:1])  # its impact is that of its first system
    impact = "" if is_said else one.impact
    return Trouble(title, one.sign, incident.since, impact, in_hand, one.paged["public_note"])


def _title(group: IncidentRow, seen: Snapshot, alone: Set[str]) -> str:
    """How many of its systems are lost, beside those that are told for themselves."""
    site, more = seen.sites.get(group.incident.cause, group.incident.cause), len(others_of(group, alone))
    if more == len(systems_of(group)):
        return _n("{site}: {count} system", "{site}: {count} systems", more, site=site)
    return _n("{site}: {count} more system", "{site}: {count} more systems", more, site=site)
