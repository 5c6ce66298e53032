"""The story of an incident as lines for a terminal: one per thing that happened, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.markup import escape

from pacs_monitor.messages import story as sentences
from pacs_monitor.messages.paged import When


def lines(story: Iterable[Mapping[str, Any]], when: When, stuck: frozenset[str] = frozenset()) -> list[str]:
    """All of it; `stuck` are the ids of notifications that their channel refuses while it accepts others."""
    told = [(line, sentences.text(line, when, stuck=line.get("id") in stuck)) for line in story]
    rows = [(when(line["at"]), text) for line, text in told if text is not None]
    width = max((len(at) for at, _ in rows), default=0)
    return [escape(f"  {at.ljust(width)}  {text}") for at, text in rows]
