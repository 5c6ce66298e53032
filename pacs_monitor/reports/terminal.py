"""The uptime report as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.markup import escape

from pacs_monitor.messages import evidence
from pacs_monitor.reports import terminal_figures as figures
from pacs_monitor.reports import words

SHOWN = ("up", "degraded", "down", "unreachable", "absent", "maintenance", "unknown", "outside_hours")


def table(report: Mapping[str, Any]) -> RenderableType:
    """The period, what was agreed, the time of each check by class, outages with their bounds, and means."""
    period = report["period"]
    zone = ZoneInfo(period["timezone"])
    start, end, until = (figures.moment(period[key], zone) for key in ("from", "to", "accounted_until"))
    so_far = f", accounted until {until}" if period["so_far"] else ""
    head = f"[bold]{escape(period['name'])}[/bold]  {start} to {end}{so_far}, times in {period['timezone']}"
    ran = f"The monitor ran for {figures.share(report['coverage'])} of it."
    run_by = escape(words.operated(report["document"]))
    agreed = [_agreed(row) for row in (*report["objectives"], *report["latency_objectives"])]
    parts: list[RenderableType] = [head, ran, run_by, "", *agreed, *([""] if agreed else []), _checks(report)]
    if never := [_unproven(row) for row in report["checks"] if row["unknown_by_cause"]["unproven"]]:
        why = "Never worked before with their settings, so the time counts as unknown: are they configured correctly?"
        parts += ["", why, *never]
    if report["incidents"]:
        parts += ["", _outages(report)]
    parts += _stated(report, zone)
    for grid in figures.tables(report):
        parts += ["", grid]
    return Group(*parts)


def _stated(report: Mapping[str, Any], zone: ZoneInfo) -> list[RenderableType]:
    """What people added, each in a line; declared outages apart."""
    when = partial(figures.moment, zone=zone)
    lines = [f"  {row['of']}, {when(row['from'])}: {evidence.sentence(row, when)}" for row in report["evidence"]]
    parts: list[RenderableType] = ["", "What people added:", *map(escape, lines)] if lines else []
    declared = [
        f"  {row['of']}, {when(row['from'])} to {when(row['to']) if row['to'] else 'now'} "
        f"({figures.time(row['seconds'])}): {row['known_by']} (by {row['by']})"
        for row in report["declared"]
    ]
    declared += [f"  in all {row['of']}: {figures.time(row['counted_seconds'])}" for row in report["declared_sums"]]
    head = "Declared by people, not measured and not part of any figure above:"
    return [*parts, *(["", head, *map(escape, declared)] if declared else [])]


def _checks(report: Mapping[str, Any]) -> figures.Grid:
    kinds = [kind for kind in SHOWN if kind in ("up", "down", "unknown") or _any(report, kind)]
    columns = (
        "check",
        "availability",
        "without network faults",
        *(kind.replace("_", " ") for kind in kinds),
        "runs",
        "brief failures",
    )
    grid = figures.Grid(columns, right=True)
    for row in report["checks"]:
        times = [figures.time(row["seconds"][kind]) for kind in kinds]
        felt, attributable = figures.share(row["availability"]), figures.share(row["availability_attributable"])
        counts = str(row["runs"]), str(row["brief_failures"])
        grid.add_row(f"{row['node']}/{row['check']}", felt, attributable, *times, *counts)
    return grid


def _agreed(row: Mapping[str, Any]) -> str:
    name = f"{row['name']}, {row['period']}, {row['title']}:"
    return f"[bold]{escape(name)}[/bold] {escape(' '.join(row['sentences']))}"


def _unproven(row: Mapping[str, Any]) -> str:
    return escape(f"  {row['node']}/{row['check']}, for {figures.time(row['unknown_by_cause']['unproven'])}")


def _outages(report: Mapping[str, Any]) -> figures.Grid:
    bounds = ("last good", "first failed", "last failed", "first good")
    columns = ("outage of", "reason", *bounds, "at least", "at most", "planned", "incident")
    grid, zone = figures.Grid(columns), ZoneInfo(report["period"]["timezone"])
    for outage in report["incidents"]:
        grid.add_row(
            f"{outage['node']}/{outage['check']}",
            (outage["reason"] or "") + (", behind a network fault" if outage["unreachable_seconds"] else ""),
            figures.moment(outage["last_good"], zone) if outage["last_good"] else "never",
            figures.moment(outage["since"], zone),
            figures.moment(outage["last_failed"], zone),
            figures.moment(outage["ended"], zone) if outage["ended"] else "goes on",
            figures.time(outage["at_least_seconds"]),
            figures.time(outage["at_most_seconds"]),
            figures.time(outage["planned_seconds"]) if outage["planned"] else "",
            outage["id"] or "",
        )
    return grid


def _any(report: Mapping[str, Any], kind: str) -> bool:
    return any(row["seconds"][kind] for row in report["checks"])
