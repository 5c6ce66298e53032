"""The validated configuration as one text without its secrets, for the record: the same for the same configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr

from pacs_monitor.calendars import Calendar
from pacs_monitor.config.closed_days import written
from pacs_monitor.config.estate import Estate
from pacs_monitor.config.explain import HIDDEN, shown
from pacs_monitor.config.recorded_rota import written as rota_written
from pacs_monitor.fields import is_command
from pacs_monitor.model import SECOND, Check, Node

SECTIONS = (
    *("monitor", "routes", "default_route", "handover", "report", "reports", "sites", "services", "objectives"),
    *("constancy", "maintenance"),
)
CHECKS_OWN = frozenset({"id", "node", "probe", "others"})
"""What a check says elsewhere: by where it stands, by the kind of its probe, by its settings."""
PLAIN = frozenset({"datetime", "pathlib", "ipaddress", "decimal", "zoneinfo"})
"""Modules whose values say all that they are, as text."""


def canonical(estate: Estate) -> bytes:
    """JSON in UTF-8 with every effective setting of every node and check, its keys in order.

    A secret, a password or a query within a URL, and the arguments of a command are `********`: they may be passwords.
    """
    checks: dict[str, dict[str, Any]] = {name: {} for name in estate.nodes}
    for check in estate.checks.values():
        checks[check.id.node][check.id.check] = _check(check)
    document = {section: _plain(getattr(estate, section)) for section in SECTIONS} | {
        "calendars": {name: _calendar(calendar) for name, calendar in estate.calendars.items()},
        "oncall": {name: rota_written(oncall) for name, oncall in estate.oncall.items()},
        "nodes": {name: _node(node) | {"checks": checks[name]} for name, node in estate.nodes.items()},
        "channels": {
            name: {
                "type": kind,
                "settings": _hidden(_plain(settings), estate.own_keys.get(name, frozenset())),
                "fallback": _plain(estate.fallbacks.get(name)),
                "test": _plain(estate.channel_tests.get(name)),
                "openings_per_minute": estate.openings(name),
            }
            for name, (kind, settings) in estate.channel_settings.items()
        },
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _calendar(calendar: Calendar) -> dict[str, Any]:
    """With the days of its .ics files as they were then: a replay has no other."""
    return {
        **({"not": calendar.outside_of.name} if calendar.outside_of else {"hours": str(calendar.hours)}),
        "except": [written(closure) for closure in calendar.closures],
        "opening_grace": calendar.opening_grace / SECOND,
    }


def _hidden(settings: dict[str, Any], own: frozenset[str]) -> dict[str, Any]:
    """The number of a person is nobody's business but the channel's."""
    return {key: HIDDEN if key in own else value for key, value in settings.items()}


def _node(node: Node) -> dict[str, Any]:
    return {key: value for key, value in _fields(node).items() if key != "name"}


def _check(check: Check) -> dict[str, Any]:
    own = {field.name: getattr(check, field.name) for field in fields(check) if field.name not in CHECKS_OWN}
    return {"probe": check.probe.kind} | {key: _plain(value) for key, value in own.items()}


def _plain(value: object) -> Any:  # noqa: PLR0911 - one line per kind of value
    """As JSON has it. Of what is none of ours only the name of its type is said."""
    match value:
        case None | bool() | int() | float():
            return value
        case SecretStr():
            return HIDDEN if value.get_secret_value() else ""
        case Calendar():
            return value.name
        case Enum():
            return value.value
        case str():
            return shown(value)
        case BaseModel():
            return {name: _setting(value, name, inner) for name, inner in value}
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case Set():
            return sorted(map(_plain, value), key=str)
        case tuple() | list():
            return [_plain(inner) for inner in value]
    if is_dataclass(value):
        return _fields(value)
    return shown(str(value)) if type(value).__module__ in PLAIN else f"<{type(value).__name__}>"


def _fields(value: Any) -> dict[str, Any]:
    return {
        field.name: _plain(getattr(value, field.name)) if field.repr else HIDDEN
        for field in fields(value)
        if not field.name.startswith("_")
    }


def _setting(settings: BaseModel, name: str, value: object) -> Any:
    """One setting of a model; one that is not printed is a secret."""
    field = type(settings).model_fields.get(name)
    if field is not None and not field.repr:
        return HIDDEN
    if field is not None and is_command(field) and isinstance(value, tuple | list):
        return [*map(shown, value[:1]), *(HIDDEN for _ in value[1:])]
    return _plain(value)
