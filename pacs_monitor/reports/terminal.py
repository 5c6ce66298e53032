"""The uptime report as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

SHOWN = ("up", "degraded", "down", "unreachable", "absent", "maintenance", "unknown", "outside_hours")


def table(report: Mapping[str, Any]) -> RenderableType:
    """The period, every check with where its time went, and the outages with their bounds."""
    period = report["period"]
    start, end, until = (moment(period[key], ZoneInfo(period["timezone"])) for key in ("from", "to", "accounted_until"))
    so_far = f", accounted until {until}" if period["so_far"] else ""
    head = f"[bold]{escape(period['name'])}[/bold]  {start} to {end}{so_far}, times in {period['timezone']}"
    ran = f"The monitor ran for {percent(report['coverage'])} of it."
    parts: list[RenderableType] = [head, ran, "", _checks(report)]
    if never := [_unproven(row) for row in report["checks"] if row["unknown_by_cause"]["unproven"]]:
        words = "Had not worked yet with their settings, so the time counts as unknown: are they configured correctly?"
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
        times = [duration(row["seconds"][kind]) for kind in kinds]
        felt, attributable = percent(row["availability"]), percent(row["availability_attributable"])
        counts = str(row["runs"]), str(row["brief_failures"])
        grid.add_row(escape(f"{row['node']}/{row['check']}"), felt, attributable, *times, *counts)
    return grid


def _unproven(row: Mapping[str, Any]) -> str:
    return escape(f"  {row['node']}/{row['check']}, for {duration(row['unknown_by_cause']['unproven'])}")


def _outages(report: Mapping[str, Any]) -> Table:
    columns = ("outage of", "reason", "last good", "since", "ended", "at least", "at most", "incident")
    grid, zone = _grid(columns), ZoneInfo(report["period"]["timezone"])
    for outage in report["incidents"]:
        grid.add_row(
            escape(f"{outage['node']}/{outage['check']}"),
            outage["reason"] or "",
            moment(outage["last_good"], zone) if outage["last_good"] else "never",
            moment(outage["since"], zone),
            moment(outage["ended"], zone) if outage["ended"] else "goes on",
            duration(outage["at_least_seconds"]),
            duration(outage["at_most_seconds"]),
            outage["id"] or "",
        )
    return grid


def _grid(columns: Iterable[str]) -> Table:
    """On a narrow terminal cells are folded, and nothing is cut; the names of the checks stay whole, to be found."""
    cells = [Column(name, overflow="fold", no_wrap=not number) for number, name in enumerate(columns)]
    return Table(*cells, box=None, pad_edge=False)


def _any(report: Mapping[str, Any], kind: str) -> bool:
    return any(row["seconds"][kind] for row in report["checks"])


def moment(text: str, zone: ZoneInfo) -> str:
    """A time of the report in its time zone, which stands above the tables; whole seconds."""
    return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def percent(ratio: float | None) -> str:
    """A ratio, rounded down, so that 100 % means all of it; nothing measured is no number."""
    return "not measured" if ratio is None else f"{floor(ratio * 1e5 + 1e-6) / 1e3:.3f} %"


def duration(seconds: float) -> str:
    """Days, hours, minutes, seconds; below a minute with milliseconds."""
    if 0 < seconds < 60:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
