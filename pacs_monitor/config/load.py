"""From monitor.yaml to the Estate, or every problem at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pacs_monitor.calendars import Calendar
from pacs_monitor.config.draft import Draft, read_draft
from pacs_monitor.config.estate import Estate, Route, Step
from pacs_monitor.config.hours import build_calendars
from pacs_monitor.config.installed import check_packages
from pacs_monitor.config.limits import check_limits
from pacs_monitor.config.matching import covers, nothing_matches
from pacs_monitor.config.oncall import RotaDraft, build_oncalls, read_rotas, warn_of_gaps
from pacs_monitor.config.problems import ConfigError, Problem
from pacs_monitor.config.references import check_references
from pacs_monitor.config.report import ReportSettings
from pacs_monitor.config.resolve import Resolved, resolve
from pacs_monitor.config.sections import DefaultRoute, MonitorSettings, RouteSettings
from pacs_monitor.config.sharing import warn_of_sharing
from pacs_monitor.config.tokens import warn_of_tokens
from pacs_monitor.config.tree import parse_yaml
from pacs_monitor.config.uncertainty import warn_of_uncertainty
from pacs_monitor.config.validate import Validator
from pacs_monitor.config.values import is_loopback
from pacs_monitor.config.ways import warn_of_single_ways
from pacs_monitor.fields import Match
from pacs_monitor.model import Check, CheckId
from pacs_monitor.rota import OnCall

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Estate:
    """The estate that a file describes; raises ConfigError with every problem."""
    content = content_of(path)
    problems: list[Problem] = []
    used: dict[str, str] = {}
    tree = parse_yaml(text_of(path, content), str(path), environ, problems, used)
    validator = Validator(path.absolute().parent, problems, used=used)
    draft = read_draft(validator, tree)
    rotas = read_rotas(validator, draft, environ, used)
    check_references(validator, draft)
    check_packages(validator, draft)
    zone = draft.monitor.settings.timezone if draft.monitor else "UTC"
    calendars = build_calendars(validator, draft, zone)
    found = resolve(validator, draft, draft.monitor, calendars) if draft.monitor else None
    if found is not None and not problems:
        check_limits(validator, draft, found.checks)
    if found is None or problems:
        raise ConfigError(problems)
    warn_of_sharing(validator, draft, found.nodes)
    _warn_of_links(validator, draft, found.monitor)
    _warn_of_nothing(validator, draft, found.checks)
    warn_of_single_ways(validator, draft, found.checks)
    warn_of_uncertainty(validator, draft, found.checks, calendars)
    oncalls = build_oncalls(rotas, zone)
    warn_of_gaps(validator, rotas, oncalls)
    warn_of_tokens(validator, draft, rotas)
    return _estate(path, _revision(content, rotas, draft), draft, found, validator.warnings, oncalls=oncalls)


def _revision(content: bytes, rotas: Mapping[str, RotaDraft], draft: Draft) -> str:
    """Of the file, and of the rotas (who is on call is part of what is in force) and the logo that it names."""
    digest = hashlib.sha256(content)
    for name in sorted(rotas):
        digest.update(rotas[name].content)
    if draft.report and draft.report.settings.logo:
        digest.update(draft.report.settings.logo.encode())
    return digest.hexdigest()


def _warn_of_links(validator: Validator, draft: Draft, monitor: MonitorSettings) -> None:
    """Pages are read on other machines than this one."""
    host = monitor.listen[0]
    if draft.monitor and draft.channels and not monitor.external_url and (is_loopback(host) or host in EVERYWHERE):
        message = f"external_url is missing: links in pages lead to {monitor.url}, which opens on this machine alone"
        validator.warn(draft.monitor.tree.mark, draft.monitor.path, message)


def _warn_of_nothing(validator: Validator, draft: Draft, checks: Mapping[CheckId, Check]) -> None:
    """Maintenance that covers nothing: people would be paged for what was planned. So with objectives."""
    meant = [(window.settings.match, window.tree, window.path) for window in draft.maintenance]
    meant += [(agreed.settings.match, agreed.tree, agreed.path) for agreed in draft.objectives if agreed.settings.match]
    for match, tree, path in meant:
        if checks and not any(covers(match, check) for check in checks.values()):
            validator.warn(tree.mark, (*path, "match"), nothing_matches(match, checks))


def content_of(path: Path) -> bytes:
    """The file as it is; raises ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([Problem(str(path), 1, "", f"cannot be read: {error.strerror}")]) from error


def text_of(path: Path, content: bytes) -> str:
    """What a file holds, as text; raises ConfigError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8 text")]) from error


def _estate(
    path: Path,
    revision: str,
    draft: Draft,
    found: Resolved,
    warnings: list[Problem],
    *,
    oncalls: Mapping[str, OnCall],
) -> Estate:
    calendars = found.calendars
    channels = draft.channels.items()
    return Estate(
        file=path,
        revision=revision,
        monitor=found.monitor,
        nodes=found.nodes,
        checks=found.checks,
        channels={name: channel.made(name) for name, channel in channels},
        channel_settings={name: (channel.kind.kind, channel.own) for name, channel in channels},
        channel_tests={
            name: channel.common.settings.test for name, channel in channels if channel.common.settings.test
        },
        fallbacks={name: other for name, channel in channels if (other := channel.common.settings.fallback)},
        own_keys={name: channel.hidden for name, channel in channels if channel.hidden},
        oncall=oncalls,
        handover=draft.handover.settings if draft.handover else None,
        reports={name: piece.settings for name, piece in draft.reports.items()},
        report=draft.report.settings if draft.report else ReportSettings(),
        openings_per_minute={name: channel.common.settings.openings_per_minute for name, channel in channels},
        routes=tuple(_route(route.settings, calendars) for route in draft.routes),
        default_route=_route(draft.default_route.settings, calendars) if draft.default_route else Route(),
        sites={name: piece.settings for name, piece in draft.sites.items()},
        calendars=calendars,
        services={name: piece.settings for name, piece in draft.services.items()},
        objectives=tuple(piece.settings for piece in draft.objectives),
        constancy=tuple(piece.settings for piece in draft.constancy),
        maintenance=tuple(piece.settings for piece in draft.maintenance),
        warnings=tuple(sorted(set(warnings))),
        node_origins=found.node_origins,
        check_origins=found.check_origins,
    )


def _route(settings: DefaultRoute, calendars: Mapping[str, Calendar]) -> Route:
    calendar = calendars[settings.calendar] if settings.calendar else None
    steps = tuple(Step(step.after, step.channels, step.oncall) for step in settings.escalate)
    match, goes_on = (settings.match, settings.continue_) if isinstance(settings, RouteSettings) else (Match(), False)
    return Route(match, settings.channels, goes_on, settings.remind, calendar, steps, settings.oncall)
