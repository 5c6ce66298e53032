"""The sections `services` and `objectives` of monitor.yaml as settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from pacs_monitor.calendars import Calendar
from pacs_monitor.config.values import Count
from pacs_monitor.fields import Day, Duration, Match, Percent, Settings
from pacs_monitor.latency import Limit
from pacs_monitor.model import SECOND, Micros, Severity
from pacs_monitor.objectives import WHOLE, Bounds, Counts, Maintenance, Terms
from pacs_monitor.patterns import at_least_one_of
from pacs_monitor.services import Service

OF_OUTAGES = ("cap", "degraded", "minimum_outage", "outage")
"""Keys that say nothing of how long runs take."""


class ServiceSettings(Settings):
    """What users call "the PACS"; exactly one of `all`, `any`, or `at_least` with `of`."""

    model_config = ConfigDict(json_schema_extra=at_least_one_of(("all",), ("any",), ("at_least", "of")))

    all: tuple[str, ...] = ()
    """Checks (`node/check`) and services that must all be up."""
    any: tuple[str, ...] = ()
    """Checks and services of which one must be up."""
    at_least: Count | None = None
    """How many of `of` must be up."""
    of: tuple[str, ...] = ()
    """Checks and services that `at_least` counts."""
    impact: str = ""
    """What its outage means to users."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if sum(map(bool, (self.all, self.any, self.of))) != 1 or bool(self.of) != bool(self.at_least):
            raise ValueError("needs exactly one of 'all', 'any', or 'at_least' with 'of'")
        if len(set(self.members)) < len(self.members):
            raise ValueError("names the same check or service twice; write each once")
        if self.at_least is not None and self.at_least > len(self.of):
            raise ValueError(
                f"write at_least: {len(self.of)} or less: {self.at_least} of {len(self.of)} can never be up"
            )
        return self

    @property
    def members(self) -> tuple[str, ...]:
        return self.all or self.any or self.of

    def made(self, name: str) -> Service:
        """Pure, for the rooms that account."""
        need = self.at_least or (1 if self.any else len(self.members))
        return Service(name, need, self.members, self.impact)


class BySeverity(Settings):
    """How fast the vendor must be, from the moment that it is called on, by the severity of the incident."""

    critical: Duration | None = None
    """For incidents of severity critical; nothing is agreed for them if it is left out."""
    warning: Duration | None = None
    """For those of severity warning."""
    info: Duration | None = None
    """For those of severity info."""

    def of(self, severity: Severity) -> float | None:
        """Seconds; None where nothing is agreed."""
        found: float | None = getattr(self, severity.value)
        return found


class ObjectiveSettings(Settings):
    """What was agreed for a service, or for each node with checks that match."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": ["service"]}, {"required": ["match"]}]},
                {
                    "oneOf": [
                        {"required": ["availability"]},
                        {"required": ["allowed"]},
                        {"required": ["measure", "within", "share"]},
                    ]
                },
                {"not": {"required": ["measure", "cap"]}},
                {"not": {"required": ["measure", "degraded"]}},
                {"not": {"required": ["measure", "minimum_outage"]}},
                {"not": {"required": ["measure", "outage"]}},
                {"if": {"required": ["contract"]}, "then": {"required": ["counts"]}},
                {"if": {"required": ["consequence"]}, "then": {"required": ["contract"]}},
                {
                    "if": {"properties": {"per": {"const": "contract year"}}, "required": ["per"]},
                    "then": {"required": ["begins"]},
                    "else": {"not": {"required": ["begins"]}},
                },
            ]
        }
    )

    name: str
    """As the contract calls it."""
    service: str | None = None
    """A name under `services`; or `match`."""
    match: Match | None = None
    """Which checks it covers: those of a node count together, and each node for itself; or `service`."""
    availability: Percent | None = None
    """The agreed share of time, such as 99.9%; or `allowed`."""
    allowed: Duration | None = None
    """The permitted downtime in each period, such as 26m; or `availability`."""
    per: Literal["month", "quarter", "year", "contract year"] = "quarter"
    """The period over which it counts, in the monitor's time zone."""
    begins: Day | None = None
    """The day on which the first contract year begins, such as 2026-04-15; required with `per: contract year`."""
    measure: str | None = None
    """Of an objective on time: a kind of probe such as `dicom_retrieve`, whose whole runs count, or a measurement in
    seconds such as `store_available_seconds`; or `availability`, or `allowed`."""
    within: Duration | None = None
    """With `measure`: how long a run may take, such as 3s."""
    share: Percent | None = None
    """With `measure`: the share of runs that must be done within that time, such as 95%."""
    calendar: str | None = None
    """Hours that count: a name under `calendars`; all hours by default."""
    degraded: Literal["up", "down"] = "up"
    """What degraded counts as."""
    maintenance: Maintenance = Maintenance.EXCLUDE_DOWNTIME
    """How planned windows count: exclude their downtime, exclude the windows, or include everything."""
    notice: Duration = 0.0
    """How long before its start a window must have been announced to be excluded."""
    cap: Duration | None = None
    """How much maintenance is excluded in a period at most."""
    minimum_outage: Duration = 0.0
    """Shorter outages do not count."""
    coverage: Percent = 0.9
    """The share of the agreed hours that must have been measured; with less, it is not assessable."""
    counts: Counts | None = None
    """Which downtime counts: `attributable` to the node, or `felt` by users; required with `contract`."""
    outage: Bounds = Bounds.MEASURED
    """From when to when an outage lasts: `measured` from the first failed to the first good result, `at_least` to the
    last failed one, `at_most` from the last good one."""
    contract: str = ""
    """The contract or document in which it is agreed."""
    consequence: str | None = Field(None, min_length=1)
    """What the contract says of a breach, in its own words; reports quote it, and calculate nothing from it."""
    response: BySeverity | None = None
    """Within which time the vendor must respond once it is called, such as `{critical: 30m, warning: 4h}`; with
    `calendar`, the hours that count."""
    restoration: BySeverity | None = None
    """Likewise, within which time it must work again."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.service is None) == (self.match is None):
            raise ValueError("needs exactly one of 'service' and 'match'")
        if sum(target is not None for target in (self.availability, self.allowed, self.measure)) != 1:
            raise ValueError("needs exactly one of 'availability', 'allowed' and 'measure'")
        if any((self.measure is None) != (other is None) for other in (self.within, self.share)):
            raise ValueError("write measure, within and share together: how long what may take, and how often")
        told = [key for key in OF_OUTAGES if getattr(self, key) != type(self).model_fields[key].default]
        if self.measure is not None and told:
            raise ValueError(f"leave out {', '.join(told)}: an objective on time knows runs, no outages")
        if self.contract and self.counts is None:
            raise ValueError("add counts: attributable or counts: felt, as the contract says; its figure depends on it")
        if self.consequence and not self.contract:
            raise ValueError("add contract: the one whose words consequence quotes")
        if self.per == "contract year" and self.begins is None:
            raise ValueError("add begins: 2026-04-15, the day on which the first contract year begins")
        if self.per != "contract year" and self.begins is not None:
            raise ValueError("leave out begins, or write per: contract year")
        if self.maintenance is Maintenance.INCLUDE and (self.notice or self.cap is not None):
            raise ValueError("leave out notice and cap: with maintenance: include nothing is excluded")
        return self

    def limit(self, calendars: Mapping[str, Calendar]) -> Limit | None:
        """Of an objective on time, for those who count."""
        if self.measure is None or self.within is None:
            return None
        return Limit(
            self.name,
            self.measure,
            round(self.within * SECOND),
            calendars.get(self.calendar or ""),
            attributable=self.counts is Counts.ATTRIBUTABLE,
            with_maintenance=self.maintenance is Maintenance.INCLUDE,
            notice=round(self.notice * SECOND),
        )

    def terms(self) -> Terms:
        """Pure, for the rooms that account."""
        return Terms(
            availability=None if self.availability is None else round(self.availability * WHOLE),
            allowed=_micros(self.allowed),
            degraded_is_up=self.degraded == "up",
            maintenance=self.maintenance,
            cap=_micros(self.cap),
            minimum_outage=round(self.minimum_outage * SECOND),
            coverage=round(self.coverage * WHOLE),
            counts=self.counts or Counts.FELT,
        )


def _micros(seconds: float | None) -> Micros | None:
    return None if seconds is None else round(seconds * SECOND)
