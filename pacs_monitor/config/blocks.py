"""Blocks whose keys depend on a kind: nodes with their systems, and checks with the settings of their probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pacs_monitor import probes, systems
from pacs_monitor.config.errors import unknown_key, unknown_kind
from pacs_monitor.config.members import CheckSettings, DicomSettings, NodeSettings
from pacs_monitor.config.problems import Path
from pacs_monitor.config.sections import ChannelSettings
from pacs_monitor.config.shapes import shapes
from pacs_monitor.config.tree import Branch, Text, Tree
from pacs_monitor.config.validate import Validator
from pacs_monitor.config.values import check_name
from pacs_monitor.format.names import likely, listed
from pacs_monitor.model import CheckId, Probe

CHECK_KEYS = frozenset(shapes(CheckSettings))
CHANNEL_KEYS = frozenset(shapes(ChannelSettings))
NODE_KEYS = frozenset(shapes(NodeSettings))
DICOM_KEYS = frozenset(shapes(DicomSettings))


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check as it is written down: what every check may say, and its probe's own settings."""

    id: CheckId
    path: Path
    tree: Branch
    probe: Probe
    common: CheckSettings
    own: Any


@dataclass(frozen=True, slots=True)
class NodeDraft:
    """A node as it is written down."""

    name: str
    path: Path
    tree: Branch
    settings: NodeSettings
    systems: Mapping[str, BaseModel]
    checks: tuple[CheckDraft, ...]


def read_node(validator: Validator, name: str, tree: Tree) -> NodeDraft | None:
    """A node and its checks; None when the node itself cannot be read."""
    path: Path = ("nodes", name)
    block = validator.branch(tree, path)
    settings, blocks = _node_settings(validator, path, block, partial=False)
    checks = _checks(validator, name, path, block, partial=False)
    return None if settings is None else NodeDraft(name, path, block, settings, blocks, checks)


def read_template(validator: Validator, path: Path, tree: Tree) -> None:
    """Check a template; it may leave out what the nodes that use it say themselves."""
    block = validator.branch(tree, path)
    _node_settings(validator, path, block, partial=True)
    _checks(validator, str(path[-1]), path, block, partial=True)


def _node_settings(
    validator: Validator, path: Path, block: Branch, *, partial: bool
) -> tuple[NodeSettings | None, dict[str, BaseModel]]:
    kinds = systems.kinds()
    known = NODE_KEYS | kinds.keys() | {"checks"}
    unknown = {key: tree for key, tree in block.entries.items() if key not in known}
    strangers = {key for key, tree in unknown.items() if key in DICOM_KEYS or isinstance(tree, Branch)}
    for key in sorted(strangers):
        _report_unknown_key(validator, path, key, block.entries[key], known)
    own = block.without(frozenset({"checks", *kinds, *strangers}))
    settings = validator.read(NodeSettings, own, path, known, partial=partial)
    blocks = {
        kind: validator.read(kinds[kind].settings, block.entries[kind], (*path, kind), partial=partial)
        for kind in kinds
        if kind in block.entries
    }
    return settings, {kind: found for kind, found in blocks.items() if found is not None}


def _report_unknown_key(validator: Validator, path: Path, key: str, tree: Tree, known: frozenset[str]) -> None:
    message = unknown_key(key, known)
    if key in DICOM_KEYS:
        message = f"move {key!r} into the node's dicom block: dicom: {{{key}: …}}"
    elif not likely(key, known):
        message = f"{key!r} is neither a key of a node nor a system (known systems: {listed(systems.kinds())})"
    validator.error(tree.mark, path, message)


def _checks(validator: Validator, node: str, path: Path, block: Branch, *, partial: bool) -> tuple[CheckDraft, ...]:
    here = (*path, "checks")
    drafts = []
    for name, tree in validator.branch(block.entries.get("checks"), here).entries.items():
        try:
            check_name(name)
        except ValueError as error:
            validator.error(tree.mark, here, str(error))
        check = validator.branch(tree, (*here, name))
        draft = _check(validator, CheckId(node, name), (*here, name), check, partial=partial)
        if draft is not None:
            drafts.append(draft)
    return tuple(drafts)


def _check(validator: Validator, check: CheckId, path: Path, tree: Branch, *, partial: bool) -> CheckDraft | None:
    common = validator.read(CheckSettings, tree.only(CHECK_KEYS), path)
    probe = _probe(validator, check.check, path, tree)
    if probe is None:
        return None
    own = validator.read(probe.settings, tree.without(CHECK_KEYS), path, CHECK_KEYS, partial=partial)
    return None if common is None or own is None else CheckDraft(check, path, tree, probe, common, own)


def _probe(validator: Validator, name: str, path: Path, tree: Branch) -> Probe | None:
    kinds = probes.kinds()
    named = tree.entries.get("probe")
    if named is None:
        if name not in kinds:
            hint = "a check with another name needs the key 'probe'"
            validator.error(tree.mark, path, f"{unknown_kind('probe', name, kinds)}; {hint}")
        return kinds.get(name)
    if not isinstance(named, Text):
        return None
    here = (*path, "probe")
    if named.text not in kinds and not validator.spoilt(here):
        validator.error(named.mark, here, unknown_kind("probe", named.written, kinds))
    return kinds.get(named.text)
