"""The wall: what users need to know, readable from five metres on one screen. No names, no controls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pacs_monitor.language import _, _n
from pacs_monitor.model import IncidentKind, Micros
from pacs_monitor.web.pages.board import by_site, counts, open_groups, part_of
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.web.pages.signs import UP, Sign, sign_of
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
        services=[(one, sign_of(one["state"])) for one in services[:MOST_SERVICES]],
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
    return [_trouble(one, by_name, seen) for one in found if site in ("", one.site, one.incident.cause)]


def _trouble(one: IncidentRow, nodes: dict[str, NodeRow], seen: Snapshot) -> Trouble:
    incident = one.incident
    title = one.title
    if incident.kind is IncidentKind.GROUP:
        site, count = seen.sites.get(incident.cause, incident.cause), len({m.node for m in incident.members})
        title = _n("{site}: {count} system", "{site}: {count} systems", count, site=site)
    maintained = [member.node in nodes and nodes[member.node].maintenance for member in incident.members]
    in_hand = one.paged["acknowledged"] is not None or (bool(maintained) and all(maintained))
    return Trouble(title, one.sign, incident.since, one.impact, in_hand, one.paged["public_note"])
