"""Ways to reach people, one module per kind; the package listing is the registry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pacs_monitor.kinds import discover
from pacs_monitor.model import Channel


@cache
def kinds() -> Mapping[str, type[Channel]]:
    """Every kind of channel by its name; a module is imported when its kind is looked up."""
    return discover(__name__)
