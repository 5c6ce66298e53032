"""Who is to be notified, by the configuration in force: routes, paging modes, network parents, sites. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from zoneinfo import ZoneInfo

from pacs_monitor.alerting import hours
from pacs_monitor.alerting.causes import channel_of
from pacs_monitor.alerting.hours import Attended
from pacs_monitor.alerting.planned import Planned
from pacs_monitor.alerting.rosters import Recipient, Rosters, recipients_of
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.alerting.targets import STRENGTH, Steps, Target, Way, calendars_of, steps_of
from pacs_monitor.config.estate import Estate, Route, check_facts
from pacs_monitor.config.matching import covers
from pacs_monitor.fields import Match
from pacs_monitor.model import (
    SECOND,
    Check,
    CheckId,
    Incident,
    IncidentKind,
    Micros,
    Paging,
    Presence,
    Problem,
    Severity,
    State,
    takes_replies,
)

REACHABILITY = ("ping", "tcp", "snmp_interface", "dicom_echo", "http", "hl7_heartbeat")
"""Kinds that show best whether a node can be reached; of a node without any of them, its most frequent check."""
ACKNOWLEDGED_FOR = 8 * 3600 * SECOND
WITHOUT_TICKET = 24 * 3600 * SECOND
"""How long an acknowledgement may last without the number of a ticket."""


class Rules:
    """The part of the configuration that alerting goes by."""

    def __init__(self, estate: Estate) -> None:
        self.revision = estate.revision
        self.checks = estate.checks
        self.channels = frozenset(estate.channels)
        self.openings_per_minute = estate.openings
        self.escalating = frozenset(name for name, channel in estate.channels.items() if channel.owns_escalation)
        """The channels that escalate by themselves."""
        self.fallbacks = {name: one.channel for name, one in estate.fallbacks.items() if one.channel in self.channels}
        self.replying = frozenset(name for name, channel in estate.channels.items() if takes_replies(channel))
        """The channels that take replies: their pages have a code."""
        self.keeping = estate.keeping
        self.escalates = any(route.escalate for route in (*estate.routes, estate.default_route))
        self._nodes = estate.nodes
        self.own_site = estate.monitor.site
        self._sites = estate.sites
        self._calendars = estate.calendars
        self._routes = estate.routes
        self._default = estate.default_route
        self._paging = estate.monitor.paging
        self.zone = ZoneInfo(estate.monitor.timezone)
        self.planned = Planned(estate.maintenance, self.zone)
        self._covered: dict[str, frozenset[CheckId]] = {}
        self._known: dict[tuple[CheckId, Severity], Mapping[Recipient, Way]] = {}
        self.oncalls = estate.oncall
        self.rosters = Rosters(estate)

    def targets(self, incident: Incident, now: Situation, *, every: bool = False) -> dict[str, Target]:
        """The channels that an open incident is routed to now; those where paging is off, too.

        Of members that are absent or up, nobody is notified: they count only if `every` member is asked for, and so
        do people who are not on call now.
        """
        targets: dict[str, Target] = {}
        if incident.kind is IncidentKind.SUMMARY:
            channel = channel_of(incident)
            return {channel: Target(Paging.ON)} if channel in self.channels else {}
        if incident.kind in (IncidentKind.DELIVERY, IncidentKind.FAULT):
            return self._of_our_own(incident, now)
        if incident.kind is IncidentKind.NODE:
            routed = [(p.check, p.severity, p) for p in incident.active if p.check in self.checks]
            routed = [one for one in routed if every or one[2].state not in (State.ABSENT, State.UP)]
            parts: Iterable[tuple[CheckId, Severity, Problem | None]] = routed
        else:
            parts = ((member, incident.severity, None) for member in incident.members if member in self.checks)
        for identity, severity, problem in parts:
            check = self.checks[identity]
            due = 0 if problem is None else problem.due
            for recipient, way in self._routed(check, severity).items():
                attended = [Attended(calendars, due) for calendars in way.calendars]
                for channel in self.rosters.channels(recipient, now, every=every):
                    target = targets.setdefault(channel, Target())
                    target.add(check.paging, way.remind, attended)
                    target.through(recipient)
                    if problem is not None and problem not in target.problems:
                        target.problems.append(problem)
        return targets

    def _of_our_own(self, incident: Incident, now: Situation) -> dict[str, Target]:
        """What the monitor itself has is told everywhere: of people, to those who are on call."""
        targets: dict[str, Target] = {}
        broken = {incident.cause} if incident.kind is IncidentKind.DELIVERY else set[str]()
        told = self.rosters.told_of_own(incident.cause, self._default, now, self.channels)
        for channel, recipients in sorted(told.items()):
            if channel in broken:
                continue
            target = targets[channel] = Target()
            target.add(self._paging, self._default.remind)
            for recipient in recipients:
                target.through(recipient)
        return targets or {channel: Target(self._paging) for channel in sorted(self.channels - broken)}

    def escalation(self, incident: Incident, at: Micros) -> Steps:
        """The steps of the routes of its worst member that is due, of those that are paged for if any is."""
        if incident.kind in (IncidentKind.DELIVERY, IncidentKind.FAULT):
            broken = {incident.cause} if incident.kind is IncidentKind.DELIVERY else set[str]()
            return steps_of(self._paging, [(self._default, None)], broken)
        if incident.kind is not IncidentKind.NODE:
            paging = self.paging(incident)
            paged = [check for check in self._watched(incident) if check.paging is paging]
            return steps_of(
                paging, [(route, check) for check in paged for route in self._routes_of(check, incident.severity)]
            )
        failing = [(self.checks[p.check], p) for p in incident.in_trouble if p.due <= at and p.check in self.checks]
        if not failing:
            return Steps()
        check, problem = min(
            failing, key=lambda one: (-STRENGTH.index(one[0].paging), one[1].severity.badness, one[1].badness())
        )
        return steps_of(check.paging, [(route, check) for route in self._routes_of(check, problem.severity)])

    def acknowledged_until(self, incident: Incident, now: Situation) -> Micros:
        """How long an acknowledgement holds that names no end: until the next opening, where nothing is critical.

        That is of its routes; where they have no calendar, of its sites.
        """
        at = now.at
        if incident.severity is Severity.CRITICAL:
            return at + ACKNOWLEDGED_FOR
        ways = [way for target in self.targets(incident, now, every=True).values() for way in target.attended]
        ways = [way for way in ways if way.calendars] or self._hours_of_sites(incident)
        opening = hours.next_opening(ways, at)
        return at + ACKNOWLEDGED_FOR if opening is None else min(opening, at + WITHOUT_TICKET)

    def _hours_of_sites(self, incident: Incident) -> list[Attended]:
        sites = {check.node.site for check in self._watched(incident)} & self._sites.keys()
        names = [self._sites[site].calendar for site in sorted(sites)]
        return [Attended((self._calendars[name],)) for name in names if name is not None]

    def _watched(self, incident: Incident) -> list[Check]:
        return [self.checks[member] for member in incident.members if member in self.checks]

    def covered(self, match: Match) -> frozenset[CheckId]:
        """The checks that somebody means by this."""
        key = match.model_dump_json()
        if key not in self._covered:
            self._covered[key] = frozenset(identity for identity, check in self.checks.items() if covers(match, check))
        return self._covered[key]

    def told_of(self, checks: Iterable[CheckId], now: Situation) -> dict[str, Paging]:
        """The channels that these checks are routed to, where they page at all."""
        found: dict[str, Paging] = {}
        for check in (self.checks[one] for one in checks):
            recipients = self._routed(check, check.severity)
            for channel in (one for recipient in recipients for one in self.rosters.channels(recipient, now)):
                found[channel] = max(found.get(channel, Paging.OFF), check.paging, key=STRENGTH.index)
        return {channel: paging for channel, paging in sorted(found.items()) if paging is not Paging.OFF}

    @property
    def mode(self) -> Paging:
        """Of what is about no check alone."""
        return self._paging

    def paging(self, incident: Incident) -> Paging:
        """The strongest mode among the members, whatever the routes say."""
        if incident.kind in (IncidentKind.DELIVERY, IncidentKind.FAULT):
            return self._paging
        modes = [check.paging for check in self._watched(incident)]
        return max(modes, key=STRENGTH.index, default=Paging.ON)

    @cached_property
    def reachability(self) -> Mapping[str, CheckId]:
        """The check of each node that shows whether it can be reached."""
        best: dict[str, tuple[tuple[int, float, str], CheckId]] = {}
        for check in self.checks.values():
            kind = check.probe.kind
            rank = REACHABILITY.index(kind) if kind in REACHABILITY else len(REACHABILITY)
            key = rank, check.interval, check.id.check
            if check.id.node not in best or key < best[check.id.node][0]:
                best[check.id.node] = key, check.id
        return {node: check for node, (_, check) in best.items()}

    @cached_property
    def site_nodes(self) -> Mapping[str, Sequence[str]]:
        """The watched nodes of each site."""
        sites: defaultdict[str, list[str]] = defaultdict(list)
        for node in self.reachability:
            if site := self.site(node):
                sites[site].append(node)
        return sites

    def site(self, node: str) -> str:
        return self._nodes[node].site if node in self._nodes else ""

    def title(self, site: str) -> str:
        """What people call a site."""
        return (self._sites[site].title if site in self._sites else "") or site

    def parents(self, node: str) -> tuple[tuple[str, ...], ...]:
        """Its network parents; of each entry, all are needed to be down."""
        return self._nodes[node].depends_on if node in self._nodes else ()

    def parent_nodes(self, node: str) -> list[str]:
        """All nodes that its parents name, each once."""
        return list(dict.fromkeys(parent for entry in self.parents(node) for parent in entry))

    @cached_property
    def children(self) -> Mapping[str, Sequence[str]]:
        """The nodes that name this one as a parent."""
        children: defaultdict[str, list[str]] = defaultdict(list)
        for name in self._nodes:
            for parent in self.parent_nodes(name):
                children[parent].append(name)
        return children

    def is_intermittent(self, check: CheckId) -> bool:
        return self.checks[check].node.presence is Presence.INTERMITTENT

    def _routed(self, check: Check, severity: Severity) -> Mapping[Recipient, Way]:
        """To whom, and how."""
        key = check.id, severity
        if key not in self._known:
            ways: dict[Recipient, Way] = {}
            for route in self._routes_of(check, severity):
                calendars = calendars_of(route, check)
                for recipient in recipients_of(route):
                    before = ways.get(recipient, Way(None, ()))
                    both = [remind for remind in (before.remind, route.remind) if remind is not None]
                    ways[recipient] = Way(min(both, default=None), (*before.calendars, calendars))
            self._known[key] = ways
        return self._known[key]

    def _routes_of(self, check: Check, severity: Severity) -> list[Route]:
        return self._matching(check, severity) or [self._default]

    def _matching(self, check: Check, severity: Severity) -> list[Route]:
        facts = check_facts(check) | {"severity": severity}
        matching: list[Route] = []
        for route in self._routes:
            if route.match.holds(facts, check.node.labels):
                matching.append(route)
                if not route.continue_:
                    break
        return matching
