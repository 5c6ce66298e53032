"""The second half of loading: nodes and checks with their effective settings, and where each comes from.

A check's own setting wins, then its node's, then `defaults`, then the probe kind's own timing. How often a check writes
is said at the check, or by its kind: an interval that is meant for all others would multiply what it stores.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from pacs_monitor.calendars import Calendar
from pacs_monitor.config.addressing import lacking, speaks_dicom
from pacs_monitor.config.blocks import CheckDraft, NodeDraft
from pacs_monitor.config.draft import Draft, Piece
from pacs_monitor.config.estate import Origin, Origins
from pacs_monitor.config.members import Defaults, DicomSettings, NodeSettings
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.config.tree import Branch, Mark, Tree, at
from pacs_monitor.config.validate import FROM_FILE, Validator
from pacs_monitor.fields import nodes_named, tls_of
from pacs_monitor.model import (
    CHECK_DEFAULTS,
    SECOND,
    Check,
    CheckId,
    DicomEndpoint,
    Guarded,
    Hl7Endpoint,
    Micros,
    Node,
    Thresholds,
    Timing,
)

DEFAULTS = Defaults(**CHECK_DEFAULTS._asdict())
BLOCKS = frozenset({"dicom", "hl7"})
TIMING = frozenset({"interval", "retry_interval"})
SAY_HOW_OFTEN_TO_WRITE = frozenset({"check", "probe kind"})
"""Layers that say how often a check runs that writes to its node, or pulls from it."""


@dataclass(frozen=True, slots=True)
class SettingsLayer:
    """One place that may say something; `tree` knows the lines."""

    name: str
    settings: BaseModel
    tree: Tree | None = None

    def says(self, key: str) -> bool:
        return key in self.settings.model_fields_set

    def origin(self, key: str) -> Origin:
        return Origin(self.name, _mark(self.tree, key) if self.tree else None)


BUILT_IN = SettingsLayer("built in", DEFAULTS)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The estate's members, each with the origins of its settings."""

    monitor: MonitorSettings
    nodes: dict[str, Node]
    checks: dict[CheckId, Check]
    node_origins: dict[str, Origins]
    check_origins: dict[CheckId, Origins]
    calendars: Mapping[str, Calendar]


def resolve(
    validator: Validator, draft: Draft, monitor: Piece[MonitorSettings], calendars: Mapping[str, Calendar]
) -> Resolved:
    """Every node and check that could be read."""
    found = Resolved(monitor.settings, {}, {}, {}, {}, calendars)
    said_of_all = [SettingsLayer("defaults", draft.defaults.settings, draft.defaults.tree)] if draft.defaults else []
    for name, node_draft in draft.nodes.items():
        above = _above(draft, node_draft, monitor)
        found.nodes[name], found.node_origins[name] = _node(node_draft, above, monitor.settings.ae_title)
    for name, node_draft in draft.nodes.items():
        node, above = found.nodes[name], _above(draft, node_draft, monitor)
        of_node = SettingsLayer("node", node_draft.settings, node_draft.tree)
        for check in node_draft.checks:
            _ask_permission(validator, check)
            _ask_address(validator, check, node, node_draft)
            layers = [SettingsLayer("check", check.common, check.tree), of_node]
            made, found.check_origins[check.id] = _check(
                check, node, [*layers, *said_of_all, _kind_defaults(check.probe.timing), BUILT_IN], [*layers, *above]
            )
            found.checks[check.id] = replace(
                made,
                thresholds=_expecting(made.thresholds, node_draft.settings, draft, calendars),
                until=_until(check, monitor.settings.timezone),
                others=_others(check, found.nodes),
                allowed=_allowed(validator, check, monitor.settings.allow),
                calendar=calendars.get(check.common.calendar or node_draft.settings.calendar or ""),
            )
    return found


def _above(draft: Draft, node: NodeDraft, monitor: Piece[MonitorSettings]) -> list[SettingsLayer]:
    site = draft.sites.get(node.settings.site)
    sites = [SettingsLayer("site", site.settings, site.tree)] if site else []
    return [*sites, SettingsLayer("monitor", monitor.settings, monitor.tree)]


def _expecting(
    thresholds: Thresholds, node: NodeSettings, draft: Draft, calendars: Mapping[str, Calendar]
) -> Thresholds:
    """With the hours in which the node should be on: its own, else with `absent_for` those of its site."""
    site = draft.sites.get(node.site)
    of_site = site.settings.calendar if site and node.absent_for is not None else None
    expected = calendars.get(node.expected or of_site or "")
    if expected is None:
        return thresholds
    absent_for = thresholds.absent_for if node.absent_for is None else node.absent_for
    return replace(thresholds, expected=expected, absent_for=absent_for)


def _until(check: CheckDraft, timezone: str) -> Micros | None:
    """The end of the last day of an approval, where the monitor stands."""
    last = check.common.until
    if last is None:
        return None
    end = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(timezone))
    return round(end.timestamp()) * SECOND


def _others(check: CheckDraft, nodes: Mapping[str, Node]) -> tuple[Node, ...]:
    names = sorted({name for named in nodes_named(check.own).values() for name in named})
    return tuple(nodes[name] for name in names if name in nodes)


@cache
def _kind_defaults(timing: Timing) -> SettingsLayer:
    return SettingsLayer(
        "probe kind",
        Defaults(interval=timing.interval, retry_interval=timing.retry_interval, timeout=timing.timeout),
    )


def _node(draft: NodeDraft, above: list[SettingsLayer], our_ae_title: str) -> tuple[Node, Origins]:
    settings = draft.settings
    own = SettingsLayer("node", settings, draft.tree)
    paging, paging_origin = _nearest("paging", [own, *above])
    node = Node(
        name=draft.name,
        host=settings.host,
        title=settings.title or draft.name,
        site=settings.site,
        role=settings.role,
        labels=settings.labels,
        presence=settings.presence,
        paging=paging,
        impact=settings.impact,
        support=settings.support,
        downtime_procedure=settings.downtime_procedure,
        depends_on=settings.depends_on,
        max_associations=settings.max_associations,
        dicom=_dicom(settings.dicom, our_ae_title) if settings.dicom else None,
        calling_ae_title=our_ae_title if not settings.dicom and any(map(speaks_dicom, draft.checks)) else "",
        hl7=Hl7Endpoint(settings.hl7.port, tls_of(settings.hl7.tls)) if settings.hl7 else None,
        systems=draft.systems,
    )
    calling = {"calling_ae_title", "dicom.calling_ae_title"}
    ours = dict.fromkeys(calling, above[-1].origin("ae_title")) if above[-1].says("ae_title") else {}
    name = {"title": Origin("name of the node", draft.tree.mark)}
    return node, {
        **ours,
        **name,
        **_written("node", draft.tree, draft.systems.keys() | BLOCKS),
        "paging": paging_origin,
    }


def _written(layer: str, tree: Tree, blocks: Collection[str] = ()) -> dict[str, Origin]:
    """Where each key stands, and those of `blocks` one by one; a secret may stand under `KEY_file`."""
    found: dict[str, Origin] = {}
    for key, child in tree.entries.items() if isinstance(tree, Branch) else ():
        found[key.removesuffix(FROM_FILE)] = found[key] = Origin(layer, child.mark)
        if key in blocks:
            found |= {f"{key}.{inner}": origin for inner, origin in _written(layer, child).items()}
    return found


def _dicom(settings: DicomSettings, our_ae_title: str) -> DicomEndpoint:
    calling = settings.calling_ae_title or our_ae_title
    return DicomEndpoint(settings.port, settings.ae_title, calling, tls_of(settings.tls))


def _check(
    draft: CheckDraft, node: Node, layers: list[SettingsLayer], pages: list[SettingsLayer]
) -> tuple[Check, Origins]:
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    own_timing = [layer for layer in layers if layer.name in SAY_HOW_OFTEN_TO_WRITE]
    for key in Defaults.model_fields:
        here = own_timing if draft.probe.writes and key in TIMING else layers
        values[key], origins[key] = _nearest(key, here)
    values["paging"], origins["paging"] = _nearest("paging", pages)
    origins["probe"] = Origin("name of the check", draft.tree.mark)
    origins |= {key: layers[1].origin(key) for key in ("calendar", "expected", "absent_for")}
    origins |= _written("check", draft.tree)
    if values["retry_interval"] > values["interval"]:
        origins["retry_interval"] = origins["interval"]
    check = Check(
        id=draft.id,
        node=node,
        probe=draft.probe,
        settings=draft.own,
        interval=values["interval"],
        retry_interval=min(values["retry_interval"], values["interval"]),
        timeout=values["timeout"],
        thresholds=Thresholds(values["failures"], values["recoveries"], node.presence, values["busy_fail_after"]),
        severity=values["severity"],
        paging=values["paging"],
        page_after=values["page_after"],
        unknown_after=values["unknown_after"],
        cron=draft.common.cron,
        enabled_by=draft.common.enabled_by,
    )
    return check, origins


def _nearest(key: str, layers: list[SettingsLayer]) -> tuple[Any, Origin]:
    for layer in layers:
        if (value := getattr(layer.settings, key)) is not None:
            return value, layer.origin(key)
    raise LookupError(key)


def _ask_permission(validator: Validator, check: CheckDraft) -> None:
    if check.probe.writes and not check.common.enabled_by:
        kind = check.probe.kind
        message = f"add enabled_by with the name of who approved it: {kind} writes to the node or retrieves from it"
        validator.error(check.tree.mark, check.path, message)


def _allowed(validator: Validator, check: CheckDraft, allow: Collection[str]) -> bool:
    probe = check.probe
    guarded = _may_be_guarded(type(probe)) and isinstance(probe, Guarded) and probe.needs_allowing(check.own)
    if not guarded or str(check.id) in allow:
        return True
    message = (
        f"does not run until you add '{check.id}' to monitor.allow: it runs a configured command with the monitor's "
        "rights"
    )
    validator.warn(check.tree.mark, check.path, message)
    return False


@cache
def _may_be_guarded(kind: type[Any]) -> bool:
    """Asked once of a kind: what is an instance of a Protocol takes a while to find out."""
    return issubclass(kind, Guarded)


def _ask_address(validator: Validator, check: CheckDraft, node: Node, draft: NodeDraft) -> None:
    lacks = lacking(check.probe, check.own, node)
    if lacks == "host":
        message = f"the key 'host' is missing; its check {check.id.check!r} needs an address"
        validator.error(draft.tree.mark, draft.path, message)
    elif lacks == "address":
        blocks = "dicom: {port: …, ae_title: …} or hl7: {port: …}"
        message = f"add a block such as {blocks} to its node: {check.probe.kind} needs an address"
        validator.error(check.tree.mark, check.path, message)


def _mark(tree: Tree, key: str) -> Mark | None:
    found = at(tree, (key,))
    return None if found is tree else found.mark
