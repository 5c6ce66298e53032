"""The Estate: the whole validated monitor.yaml, with every check's effective settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from pacs_monitor.calendars import Calendar
from pacs_monitor.config.agreed import ObjectiveSettings, ServiceSettings
from pacs_monitor.config.constancy import ConstancySettings
from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.config.problems import Problem
from pacs_monitor.config.report import ReportSettings
from pacs_monitor.config.scheduled import ScheduledReport
from pacs_monitor.config.sections import (
    LATE_AFTER,
    OPENINGS_PER_MINUTE,
    ChannelTest,
    Fallback,
    HandoverSettings,
    MonitorSettings,
    SiteSettings,
)
from pacs_monitor.config.tree import Mark
from pacs_monitor.fields import Match
from pacs_monitor.model import Address, Channel, Check, CheckId, KeepsAcknowledgements, Node, fingerprint
from pacs_monitor.rota import OnCall
from pacs_monitor.services import Service, checks_of


class Origin(NamedTuple):
    """Where an effective value comes from: `check`, `node`, `defaults`, `probe kind` …, and the line, if any."""

    layer: str
    mark: Mark | None = None

    def __str__(self) -> str:
        return f"{self.layer} ({self.mark.file}:{self.mark.line})" if self.mark else self.layer


Origins = Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class Step:
    """Whom an incident is escalated to, `after` so many seconds without an acknowledgement."""

    after: float
    channels: tuple[str, ...]
    oncall: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Who is notified of the checks that match; `remind` in seconds."""

    match: Match = field(default_factory=Match)
    channels: tuple[str, ...] = ()
    continue_: bool = False
    remind: float | None = None
    calendar: Calendar | None = None
    """Outside of it pages wait until the next opening."""
    escalate: tuple[Step, ...] = ()
    oncall: tuple[str, ...] = ()
    """Whoever is on call, by these rotas."""


@dataclass(frozen=True)
class Estate:
    """The whole validated configuration; a reload makes a new one."""

    file: Path
    revision: str
    """SHA-256 of the file as it was read, in hexadecimal."""
    monitor: MonitorSettings
    nodes: Mapping[str, Node] = field(default_factory=dict)
    checks: Mapping[CheckId, Check] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    channel_settings: Mapping[str, tuple[str, BaseModel]] = field(default_factory=dict)
    """Kind and settings of each channel, to see what a reload changes."""
    channel_tests: Mapping[str, ChannelTest] = field(default_factory=dict)
    """Of the channels that are tested regularly."""
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    """Of the channels that have one."""
    own_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the channels of people: the settings that are their own, such as a number."""
    oncall: Mapping[str, OnCall] = field(default_factory=dict)
    handover: HandoverSettings | None = None
    reports: Mapping[str, ScheduledReport] = field(default_factory=dict)
    report: ReportSettings = field(default_factory=ReportSettings)
    openings_per_minute: Mapping[str, int] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    default_route: Route = field(default_factory=Route)
    sites: Mapping[str, SiteSettings] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    objectives: tuple[ObjectiveSettings, ...] = ()
    constancy: tuple[ConstancySettings, ...] = ()
    maintenance: tuple[MaintenanceSettings, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    node_origins: Mapping[str, Origins] = field(default_factory=dict, compare=False, repr=False)
    check_origins: Mapping[CheckId, Origins] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def references(self) -> Mapping[str, tuple[Address, ...]]:
        """Per site, the on-site addresses whose silence means that the link is down, or we are."""
        return {name: tuple(Address(*address) for address in site.reference) for name, site in self.sites.items()}

    @cached_property
    def service_rules(self) -> Mapping[str, Service]:
        """The services, for the rooms that account."""
        return {name: settings.made(name) for name, settings in self.services.items()}

    @property
    def logged(self) -> frozenset[CheckId]:
        """The checks that constancy logs name."""
        return frozenset(check for log in self.constancy for check in log.tested)

    @cached_property
    def checks_of_services(self) -> frozenset[CheckId]:
        """The checks that any service rests on."""
        rules = self.service_rules
        return frozenset(CheckId.parse(check) for name in rules for check in checks_of(name, rules))

    @cached_property
    def change_calendars(self) -> Mapping[str, MaintenanceSettings]:
        """The maintenance whose windows come from a calendar, by name."""
        return {entry.name: entry for entry in self.maintenance if entry.ical is not None}

    def openings(self, channel: str) -> int:
        """How many incidents may open on a channel within a minute, each for itself."""
        return self.openings_per_minute.get(channel, OPENINGS_PER_MINUTE)

    @cached_property
    def late_after(self) -> Mapping[str, float]:
        """Seconds after which a page that a channel has not delivered is late: that of its fallback.

        What escalates by itself has to have the page for that, so there it counts without one, too.
        """
        escalating = {name: LATE_AFTER for name, channel in self.channels.items() if channel.owns_escalation}
        return escalating | {name: one.after for name, one in self.fallbacks.items()}

    @cached_property
    def keeping(self) -> Mapping[str, str]:
        """The channels whose receiver keeps acknowledgements to itself, and what it is called."""
        kept = {name: channel for name, channel in self.channels.items() if isinstance(channel, KeepsAcknowledgements)}
        return {name: channel.service for name, channel in kept.items() if channel.poll_every is None}

    @cached_property
    def checks_of(self) -> Mapping[str, tuple[CheckId, ...]]:
        """The checks of each node that has any."""
        checks: defaultdict[str, tuple[CheckId, ...]] = defaultdict(tuple)
        for check in self.checks:
            checks[check.node] += (check,)
        return checks

    @cached_property
    def prints(self) -> Mapping[CheckId, str]:
        """Where and as whom each check asks, as its fingerprint."""
        return {identity: fingerprint(check) for identity, check in self.checks.items()}


def check_facts(check: Check) -> dict[str, str]:
    """What `Match.holds` asks of a check, beside its node's labels."""
    return {
        "node": check.id.node,
        "check": check.id.check,
        "probe": check.probe.kind,
        "site": check.node.site,
        "role": check.node.role,
        "severity": check.severity,
        "presence": check.node.presence,
    }
