"""Outages and what they come to, as data of the report: durations in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros, iso
from pacs_monitor.reliability import Planned, Reliability, View, outages, reliability
from pacs_monitor.services import Track
from pacs_monitor.uptime import Outage


def summary(found: Reliability) -> dict[str, Any]:
    """Means, the longest outage, and the bounds of all; null where there was no outage."""
    longest = found.longest
    return {
        "outages": found.outages,
        "planned_outages": found.planned,
        "down_seconds": found.down / SECOND,
        "at_least_seconds": found.at_least / SECOND,
        "at_most_seconds": found.at_most / SECOND,
        "mttr_seconds": _seconds(found.repair),
        "mtbf_seconds": _seconds(found.between),
        "longest_seconds": longest and longest.down / SECOND,
        "longest_since": longest and iso(longest.since),
        "time_to_notice_seconds": _seconds(found.notice),
        "longest_time_to_notice_seconds": _seconds(found.slowest_notice),
    }


def listed(outage: Outage) -> dict[str, Any]:
    """An outage with its bounds; `planned` marks one that planned maintenance leaves out `whole` or `partly`."""
    return {
        "at_least_seconds": outage.at_least / SECOND,
        "at_most_seconds": outage.at_most / SECOND,
        "down_seconds": outage.down / SECOND,
        "planned_seconds": outage.planned / SECOND,
        "planned": None if not outage.planned else "partly" if outage.down else "whole",
        "since": iso(outage.since),
        "noticed": iso(outage.noticed),
        "ended": None if outage.ended is None else iso(outage.ended),
    }


def of_tracks(
    views: Callable[[View], Track], during: Interval, working: Micros
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary and the list of a node or a service; `working` is how long it was up."""
    found = outages(views, during)
    return summary(reliability(found, working)), [listed(outage) for outage in found]


def planned(found: Planned) -> dict[str, float]:
    """Planned maintenance against used."""
    return {
        "planned_seconds": found.whole / SECOND,
        "used_seconds": found.used / SECOND,
        "overrun_seconds": found.overrun / SECOND,
    }


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By when they began."""
    return sorted(rows, key=_when_and_where)


def _when_and_where(row: Mapping[str, Any]) -> tuple[str, ...]:
    """An outage is of a check of a node, or of (`of`) a node or a service."""
    return row["since"], row.get("kind", ""), row.get("of", ""), row.get("node", ""), row.get("check", "")


def _seconds(time: float | None) -> float | None:
    return None if time is None else time / SECOND
