"""Product APIs that tell volumes and queues: one file per kind; the package listing is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import ClassVar, Protocol

from pydantic import BaseModel


class System(Protocol):
    """A product API; its settings are the block that a node may carry under the name of its kind."""

    kind: ClassVar[str]
    settings: ClassVar[type[BaseModel]]


@cache
def kinds() -> Mapping[str, type[System]]:
    """Every kind of system, by the name of its module in this package."""
    found = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and hasattr(value, "kind"):
                found[value.kind] = value
    return found
