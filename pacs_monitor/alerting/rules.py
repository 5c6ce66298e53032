"""Who is to be notified, by the configuration in force: routes and paging modes. Pure.

Maintenance windows, service hours and network parents will answer here too, each with its own `why`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pacs_monitor.config.estate import Estate, Route, check_facts
from pacs_monitor.model import Check, CheckId, Incident, IncidentKind, Paging, Severity

PAGING_OFF = "paging off"
NO_CHANNEL = "no channel"
_STRENGTH = (Paging.OFF, Paging.SHADOW, Paging.ON)

Targets = Mapping[str, float | None]
"""Channel → how often it is reminded, in seconds."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How one channel is reached: for real or in the shadow, and how often it is reminded."""

    paging: Paging
    remind: float | None


@dataclass(frozen=True, slots=True)
class Audience:
    """The channels to notify of an incident; `why` says why there are none."""

    reach: Mapping[str, Reach]
    paging: Paging
    """The strongest mode among the incident's members, whatever the routes say."""
    why: str = ""


class Rules:
    """The part of the configuration that decides who is notified."""

    def __init__(self, estate: Estate) -> None:
        self.checks = estate.checks
        self.channels = frozenset(estate.channels)
        self._routes = estate.routes
        self._default = estate.default_route
        self._paging = estate.monitor.paging
        self._known: dict[tuple[CheckId, Severity], Targets] = {}

    def audience(self, incident: Incident) -> Audience:
        """Of its members' routes all together; one of the monitor's own goes through all channels that work."""
        if incident.kind in (IncidentKind.DELIVERY, IncidentKind.FAULT):
            broken = {incident.cause} if incident.kind is IncidentKind.DELIVERY else set[str]()
            others = dict.fromkeys(sorted(self.channels - broken), self._default.remind)
            return _audience([(self._paging, others)])
        members = [self.checks[member] for member in incident.members if member in self.checks]
        return _audience((check.paging, self._targets(check, incident.severity)) for check in members)

    def _targets(self, check: Check, severity: Severity) -> Targets:
        """The first route that names a channel says how often it is reminded."""
        key = check.id, severity
        if key not in self._known:
            targets: dict[str, float | None] = {}
            for route in self._matching(check, severity) or [self._default]:
                for channel in route.channels:
                    targets.setdefault(channel, route.remind)
            self._known[key] = targets
        return self._known[key]

    def _matching(self, check: Check, severity: Severity) -> list[Route]:
        facts = check_facts(check) | {"severity": severity}
        matching: list[Route] = []
        for route in self._routes:
            if route.match.holds(facts, check.node.labels):
                matching.append(route)
                if not route.continue_:
                    break
        return matching


def _audience(parts: Iterable[tuple[Paging, Targets]]) -> Audience:
    reach: dict[str, Reach] = {}
    strongest = Paging.OFF
    for paging, targets in parts:
        strongest = max(strongest, paging, key=_STRENGTH.index)
        if paging is Paging.OFF:
            continue
        for channel, remind in targets.items():
            if channel not in reach or (paging is Paging.ON and reach[channel].paging is Paging.SHADOW):
                reach[channel] = Reach(paging, remind)
    why = "" if reach else PAGING_OFF if strongest is Paging.OFF else NO_CHANNEL
    return Audience(reach, strongest, why)
