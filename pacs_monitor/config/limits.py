"""Which checks measure what an objective on time is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from pacs_monitor import probes
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.config.draft import Draft
from pacs_monitor.config.errors import unknown_name
from pacs_monitor.config.estate import Estate
from pacs_monitor.config.matching import covers
from pacs_monitor.config.tree import at
from pacs_monitor.config.validate import Validator
from pacs_monitor.latency import Limit
from pacs_monitor.model import Check, CheckId
from pacs_monitor.services import Service, checks_of

SECONDS, POINT_IN_TIME = "_seconds", "_timestamp_seconds"


def measures(kind: str, measure: str) -> bool:
    """Whether probes of a kind measure it: their runs themselves, or a measurement in seconds."""
    return measure == kind or measure in measurements(kind)


def measurements(kind: str) -> Collection[str]:
    """What probes of a kind measure in seconds; nothing of one that is not installed."""
    probe = probes.kinds().get(kind)
    names = () if probe is None else (one.name for one in probe.measures)
    return [name for name in names if name.endswith(SECONDS) and not name.endswith(POINT_IN_TIME)]


def covered_by(
    objective: ObjectiveSettings, services: Mapping[str, Service], checks: Mapping[CheckId, Check]
) -> Iterator[Check]:
    """The checks that an objective is about."""
    if objective.service is None:
        match = objective.match
        yield from (check for check in checks.values() if match is not None and covers(match, check))
    else:
        yield from (checks[CheckId.parse(name)] for name in checks_of(objective.service, services))


def measured_by(
    objective: ObjectiveSettings, services: Mapping[str, Service], checks: Mapping[CheckId, Check]
) -> Iterator[Check]:
    """The checks that an objective on time counts the runs of."""
    measure = objective.measure or ""
    yield from (check for check in covered_by(objective, services, checks) if measures(check.probe.kind, measure))


def limits_of(estate: Estate) -> Mapping[CheckId, tuple[Limit, ...]]:
    """The limits that the runs of each check are counted against."""
    found: defaultdict[CheckId, tuple[Limit, ...]] = defaultdict(tuple)
    for objective in estate.objectives:
        limit = objective.limit(estate.calendars)
        for check in () if limit is None else measured_by(objective, estate.service_rules, estate.checks):
            found[check.id] += (limit,) if limit else ()
    return dict(found)


def check_limits(validator: Validator, draft: Draft, checks: Mapping[CheckId, Check]) -> None:
    """Report each objective on time of which nothing is measured."""
    services = {name: piece.settings.made(name) for name, piece in draft.services.items()}
    for agreed in draft.objectives:
        settings = agreed.settings
        covered = [*covered_by(settings, services, checks)]
        if (
            settings.measure is None
            or not covered
            or any(measures(one.probe.kind, settings.measure) for one in covered)
        ):
            continue
        kinds = sorted({check.probe.kind for check in covered})
        known = [*kinds, *sorted({name for kind in kinds for name in measurements(kind)})]
        message = f"none of its checks measures that; {unknown_name('measure', settings.measure, known)}"
        validator.error(at(agreed.tree, ("measure",)).mark, (*agreed.path, "measure"), message)
