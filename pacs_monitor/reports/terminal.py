"""The uptime report as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from pacs_monitor.format.human import duration, percentage, table_moment
from pacs_monitor.model import parse_iso

SHOWN = ("up", "degraded", "down", "unreachable", "absent", "maintenance", "unknown", "outside_hours")


def table(report: Mapping[str, Any]) -> RenderableType:
    """The period, the time of each check by class, and each outage with its shortest and longest possible duration."""
    period = report["period"]
    zone = ZoneInfo(period["timezone"])
    start, end, until = (_moment(period[key], zone) for key in ("from", "to", "accounted_until"))
    so_far = f", accounted until {until}" if period["so_far"] else ""
    head = f"[bold]{escape(period['name'])}[/bold]  {start} to {end}{so_far}, times in {period['timezone']}"
    ran = f"The monitor ran for {_percentage(report['coverage'])} of it."
    agreed = [_agreed(row) for row in report["objectives"]]
    parts: list[RenderableType] = [head, ran, "", *agreed, *([""] if agreed else []), _checks(report)]
    if never := [_unproven(row) for row in report["checks"] if row["unknown_by_cause"]["unproven"]]:
        words = "Never worked before with their settings, so the time counts as unknown: are they configured correctly?"
        parts += ["", words, *never]
    if report["incidents"]:
        parts += ["", _outages(report)]
    return Group(*parts)


def _checks(report: Mapping[str, Any]) -> Table:
    kinds = [kind for kind in SHOWN if kind in ("up", "down", "unknown") or _any(report, kind)]
    columns = (
        "check",
        "as felt",
        "attributable",
        *(kind.replace("_", " ") for kind in kinds),
        "runs",
        "brief failures",
    )
    grid = _grid(columns)
    for column in grid.columns[1:]:
        column.justify = "right"
    for row in report["checks"]:
        times = [_duration(row["seconds"][kind]) for kind in kinds]
        felt, attributable = _percentage(row["availability"]), _percentage(row["availability_attributable"])
        counts = str(row["runs"]), str(row["brief_failures"])
        grid.add_row(escape(f"{row['node']}/{row['check']}"), felt, attributable, *times, *counts)
    return grid


def _agreed(row: Mapping[str, Any]) -> str:
    name = f"{row['name']}, {row['period']}, {row['title']}:"
    return f"[bold]{escape(name)}[/bold] {escape(' '.join(row['sentences']))}"


def _unproven(row: Mapping[str, Any]) -> str:
    return escape(f"  {row['node']}/{row['check']}, for {_duration(row['unknown_by_cause']['unproven'])}")


def _outages(report: Mapping[str, Any]) -> Table:
    columns = ("outage of", "reason", "last good", "since", "ended", "at least", "at most", "incident")
    grid, zone = _grid(columns), ZoneInfo(report["period"]["timezone"])
    for outage in report["incidents"]:
        grid.add_row(
            escape(f"{outage['node']}/{outage['check']}"),
            outage["reason"] or "",
            _moment(outage["last_good"], zone) if outage["last_good"] else "never",
            _moment(outage["since"], zone),
            _moment(outage["ended"], zone) if outage["ended"] else "goes on",
            _duration(outage["at_least_seconds"]),
            _duration(outage["at_most_seconds"]),
            outage["id"] or "",
        )
    return grid


def _grid(columns: Iterable[str]) -> Table:
    """On a narrow terminal cells wrap and nothing is cut; the first column never wraps, so that names can be found."""
    cells = [Column(name, overflow="fold", no_wrap=not number) for number, name in enumerate(columns)]
    return Table(*cells, box=None, pad_edge=False)


def _any(report: Mapping[str, Any], kind: str) -> bool:
    return any(row["seconds"][kind] for row in report["checks"])


def _moment(text: str, zone: ZoneInfo) -> str:
    """A time of the report, whose time zone is given above the tables."""
    return table_moment(parse_iso(text), zone)


def _percentage(ratio: float | None) -> str:
    return "not measured" if ratio is None else percentage(ratio, decimals=3)


def _duration(seconds: float) -> str:
    return duration(seconds, exact=True)
