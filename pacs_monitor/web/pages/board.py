"""The board: what needs attention, and the estate by site and role. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import groupby
from typing import Any, NamedTuple

from pacs_monitor.format.human import percentage
from pacs_monitor.language import _, _n
from pacs_monitor.messages import paged
from pacs_monitor.messages.sentences import named
from pacs_monitor.model import IncidentKind, iso, parse_iso
from pacs_monitor.web.pages.duty import Duty
from pacs_monitor.web.pages.languages import share
from pacs_monitor.web.pages.lately import LatelyTold
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.web.pages.signs import SIGNS, Sign
from pacs_monitor.web.pages.snapshot import IncidentRow, NodeRow, Snapshot, matches
from pacs_monitor.web.pages.times import Times

FOLDED_BEYOND = 40
"""Nodes, beyond which those that are well are told in one line each site."""
SHOWN_INCIDENTS = 30
LONGEST_QUERY = 80


class Query(NamedTuple):
    """What is shown of the estate, as the address says it."""

    text: str = ""
    state: str = ""

    @property
    def words(self) -> Sequence[str]:
        return self.text.casefold().split()


class Attention(NamedTuple):
    """An open incident as the board tells it."""

    row: IncidentRow
    members: str
    paged: str


class Folded(NamedTuple):
    """A node that is well, as it is told beside many others."""

    name: str
    title: str
    sign: Sign


class Beside(NamedTuple):
    """What stands on the board besides the snapshot that it shares with the wall."""

    figures: Mapping[str, float]
    """Shares from 0 to 1 by node."""
    duty: Sequence[Duty]
    lately: LatelyTold


class Role(NamedTuple):
    """Nodes of one role at one site."""

    name: str
    nodes: Sequence[NodeRow]
    folded: Sequence[Folded]


class Site(NamedTuple):
    """One site."""

    name: str
    title: str
    counts: Sequence[tuple[Sign, int]]
    roles: Sequence[Role]


def board(seen: Snapshot, query: Query, beside: Beside, about: Page) -> Fragment:
    """The part that changes."""
    times = about.times
    found = [
        row
        for row in seen.nodes
        if (not query.state or row.sign.key == query.state) and (not query.words or matches(row, query.words))
    ]
    fold = len(found) > FOLDED_BEYOND and not query.state
    handled = [one for one in seen.incidents if one.paged["acknowledged"]]
    groups = open_groups(seen)
    unheard = [one for one in seen.incidents if not one.paged["acknowledged"]]
    waiting = [one for one in unheard if not part_of(one, groups)]
    grouped = [one for one in unheard if part_of(one, groups)]
    alone = told_alone(waiting)
    return fragment(
        "board.html",
        _("Board"),
        about,
        seen=seen,
        figures={name: share(percentage(figure, 2)) for name, figure in beside.figures.items()},
        duty=beside.duty,
        lately=beside.lately,
        query=query,
        counts=counts(seen.nodes),
        banners=banners(seen, times),
        waiting=[_attention(one, times, seen, alone) for one in waiting[:SHOWN_INCIDENTS]],
        more=max(0, len(waiting) - SHOWN_INCIDENTS) + seen.more_incidents,
        grouped=[_attention(one, times, seen) for one in grouped[:SHOWN_INCIDENTS]],
        handled=[_attention(one, times, seen) for one in handled[:SHOWN_INCIDENTS]],
        handled_count=len(handled),
        services=seen.services,
        sites=[_site(name, rows, seen, fold) for name, rows in by_site(found, seen)],
        found=len(found),
    )


def open_groups(seen: Snapshot) -> Set[str]:
    """Incidents that are told instead of their members."""
    return {one.incident.id for one in seen.incidents if is_group(one)}


def part_of(one: IncidentRow, groups: Set[str]) -> bool:
    """Whether one of these says enough of it: what users feel, or have been told, stands for itself."""
    return one.incident.group in groups and not (one.impact or one.paged["public_note"])


def is_group(one: IncidentRow) -> bool:
    """Whether it tells of several systems at once."""
    return one.incident.kind is IncidentKind.GROUP


def systems_of(one: IncidentRow) -> Sequence[str]:
    """Each once."""
    return list(dict.fromkeys(member.node for member in one.incident.members))


def told_alone(shown: Iterable[IncidentRow]) -> Set[str]:
    """Systems that incidents of one system tell of."""
    return {name for one in shown if one.incident.kind is IncidentKind.NODE for name in systems_of(one)}


def others_of(group: IncidentRow, alone: Set[str]) -> Sequence[str]:
    """The systems of a group that are not told for themselves."""
    return [name for name in systems_of(group) if name not in alone]


def counts(nodes: Iterable[NodeRow]) -> Sequence[tuple[Sign, int]]:
    """How many are in each state, in the order of lists; states of none are left out."""
    counted = Counter(row.sign.key for row in nodes)
    return [(sign, counted[key]) for key, sign in SIGNS.items() if counted[key]]


def by_site(nodes: Iterable[NodeRow], seen: Snapshot) -> Iterable[tuple[str, list[NodeRow]]]:
    """In the order of the configuration; what stands at no site comes last."""
    order = {name: index for index, name in enumerate(seen.sites)}
    rows = sorted(
        nodes, key=lambda row: (order.get(row.site, len(order)), row.site == "", row.site, row.role == "", row.role)
    )
    return ((name, list(group)) for name, group in groupby(rows, key=lambda row: row.site))


def banners(seen: Snapshot, times: Times) -> Sequence[str]:
    """What nobody may overlook: that people are not told, or not everything is looked at."""
    said = []
    if seen.fresh.trouble:
        said.append(_("What you see may be out of date: {why}", why=seen.fresh.trouble))
    if seen.paging == "shadow":
        said.append(_("Paging is in shadow mode: incidents are recorded, and nobody is notified"))
    if seen.paging == "off":
        said.append(_("Paging is off: nobody is notified of incidents"))
    if not seen.channels and seen.nodes:
        said.append(_("There is no channel: nobody is notified of anything"))
    said += [_silent(channel, times) for channel in seen.channels if not channel["works"]]
    if seen.heartbeat and seen.heartbeat["trouble"]:
        said.append(_("The heartbeat to the outside fails: {why}", why=seen.heartbeat["trouble"]))
    held = sum(count for _pause, count in seen.pauses)
    if held:
        until = times.clock(min(pause.until for pause, _count in seen.pauses))
        said.append(
            _n(
                "{count} check is paused; the first pause ends {until}",
                "{count} checks are paused; the first pause ends {until}",
                held,
                until=until,
            )
        )
    return said


def _silent(channel: Mapping[str, Any], times: Times) -> str:
    since, count = times.clock(parse_iso(channel["failing_since"])), channel["pending"]
    known = {"channel": channel["channel"], "since": since, "why": channel["reason"]}
    if not count:
        return _("Channel {channel} has delivered nothing since {since} ({why})", **known)
    return _n(
        "Channel {channel} has delivered nothing since {since} ({why}); {count} notification waits",
        "Channel {channel} has delivered nothing since {since} ({why}); {count} notifications wait",
        count,
        **known,
    )


def _attention(one: IncidentRow, times: Times, seen: Snapshot, alone: Set[str] = frozenset()) -> Attention:
    told = paged.told(one.paged, lambda text: times.clock(parse_iso(text)), iso(times.now))
    return Attention(one, _members(one, seen, alone), told)


def _members(one: IncidentRow, seen: Snapshot, alone: Set[str]) -> str:
    """Of a group those systems that are not told for themselves: each is counted once."""
    more = others_of(one, alone)
    if not is_group(one) or len(more) == len(systems_of(one)):
        return named(one.paged["members"])
    titles = {row.name: row.title for row in seen.nodes}
    names = named(titles.get(name, name) for name in more)
    return _n("{count} more system: {names}", "{count} more systems: {names}", len(more), names=names) if more else ""


def _site(name: str, rows: Sequence[NodeRow], seen: Snapshot, fold: bool) -> Site:
    roles = []
    for role, group in groupby(rows, key=lambda row: row.role):
        nodes, folded = list[NodeRow](), list[Folded]()
        for row in sorted(group, key=lambda row: (row.sign.place, row.title)):
            if fold and _may_fold(row):
                folded.append(Folded(row.name, row.title, row.sign))
            else:
                nodes.append(row)
        roles.append(Role(role, nodes, folded))
    return Site(name, seen.sites.get(name, name) or _("No site"), counts(rows), roles)


def _may_fold(row: NodeRow) -> bool:
    return row.sign.is_well and row.maintenance is None
