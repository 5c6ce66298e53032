"""Ways to reach people, one module per kind; the package listing is the registry."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from pacs_monitor.model import Channel


@cache
def kinds() -> Mapping[str, type[Channel]]:
    """Every kind of channel by its name; each module of this package defines one class with a `kind`."""
    found: dict[str, type[Channel]] = {}
    for listed in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{listed.name}")
        for thing in vars(module).values():
            if isinstance(thing, type) and thing.__module__ == module.__name__ and "kind" in vars(thing):
                found[vars(thing)["kind"]] = thing
    return MappingProxyType(dict(sorted(found.items())))
