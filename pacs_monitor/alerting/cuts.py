"""Sites that cannot be reached from the one where the monitor stands, while the references there answer.

What fails at such a site is felt by people, so it pages; as a group, which says where the fault is. It is not the fault
of the nodes there, so the time counts as unreachable.
"""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import parents, sites
from pacs_monitor.alerting.situation import Site
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Micros


def cut(turn: Turn, name: str, since: Micros) -> None:
    """The link to a site is down: its other nodes are asked at once, and pages there wait for them."""
    site = turn.now.sites.get(name, Site())
    if site.cut is not None:
        return
    turn.put(sites=(name, replace(site, cut=since)))
    turn.note("cut", name, {"since": since})
    parents.site_moved(turn, name)
    nodes = turn.rules.site_nodes.get(name, ())
    may_be_lost = [node for node in nodes if node not in site.unreachable] if len(nodes) >= sites.LEAST else []
    sites.look_into(turn, name, [turn.rules.reachability[node] for node in may_be_lost])


def reached(turn: Turn, name: str) -> None:
    """The link works again, or nobody can tell: what is still unreachable there is asked at once."""
    site = turn.now.sites.get(name, Site())
    if site.cut is None:
        return
    turn.put(sites=(name, replace(site, cut=None)))
    turn.note("cut", name, None)
    parents.site_moved(turn, name)
    sites.look_into(
        turn, name, [turn.rules.reachability[node] for node in site.unreachable if node in turn.rules.reachability]
    )
