"""The first half of loading: each block is read on its own, so that every problem is seen, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

from pacs_monitor import channels
from pacs_monitor.config.agreed import ObjectiveSettings, ServiceSettings
from pacs_monitor.config.blocks import CHANNEL_KEYS, CheckDraft, NodeDraft, read_node, read_template
from pacs_monitor.config.constancy import ConstancySettings
from pacs_monitor.config.errors import unknown_key, unknown_kind
from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.config.members import Defaults, Later, NodeTable
from pacs_monitor.config.problems import Path
from pacs_monitor.config.report import ReportSettings
from pacs_monitor.config.rota import OncallSettings
from pacs_monitor.config.scheduled import ScheduledReport
from pacs_monitor.config.sections import (
    CalendarSettings,
    ChannelSettings,
    DefaultRoute,
    HandoverSettings,
    MonitorSettings,
    RouteSettings,
    Sections,
    SiteSettings,
)
from pacs_monitor.config.tree import Branch, Text, Tree, at
from pacs_monitor.config.validate import NOT_ACTED_ON, Validator
from pacs_monitor.config.values import check_name
from pacs_monitor.model import Channel

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Piece(Generic[M]):
    """Settings, where they stand, and the block that they were read from."""

    path: Path
    tree: Tree
    settings: M


@dataclass(frozen=True, slots=True)
class ChannelDraft:
    common: Piece[ChannelSettings]
    kind: type[Channel]
    own: BaseModel
    hidden: frozenset[str] = frozenset()
    """Its keys that are a person's own, such as a number: they are not recorded."""

    def made(self, name: str) -> Channel:
        make: Callable[[str, BaseModel], Channel] = self.kind
        return make(name, self.own)


@dataclass(slots=True)
class Draft:
    """What could be read of each section; `root` has the names that exist, read or not."""

    root: Branch
    monitor: Piece[MonitorSettings] | None = None
    defaults: Piece[Defaults] | None = None
    default_route: Piece[DefaultRoute] | None = None
    handover: Piece[HandoverSettings] | None = None
    reports: dict[str, Piece[ScheduledReport]] = field(default_factory=dict)
    report: Piece[ReportSettings] | None = None
    sites: dict[str, Piece[SiteSettings]] = field(default_factory=dict)
    calendars: dict[str, Piece[CalendarSettings]] = field(default_factory=dict)
    services: dict[str, Piece[ServiceSettings]] = field(default_factory=dict)
    channels: dict[str, ChannelDraft] = field(default_factory=dict)
    oncall: dict[str, Piece[OncallSettings]] = field(default_factory=dict)
    nodes: dict[str, NodeDraft] = field(default_factory=dict)
    routes: list[Piece[RouteSettings]] = field(default_factory=list)
    tables: list[Piece[NodeTable]] = field(default_factory=list)
    maintenance: list[Piece[MaintenanceSettings]] = field(default_factory=list)
    objectives: list[Piece[ObjectiveSettings]] = field(default_factory=list)
    constancy: list[Piece[ConstancySettings]] = field(default_factory=list)

    def names(self, section: str) -> frozenset[str]:
        """The names that a section has, read or not."""
        tree = self.root.entries.get(section)
        return frozenset(tree.entries) if isinstance(tree, Branch) else frozenset()

    def check_names(self) -> frozenset[str]:
        """`node/check` of every check that is written down."""
        return frozenset(
            f"{node}/{check}"
            for node in self.names("nodes")
            if isinstance(checks := at(self.root, ("nodes", node, "checks")), Branch)
            for check in checks.entries
        )

    def all_checks(self) -> list[CheckDraft]:
        return [check for node in self.nodes.values() for check in node.checks]


def read_draft(validator: Validator, tree: Tree) -> Draft:
    """Every section of monitor.yaml, as far as it can be read."""
    root = validator.branch(tree, ())
    _look_at_sections(validator, root)
    return Draft(
        root,
        monitor=_block(validator, root, "monitor", MonitorSettings),
        defaults=_block(validator, root, "defaults", Defaults),
        default_route=_block(validator, root, "default_route", DefaultRoute),
        handover=_block(validator, root, "handover", HandoverSettings),
        reports=_named(validator, root, "reports", ScheduledReport),
        report=_block(validator, root, "report", ReportSettings),
        sites=_named(validator, root, "sites", SiteSettings),
        calendars=_named(validator, root, "calendars", CalendarSettings),
        services=_named(validator, root, "services", ServiceSettings),
        channels=_channels(validator, root),
        oncall=_named(validator, root, "oncall", OncallSettings),
        nodes=_nodes(validator, root),
        routes=_listed(validator, root, "routes", RouteSettings),
        tables=_listed(validator, root, "nodes_from", NodeTable),
        maintenance=_listed(validator, root, "maintenance", MaintenanceSettings),
        objectives=_listed(validator, root, "objectives", ObjectiveSettings),
        constancy=_one_or_listed(validator, root, "constancy", ConstancySettings),
    )


def _look_at_sections(validator: Validator, root: Branch) -> None:
    for key, tree in root.entries.items():
        section = Sections.model_fields.get(key)
        if section is None:
            validator.error(tree.mark, (), unknown_key(key, frozenset(Sections.model_fields)))
        elif _says_something(tree) and any(isinstance(extra, Later) for extra in section.metadata):
            validator.warn(tree.mark, (key,), NOT_ACTED_ON)
    if "monitor" not in root.entries:
        validator.error(
            root.mark, (), "the key 'monitor' is missing; it needs at least a name: monitor: {name: my-hospital}"
        )
    for name, template in _entries(validator, root, "templates"):
        read_template(validator, ("templates", name), template)


def _says_something(tree: Tree) -> bool:
    return not tree.nothing if isinstance(tree, Text) else tree.size > 1


def _block(validator: Validator, root: Branch, section: str, model: type[M]) -> Piece[M] | None:
    tree = root.entries.get(section)
    settings = None if tree is None else validator.read(model, tree, (section,))
    return None if tree is None or settings is None else Piece((section,), tree, settings)


def _entries(validator: Validator, root: Branch, section: str) -> list[tuple[str, Tree]]:
    entries = list(validator.branch(root.entries.get(section), (section,)).entries.items())
    for name, tree in entries:
        try:
            check_name(name)
        except ValueError as error:
            validator.error(tree.mark, (section,), str(error))
    return entries


def _named(validator: Validator, root: Branch, section: str, model: type[M]) -> dict[str, Piece[M]]:
    pieces = {}
    for name, tree in _entries(validator, root, section):
        settings = validator.read(model, tree, (section, name))
        if settings is not None:
            pieces[name] = Piece((section, name), tree, settings)
    return pieces


def _listed(validator: Validator, root: Branch, section: str, model: type[M]) -> list[Piece[M]]:
    pieces = []
    for n, tree in enumerate(validator.items(root.entries.get(section), (section,)).items):
        settings = validator.read(model, tree, (section, n))
        if settings is not None:
            pieces.append(Piece((section, n), tree, settings))
    return pieces


def _one_or_listed(validator: Validator, root: Branch, section: str, model: type[M]) -> list[Piece[M]]:
    if not isinstance(root.entries.get(section), Branch):
        return _listed(validator, root, section, model)
    one = _block(validator, root, section, model)
    return [] if one is None else [one]


def _nodes(validator: Validator, root: Branch) -> dict[str, NodeDraft]:
    drafts = {}
    for name, tree in _entries(validator, root, "nodes"):
        draft = read_node(validator, name, tree)
        if draft is not None:
            drafts[name] = draft
    return drafts


def _channels(validator: Validator, root: Branch) -> dict[str, ChannelDraft]:
    drafts = {}
    for name, tree in _entries(validator, root, "channels"):
        draft = read_channel(validator, ("channels", name), validator.branch(tree, ("channels", name)))
        if draft is not None:
            drafts[name] = draft
    return drafts


def read_channel(
    validator: Validator, path: Path, tree: Branch, hidden: frozenset[str] = frozenset()
) -> ChannelDraft | None:
    """A channel, by its kind; `hidden` are keys that are not recorded."""
    kinds: Mapping[str, type[Channel]] = channels.kinds()
    common = validator.read(ChannelSettings, tree.only(CHANNEL_KEYS), path)
    named = tree.entries.get("type")
    if not isinstance(named, Text):
        return None
    kind = kinds.get(named.text)
    if kind is None:
        if not validator.spoilt((*path, "type")):
            validator.error(named.mark, (*path, "type"), unknown_kind("channel", named.written, kinds))
        return None
    own = validator.read(kind.settings, tree.without(CHANNEL_KEYS), path, CHANNEL_KEYS)
    return None if common is None or own is None else ChannelDraft(Piece(path, tree, common), kind, own, hidden)
