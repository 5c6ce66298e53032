"""The probe kinds, one module each: every module in this package is registered.

A module defines one class with a `kind` (the model.Probe contract). Its docstring is the kind's documentation, its
settings class the schema, its measures the metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pacs_monitor.kinds import discover
from pacs_monitor.model import Probe


@cache
def kinds() -> Mapping[str, Probe]:
    """Every probe kind by its name; a module is imported when its kind is looked up."""
    return discover(__name__, lambda kind: kind())
