"""The probe kinds, one module each: every module in this package is registered.

A module defines one class with a `kind` (the model.Probe contract). Its docstring is the kind's documentation, its
settings class the schema, its measures the metrics.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from pacs_monitor.model import Probe


@cache
def kinds() -> Mapping[str, Probe]:
    """Every probe kind by its name."""
    probes = [_probe_of(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return MappingProxyType({probe.kind: probe for probe in sorted(probes, key=lambda probe: probe.kind)})


def _probe_of(module_name: str) -> Probe:
    (kind,) = [
        value
        for value in vars(import_module(module_name)).values()
        if isinstance(value, type) and value.__module__ == module_name and hasattr(value, "kind")
    ]
    probe: Probe = kind()
    return probe
