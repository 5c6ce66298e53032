"""A node's effective settings, and where each comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from pacs_monitor.config.estate import Estate, Origin, Origins
from pacs_monitor.config.members import Defaults, NodeSettings
from pacs_monitor.config.shapes import ANY, Scalar, Shape, shapes
from pacs_monitor.fields import is_command
from pacs_monitor.model import Check, Node

HIDDEN = "********"
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")
"""Up to the last @: a password may hold one."""
_QUERY = re.compile(r"(?<=[?&])[^=&\s]+=[^&\s]+")
"""What a URL asks with: often a key."""
_BUILT_IN = Origin("built in")


class Row(NamedTuple):
    """One effective setting; `check` is empty for the node's own."""

    check: str
    key: str
    value: str
    origin: str


def explain(estate: Estate, node: str) -> list[Row]:
    """Every effective setting of a node and its checks; secrets are hidden."""
    rows = _rows("", _node_values(estate.nodes[node]), estate.node_origins.get(node, {}))
    for check in estate.checks.values():
        if check.id.node == node:
            rows += _rows(check.id.check, _check_values(check), estate.check_origins.get(check.id, {}))
    return rows


def _rows(check: str, values: Mapping[str, Any], origins: Origins) -> list[Row]:
    return [Row(check, key, shown(value), str(origins.get(key, _BUILT_IN))) for key, value in values.items()]


def _node_values(node: Node) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if field.name == "systems":
            for kind, block in value.items():
                flat |= _flat(f"{kind}.", block)
        elif is_dataclass(value):
            flat |= {f"{field.name}.{inner.name}": getattr(value, inner.name) for inner in fields(value)}
        elif field.name != "name":
            flat[field.name] = value
    return {key: value for key, value in flat.items() if value not in (None, "", (), {})}


def _check_values(check: Check) -> dict[str, Any]:
    thresholds = check.thresholds
    common = {
        "probe": check.probe.kind,
        "interval": None if check.cron else check.interval,
        "cron": check.cron,
        "retry_interval": check.retry_interval,
        "timeout": check.timeout,
        "failures": thresholds.failures,
        "recoveries": thresholds.recoveries,
        "busy_fail_after": thresholds.busy_fail_after,
        "severity": check.severity,
        "paging": check.paging,
        "page_after": check.page_after,
        "unknown_after": check.unknown_after,
        "calendar": check.calendar.name if check.calendar else None,
        "expected": thresholds.expected.name if thresholds.expected else None,
        "absent_for": thresholds.absent_for if thresholds.expected else None,
        "enabled_by": check.enabled_by,
    }
    units = {**shapes(NodeSettings), **shapes(Defaults)}
    read = {key: _readable(units.get(key, ANY), value) for key, value in common.items() if value is not None}
    return read | _flat("", check.settings)


def _flat(prefix: str, settings: BaseModel) -> dict[str, Any]:
    units, model = shapes(type(settings)), type(settings)
    read = {key: _readable(units.get(key, ANY), value) for key, value in settings if value is not None}
    return {
        f"{prefix}{key}": _without_arguments(value) if is_command(model.model_fields[key]) else value
        for key, value in read.items()
    }


def _without_arguments(command: Sequence[str]) -> Sequence[str]:
    """The program: arguments may be passwords."""
    return (command[0], *(HIDDEN for _ in command[1:]))


def _readable(shape: Shape, value: Any) -> Any:
    if not isinstance(shape, Scalar):
        return value
    if shape.secret:
        return HIDDEN if value else ""
    return shape.write(value) if shape.write else value


def shown(value: Any) -> str:
    """A value for people: no secret, no password and no query in a URL."""
    match value:
        case SecretStr():
            return HIDDEN
        case bool():
            return "on" if value else "off"
        case BaseModel():
            return shown(_flat("", value))
        case Mapping():
            return ", ".join(f"{name}: {shown(inner)}" for name, inner in value.items())
        case tuple() | list():
            return ", ".join(map(shown, value))
    return _QUERY.sub(HIDDEN, _USERINFO.sub(f"{HIDDEN}@", str(value)))
