"""What pydantic says of typed values, said of what people may write in YAML, for editors of draft-07 of JSON Schema.

`${NAME}` may stand for any value; a number or a word such as `true` is a text where a text is asked for; a block or a
list may be left empty; a secret may come from a file (`KEY_file`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pacs_monitor import patterns
from pacs_monitor.config.validate import FROM_FILE
from pacs_monitor.patterns import Schema, text

VARIABLE = {"type": "string", "pattern": patterns.VARIABLE}
"""A value that is known only when the file is read: with a variable, or with `$$`."""
_NOISE = frozenset({"title", "default", "format"})
_CONDITIONS = ("if", "not", "dependencies", "propertyNames")
_NUMBERS = ("1", "12", "200", "12345", "123456789", "1.5", "-1", "1e5")
_SWITCHES = ("true", "false")
_SCALARS: Mapping[str, Schema] = {
    "integer": {"type": ["integer", "string"], "pattern": text(patterns.WHOLE_NUMBER)["pattern"]},
    "number": {"type": ["number", "string"], "pattern": text(patterns.NUMBER)["pattern"]},
    "boolean": {
        "type": ["boolean", "string", "integer"],
        "minimum": 0,
        "maximum": 1,
        "pattern": text(patterns.SWITCH)["pattern"],
        "examples": ["on", "off"],
    },
}


def lenient(part: Any) -> Any:
    """The same schema, for what may be written."""
    if isinstance(part, list):
        return [lenient(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "enum" in part or "const" in part:
        values = {key: part[key] for key in ("enum", "const") if key in part}
        return _said(part) | {"anyOf": [values, VARIABLE]}
    if "$ref" in part:
        return _said(part) | {"allOf": [{"$ref": part["$ref"]}]}
    loose = {key: _inner(key, value) for key, value in part.items() if key not in _NOISE}
    if "anyOf" in part:
        loose = _without_null(loose)
    if "properties" in part:
        loose = _with_files(loose)
    return _or_nothing(_scalar(loose))


def partial(part: Any) -> Any:
    """The same schema, for a template: what is required may stand elsewhere."""
    if isinstance(part, list):
        return [partial(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value if key in _CONDITIONS else partial(value) for key, value in part.items() if key != "required"}
    for rule in ("anyOf", "oneOf"):
        if {} in kept.get(rule, ()):
            del kept[rule]
    found = {key: value for key, value in kept.items() if key != "allOf" or any(value)}
    return {**found, "type": ["object", "null"]} if found.get("type") == "object" else found


def merged(common: Schema, own: Schema, place: str) -> Schema:
    """One block that is read by two classes of settings; what they have in common is at `place`."""
    shared = {key: {"$ref": f"{place}/properties/{key}"} for key in common["properties"]}
    both = {**common, **own, "properties": {**shared, **own["properties"]}}
    for rule in ("required", "allOf"):
        both[rule] = [*common.get(rule, []), *own.get(rule, [])]
    found = {key: value for key, value in both.items() if value != [] and key != "type"}
    return _or_nothing({"type": "object", **found})


def _inner(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties"):
        return {name: lenient(inner) for name, inner in value.items()}
    return value if key in _CONDITIONS else lenient(value)


def _said(part: Schema) -> Schema:
    return {key: part[key] for key in ("description",) if key in part}


def _scalar(part: Schema) -> Schema:
    """What a scalar may be in YAML; its pattern holds for texts alone, its bounds for numbers."""
    kind = part.get("type")
    loose = part
    if kind == "string":
        pattern: str = part.get("pattern") or text(patterns.TEXT)["pattern"]
        loose = {**part, "pattern": pattern, "type": ["string", *_also_read_as(pattern)]}
    elif isinstance(kind, str) and kind in _SCALARS:
        loose = {**_SCALARS[kind], **part, "type": _SCALARS[kind]["type"]}
    if "pattern" in loose and VARIABLE["pattern"] not in loose["pattern"]:
        loose = {**loose, "pattern": f"{loose['pattern']}|{VARIABLE['pattern']}"}
    return loose


def _also_read_as(pattern: str) -> list[str]:
    """As what else than a text YAML may read a text that is written so."""
    kinds = {"number": _NUMBERS, "boolean": _SWITCHES}
    return [kind for kind, words in kinds.items() if any(re.search(pattern, word) for word in words)]


def _or_nothing(part: Schema) -> Schema:
    """A block or list of which nothing is required may be empty: `ping:`"""
    kind = part.get("type")
    nothing_wanted = {
        "array": lambda: not part.get("minItems"),
        "object": lambda: not _requires(part),
    }
    wanted: Callable[[], bool] | None = nothing_wanted.get(kind) if isinstance(kind, str) else None
    return {**part, "type": [kind, "null"]} if wanted and wanted() else part


def _requires(part: Schema) -> bool:
    rules = [rule for rule in part.get("allOf", ()) if "if" not in rule]
    return bool(rules) or any(part.get(key) for key in ("required", "minProperties", "anyOf", "oneOf"))


def _without_null(part: Schema) -> Schema:
    options = [option for option in part["anyOf"] if option != {"type": "null"}]
    rest = {key: value for key, value in part.items() if key != "anyOf"}
    return {**options[0], **rest} if len(options) == 1 else {**rest, "anyOf": options}


def _with_files(part: Schema) -> Schema:
    """`KEY_file` beside each secret; where the secret is required, one of the two is."""
    secrets = {key for key, value in part["properties"].items() if value.get("writeOnly")}
    files = {
        f"{key}{FROM_FILE}": {"type": "string", "description": f"A file that holds {key!r}, instead of it."}
        for key in secrets
    }
    required = part.get("required", [])
    either = [_one_of(key, secrets) for key in required if key in secrets]
    whole = {
        **part,
        "properties": {**part["properties"], **files},
        "required": [key for key in required if key not in secrets],
        "allOf": [*part.get("allOf", []), *either],
    }
    if secrets:
        whole["dependencies"] = {key: {"not": _all_of([f"{key}{FROM_FILE}"])} for key in sorted(secrets)}
    for rule in ("anyOf", "oneOf"):
        if rule in part:
            whole[rule] = [_with_file(option, secrets) for option in part[rule]]
    return {key: value for key, value in whole.items() if value != []}


def _with_file(option: Schema, secrets: set[str]) -> Schema:
    wanted = [_one_of(key, secrets) for key in option["required"]]
    return wanted[0] if len(wanted) == 1 else {"allOf": wanted}


def _one_of(key: str, secrets: set[str]) -> Schema:
    keys = [key, f"{key}{FROM_FILE}"] if key in secrets else [key]
    return {"anyOf": [_all_of([name]) for name in keys]} if len(keys) > 1 else _all_of(keys)


def _all_of(keys: list[str]) -> Schema:
    return {"required": keys}
