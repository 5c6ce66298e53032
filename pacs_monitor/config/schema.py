"""JSON Schema of monitor.yaml, for completion, hints and checks in editors.

It is of draft-07, which yaml-language-server reads, and says of each value what its type says, as the parser reads it
(`pacs_monitor.patterns`). What no schema can say, such as that a name must exist elsewhere in the file, `check-config`
alone knows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pacs_monitor import channels, patterns, probes, systems
from pacs_monitor.config.addressing import addressed
from pacs_monitor.config.lenient import VARIABLE, lenient, merged, partial
from pacs_monitor.config.members import CheckSettings, NodeSettings
from pacs_monitor.config.sections import ChannelSettings, Sections
from pacs_monitor.patterns import Schema, one_or_more, text

DIALECT = "http://json-schema.org/draft-07/schema#"
_REF = "#/definitions/"
_NAMES = text(patterns.NAME)
_NAMED = ("nodes", "templates", "channels", "sites", "calendars", "services")


def schema() -> Schema:
    """The schema of the whole file, with every kind that exists."""
    defs, name = _definitions()
    root = defs.pop(name[Sections])
    sections = root["properties"]
    for section, target in (("nodes", "node"), ("templates", "template_node"), ("channels", "channel")):
        sections[section] |= {"type": ["object", "null"], "additionalProperties": {"$ref": f"{_REF}{target}"}}
    for section in _NAMED:
        sections[section]["propertyNames"] = _NAMES
    probe = {"anyOf": [{"enum": sorted(probes.kinds())}, text(patterns.GLOB), VARIABLE]}
    defs["Match"]["properties"]["probe"] |= one_or_more(probe)
    defs |= _check_definitions(defs, name) | {"node": _node_definition(defs, name)}
    defs |= _of_templates(defs) | _channel_definitions(defs, name)
    writers = [f"check_{kind}" for kind, probe in probes.kinds().items() if probe.writes]
    defs |= {kind: _permitted(defs[kind]) for kind in writers}
    defs["node"] |= {"allOf": [*defs["node"].get("allOf", []), *addressed()]}
    return {"$schema": DIALECT, "title": "pacs_monitor: monitor.yaml", **root, "definitions": _reached(root, defs)}


def _definitions() -> tuple[dict[str, Schema], dict[type[BaseModel], str]]:
    kinds: Iterable[Any] = (*probes.kinds().values(), *channels.kinds().values(), *systems.kinds().values())
    models = [Sections, NodeSettings, CheckSettings, ChannelSettings, *sorted({k.settings for k in kinds}, key=repr)]
    refs, top = models_json_schema([(model, "validation") for model in models], ref_template=_REF + "{model}")
    defs = {key: lenient(value) for key, value in top["$defs"].items()}
    return defs, {model: refs[(model, "validation")]["$ref"].rpartition("/")[2] for model in models}


def _node_definition(defs: Mapping[str, Schema], name: Mapping[type[BaseModel], str]) -> Schema:
    node = defs[name[NodeSettings]]
    blocks = {
        kind: {"description": _first_line(system), "allOf": [{"$ref": f"{_REF}{name[system.settings]}"}]}
        for kind, system in systems.kinds().items()
    }
    checks: Schema = {
        "description": "The checks of this node; a check's name is its probe kind, or `probe` names the kind.",
        "type": ["object", "null"],
        "propertyNames": _NAMES,
        "properties": {
            kind: {
                "description": _first_line(probe),
                "if": {"type": "object", "required": ["probe"]},
                "then": {"$ref": f"{_REF}check"},
                "else": {"$ref": f"{_REF}check_{kind}"},
            }
            for kind, probe in probes.kinds().items()
        },
        "additionalProperties": {"$ref": f"{_REF}check"},
    }
    return {**node, "properties": {**node["properties"], **blocks, "checks": checks}}


def _check_definitions(defs: Mapping[str, Schema], name: Mapping[type[BaseModel], str]) -> dict[str, Schema]:
    common = defs[name[CheckSettings]]
    place = f"{_REF}{name[CheckSettings]}"
    found = {
        f"check_{kind}": merged(common, defs[name[probe.settings]], place) for kind, probe in probes.kinds().items()
    }
    return {**found, "check": _by_kind("probe", "check_", probes.kinds(), common["properties"]["probe"])}


def _channel_definitions(defs: Mapping[str, Schema], name: Mapping[type[BaseModel], str]) -> dict[str, Schema]:
    common = defs[name[ChannelSettings]]
    place = f"{_REF}{name[ChannelSettings]}"
    found = {
        f"channel_{kind}": merged(common, defs[name[channel.settings]], place)
        for kind, channel in channels.kinds().items()
    }
    return {**found, "channel": _by_kind("type", "channel_", channels.kinds(), common["properties"]["type"])}


def _by_kind(key: str, prefix: str, kinds: Iterable[str], says: Schema) -> Schema:
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"description": says["description"], "anyOf": [{"enum": sorted(kinds)}, VARIABLE]}},
        "allOf": [
            {
                "if": {"properties": {key: {"const": kind}}, "required": [key]},
                "then": {"$ref": f"{_REF}{prefix}{kind}"},
            }
            for kind in sorted(kinds)
        ],
    }


def _permitted(check: Schema) -> Schema:
    """Whatever writes or pulls waits for somebody who allowed it."""
    return {**check, "type": "object", "required": [*check.get("required", []), "enabled_by"]}


def _of_templates(defs: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definition of a node once more, for templates, of which nothing is required."""
    loose = {key: value if key == "check" else partial(value) for key, value in defs.items()}
    return {f"template_{key}": _renamed(value) for key, value in loose.items()}


def _renamed(part: Any) -> Any:
    if isinstance(part, list):
        return [_renamed(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value.replace(_REF, f"{_REF}template_") if key == "$ref" else _renamed(value)
        for key, value in part.items()
    }


def _reached(root: Schema, defs: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that something leads to."""
    found: dict[str, Schema] = {}
    ahead = [root]
    while ahead:
        for key in _referred(ahead.pop()):
            if key not in found:
                found[key] = defs[key]
                ahead.append(defs[key])
    return dict(sorted(found.items()))


def _referred(part: Any) -> Iterator[str]:
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key == "$ref":
            yield value.removeprefix(_REF).partition("/")[0]
        else:
            yield from _referred(value)


def _first_line(kind: Any) -> str:
    made_by = kind if isinstance(kind, type) else type(kind)
    return (sys.modules[made_by.__module__].__doc__ or "").strip().partition("\n")[0]
