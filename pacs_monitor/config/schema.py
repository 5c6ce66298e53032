"""JSON Schema (draft 2020-12) of monitor.yaml, for completion and hints in editors.

Every scalar may also be a text, since `${NAME}` may stand for any value and our own reader types texts by their field.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pacs_monitor import channels, probes, systems
from pacs_monitor.config.members import CheckSettings, NodeSettings
from pacs_monitor.config.reader import FROM_FILE
from pacs_monitor.config.sections import ChannelSettings, Sections

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LOOSE = {
    "integer": ["integer", "string"],
    "number": ["number", "string"],
    "boolean": ["boolean", "string"],
    "string": ["string", "number", "boolean"],
}
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_NOISE = frozenset({"title", "default", "format"})


def schema() -> Schema:
    """The schema of the whole file, with every kind that exists."""
    defs, name = _definitions()
    root = defs.pop(name[Sections])
    named = root["properties"]
    for section, target in (("nodes", "node"), ("templates", "node"), ("channels", "channel")):
        named[section] |= {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{target}"}}
    defs |= _check_definitions(defs, name) | _channel_definitions(defs, name)
    defs["node"] = _node_definition(defs, name)
    merged = {name[model] for model in name if model is not Sections and model not in _system_settings()}
    kept = {key: value for key, value in defs.items() if key not in merged}
    return {"$schema": DIALECT, "title": "pacs_monitor: monitor.yaml", **root, "$defs": kept}


def _definitions() -> tuple[dict[str, Schema], dict[type[BaseModel], str]]:
    kinds: Iterable[Any] = (*probes.kinds().values(), *channels.kinds().values())
    own = {kind.settings for kind in kinds}
    models = [Sections, NodeSettings, CheckSettings, ChannelSettings, *sorted(own, key=repr)]
    models += _system_settings()
    refs, top = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    defs = {key: _loosened(value) for key, value in top["$defs"].items()}
    return defs, {model: refs[(model, "validation")]["$ref"].rpartition("/")[2] for model in models}


def _system_settings() -> list[type[BaseModel]]:
    return [kind.settings for kind in systems.kinds().values()]


def _node_definition(defs: Mapping[str, Schema], name: Mapping[type[BaseModel], str]) -> Schema:
    node = defs[name[NodeSettings]]
    blocks = {
        kind: {"description": _first_line(system), "$ref": f"#/$defs/{name[system.settings]}"}
        for kind, system in systems.kinds().items()
    }
    checks: Schema = {
        "description": "The questions asked of this node; a check's name is its probe's kind, or `probe` names it.",
        "type": ["object", "null"],
        "properties": {
            kind: {
                "description": _first_line(probe),
                "if": {"type": "object", "required": ["probe"]},
                "then": {"$ref": "#/$defs/check"},
                "else": {"$ref": f"#/$defs/check_{kind}"},
            }
            for kind, probe in probes.kinds().items()
        },
        "additionalProperties": {"$ref": "#/$defs/check", "required": ["probe"]},
    }
    return {**node, "properties": {**node["properties"], **blocks, "checks": checks}}


def _check_definitions(defs: Mapping[str, Schema], name: Mapping[type[BaseModel], str]) -> dict[str, Schema]:
    common = defs[name[CheckSettings]]
    found = {
        f"check_{kind}": {**_merged(common, defs[name[probe.settings]]), "type": ["object", "null"]}
        for kind, probe in probes.kinds().items()
    }
    return {**found, "check": _by_kind("probe", "check_", probes.kinds(), common["properties"]["probe"])}


def _channel_definitions(defs: Mapping[str, Schema], name: Mapping[type[BaseModel], str]) -> dict[str, Schema]:
    common = defs[name[ChannelSettings]]
    found = {
        f"channel_{kind}": _merged(common, defs[name[channel.settings]]) for kind, channel in channels.kinds().items()
    }
    return {**found, "channel": _by_kind("type", "channel_", channels.kinds(), common["properties"]["type"])}


def _by_kind(key: str, prefix: str, kinds: Iterable[str], says: Schema) -> Schema:
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"description": says["description"], "anyOf": [{"enum": sorted(kinds)}, _VARIABLE]}},
        "allOf": [
            {
                "if": {"properties": {key: {"const": kind}}, "required": [key]},
                "then": {"$ref": f"#/$defs/{prefix}{kind}"},
            }
            for kind in sorted(kinds)
        ],
    }


def _merged(common: Schema, own: Schema) -> Schema:
    both = {**common, **own, "properties": {**common["properties"], **own["properties"]}}
    both["required"] = [*common.get("required", []), *own.get("required", [])]
    both["allOf"] = [*common.get("allOf", []), *own.get("allOf", [])]
    return {key: value for key, value in both.items() if value != []}


def _loosened(part: Any) -> Any:
    """What pydantic says of the typed values, said of what people may write."""
    if isinstance(part, list):
        return [_loosened(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "enum" in part or "const" in part:
        return {**_said(part), "anyOf": [{key: part[key] for key in ("enum", "const") if key in part}, _VARIABLE]}
    loose = {key: _properties(value) if key == "properties" else _loosened(value) for key, value in part.items()}
    if isinstance(part.get("type"), str):
        loose["type"] = _LOOSE.get(part["type"], part["type"])
    if "anyOf" in part:
        loose = _without_null(loose)
    if "properties" in part:
        loose = _with_files(loose, part)
    return {key: value for key, value in loose.items() if key not in _NOISE}


def _said(part: Schema) -> Schema:
    return {key: part[key] for key in ("description",) if key in part}


def _properties(properties: Schema) -> Schema:
    return {key: _loosened(value) for key, value in properties.items()}


def _without_null(part: Schema) -> Schema:
    options = [option for option in part["anyOf"] if option != {"type": "null"}]
    rest = {key: value for key, value in part.items() if key != "anyOf"}
    return {**options[0], **rest} if len(options) == 1 else {**rest, "anyOf": options}


def _with_files(loose: Schema, strict: Schema) -> Schema:
    """`KEY_file` beside each secret; where the secret is required, one of the two is."""
    secrets = [key for key, value in loose["properties"].items() if value.get("writeOnly")]
    files = {
        f"{key}{FROM_FILE}": {"type": "string", "description": f"A file that holds {key!r}, instead of it."}
        for key in secrets
    }
    required = [key for key in strict.get("required", []) if key not in secrets]
    either = [
        {"oneOf": [{"required": [key]}, {"required": [f"{key}{FROM_FILE}"]}]}
        for key in strict.get("required", [])
        if key in secrets
    ]
    whole = {**loose, "properties": {**loose["properties"], **files}, "required": required, "allOf": either}
    return {key: value for key, value in whole.items() if value != []}


def _first_line(kind: Any) -> str:
    made_by = kind if isinstance(kind, type) else type(kind)
    return (sys.modules[made_by.__module__].__doc__ or "").strip().partition("\n")[0]
