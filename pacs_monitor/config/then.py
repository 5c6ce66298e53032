"""What a recorded configuration had agreed, and what its nodes were called: as much of it as a report needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from pacs_monitor.calendars import Calendar
from pacs_monitor.config.agreed import ObjectiveSettings, ServiceSettings
from pacs_monitor.config.constancy import ConstancySettings
from pacs_monitor.config.limits import measures
from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.config.recorded import NotReadableError, calendars_of
from pacs_monitor.fields import Match
from pacs_monitor.model import CheckId
from pacs_monitor.services import Service, checks_of


class NodeThen(NamedTuple):
    """A node as it was called."""

    title: str
    site: str
    role: str
    labels: Mapping[str, str]
    presence: str


class CheckThen(NamedTuple):
    """A check as it was configured; times in seconds, the interval None for one that runs at times of the day."""

    probe: str
    severity: str
    interval: float | None
    timeout: float | None = None
    failures: int | None = None
    """Failed results in a row after which it is down."""


class LogThen(NamedTuple):
    """A constancy log, and for each of its checks the other nodes on which arrival was verified."""

    settings: ConstancySettings
    also_on: Mapping[CheckId, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Then:
    """A configuration that was in force."""

    timezone: str = "UTC"
    services: Mapping[str, Service] = field(default_factory=dict)
    objectives: Mapping[str, ObjectiveSettings] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    nodes: Mapping[str, NodeThen] = field(default_factory=dict)
    checks: Mapping[CheckId, CheckThen] = field(default_factory=dict)
    constancy: Mapping[str, LogThen] = field(default_factory=dict)
    ae_title: str = ""
    maintenance: tuple[MaintenanceSettings, ...] = ()
    """Those that say themselves when they are."""

    def covered(self, match: Match) -> list[CheckId]:
        """The checks for which a match holds."""
        return [check for check in self.checks if match.holds(self._facts(check), self.nodes[check.node].labels)]

    def measuring(self, objective: ObjectiveSettings) -> list[CheckId]:
        """The checks that an objective on time counts the runs of."""
        if objective.service is not None and objective.service in self.services:
            named = map(CheckId.parse, checks_of(objective.service, self.services))
            covered = [check for check in named if check in self.checks]
        else:
            covered = [] if objective.match is None else self.covered(objective.match)
        return [check for check in covered if measures(self.checks[check].probe, objective.measure or "")]

    def _facts(self, check: CheckId) -> dict[str, str]:
        node, said = self.nodes[check.node], self.checks[check]
        return {
            "node": check.node,
            "check": check.check,
            "probe": said.probe,
            "site": node.site,
            "role": node.role,
            "severity": said.severity,
            "presence": node.presence,
        }


def then(document: Mapping[str, Any], revision: str) -> Then:
    """What a recorded document says; raises NotReadableError."""
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError) as error:
        raise NotReadableError(f"the recorded configuration {revision[:12]} cannot be read: {error!r}") from error


def _read(document: Mapping[str, Any]) -> Then:
    timezone = document["monitor"]["timezone"]
    nodes = document["nodes"]
    return Then(
        timezone,
        {name: ServiceSettings.model_validate(said).made(name) for name, said in document["services"].items()},
        {said["name"]: agreed for said in document["objectives"] if (agreed := _objective(said))},
        calendars_of(document["calendars"], ZoneInfo(timezone)),
        {
            name: NodeThen(said["title"], said["site"], said["role"], said["labels"], said["presence"])
            for name, said in nodes.items()
        },
        {CheckId(name, check): _check(of) for name, said in nodes.items() for check, of in said["checks"].items()},
        {said["name"]: _log(said, nodes) for said in document.get("constancy", ())},
        document["monitor"]["ae_title"],
        tuple(window for said in document.get("maintenance", ()) if (window := _window(said))),
    )


def _check(of: Mapping[str, Any]) -> CheckThen:
    interval = None if of["cron"] else of["interval"]
    return CheckThen(of["probe"], of["severity"], interval, of.get("timeout"), of.get("thresholds", {}).get("failures"))


def _log(said: Mapping[str, Any], nodes: Mapping[str, Any]) -> LogThen:
    log = ConstancySettings.model_validate(said)
    settings = {check: nodes[check.node]["checks"][check.check]["settings"] for check in log.tested}
    return LogThen(log, {check: tuple(of["verify_on"]) for check, of in settings.items()})


def _window(said: Mapping[str, Any]) -> MaintenanceSettings | None:
    """None for one whose times are in a calendar, and for one of an older version that cannot be read."""
    try:
        return MaintenanceSettings.model_validate(said) if said.get("start") else None
    except ValidationError:
        return None


def _objective(said: Mapping[str, Any]) -> ObjectiveSettings | None:
    """None for one that an older version accepted, and that does not say what it means."""
    try:
        return ObjectiveSettings.model_validate(said)
    except ValidationError:
        return None
