"""Whom a check asks must be known from the file: for the parser and, as rules of a schema, for editors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pacs_monitor import probes, systems
from pacs_monitor.config.blocks import CheckDraft
from pacs_monitor.model import Node, Probe
from pacs_monitor.patterns import Schema


def lacking(probe: Probe, settings: Any, node: Node) -> str | None:
    """What a check lacks to have somebody to ask: `host`, `address`; None when nothing."""
    source = getattr(systems.kinds().get(getattr(settings, "source", "")), "needs", None)
    if (probe.needs or source) and not node.host:
        return "host"
    if probe.uses_association and not probe.addresses(node, settings):
        return "address" if node.host else "host"
    return None


def speaks_dicom(check: CheckDraft) -> bool:
    """Whether a check opens associations to its node."""
    return "calling_ae_title" in type(check.own).model_fields


def addressed() -> list[Schema]:
    """The same as rules for a node."""
    kinds = {kind: needs for kind, probe in probes.kinds().items() if (needs := probe.needs)}
    sources = sorted(kind for kind, system in systems.kinds().items() if hasattr(system, "needs"))
    rules = [_rule(_any_check("source", sources), ["host"])]
    rules += [_rule(_some_check(kind), ["host"]) for kind in kinds]
    return rules + [
        _rule(_some_check(kind, needs.or_keys), [needs.block]) for kind, needs in kinds.items() if needs.block
    ]


def _rule(condition: Schema, keys: Sequence[str]) -> Schema:
    return {"if": {"properties": {"checks": condition}, "required": ["checks"]}, "then": {"required": [*keys]}}


def _some_check(kind: str, unless: Sequence[str] = ()) -> Schema:
    """Checks one of which is of a kind, by its name or its `probe`, and does not itself say all of some keys."""
    says = [{"required": [*unless]}] if unless else []
    by_name: Schema = {
        "required": [kind],
        "properties": {kind: {"not": {"type": "object", "anyOf": [{"required": ["probe"]}, *says]}}},
    }
    return {"type": "object", "anyOf": [by_name, _any_check("probe", [kind], unless)]}


def _any_check(key: str, values: Iterable[str], unless: Sequence[str] = ()) -> Schema:
    one: Schema = {"type": "object", "required": [key], "properties": {key: {"enum": [*values]}}}
    if unless:
        one["not"] = {"required": [*unless]}
    return {"type": "object", "not": {"additionalProperties": {"not": one}}}
