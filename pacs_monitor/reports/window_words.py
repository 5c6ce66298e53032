"""What stands beside a window of planned maintenance: since when it is on record, and what it did to the agreements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pacs_monitor.language import _, _n
from pacs_monitor.reports import dates
from pacs_monitor.reports.words import exact

NAMED = 4
"""Rows of agreements that a window names."""


def on_record(row: Mapping[str, Any]) -> str:
    """When the monitor learned of it, and whether that was later than the announcement that is stated."""
    if row["added"] is None:
        return _("not on record")
    said = dates.local(row["added"])
    late = _after_announcement(row)
    if late > 0:
        return _n(
            "{at}, {count} day after the announcement", "{at}, {count} days after the announcement", late, at=said
        )
    return said


def _after_announcement(row: Mapping[str, Any]) -> int:
    if row["announced"] is None:
        return 0
    return (datetime.fromisoformat(row["added"]).date() - datetime.fromisoformat(row["announced"]).date()).days


def for_agreements(objectives: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By window `PACS availability: in time, 1 h left out`, of each agreement that covers any of its checks."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for agreed in objectives:
        for one in agreed["windows"]:
            found[one["window"]][f"{agreed['name']}: {_effect(one)}"] = None
    return {window: _first(list(told)) for window, told in found.items()}


def _first(told: list[str]) -> list[str]:
    more = len(told) - NAMED
    return [*told[:NAMED], *([_n("and {count} more", "and {count} more", more)] if more > 0 else [])]


def _effect(one: Mapping[str, Any]) -> str:
    if one["in_time"] is False:
        return _("announced too late, nothing left out")
    time = exact(one["left_out_seconds"])
    if one["in_time"]:
        return _("announced in time, downtime of {time} left out", time=time)
    return _("downtime of {time} left out", time=time)
