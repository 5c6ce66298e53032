"""The report's tables of figures for the terminal: means, the trend, roles and sites, maintenance, gaps, latencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Column, Table

from pacs_monitor.format.human import duration, number, percentage, table_moment
from pacs_monitor.model import parse_iso

MEANS = ("outages", "down", "at least", "at most", "longest", "to restore", "between", "to notice", "brief failures")
LATENCIES = ("p50", "p90", "p95", "p99", "longest")


def tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """Those that have rows."""
    zone = ZoneInfo(report["period"]["timezone"])
    rows = [*((row["service"], row) for row in report["services"]), *((row["node"], row) for row in report["nodes"])]
    if rows:
        yield _filled(("service or node", *MEANS), (_means(name, row) for name, row in rows))
    if report["trend"]:
        names = [one["quarter"] for one in report["trend"][0]["quarters"]]
        yield _filled(("four quarters, with network faults", *names), map(_trend, report["trend"]))
    if report["places"]:
        columns: tuple[str, ...] = ("role, site", "nodes", "outages", "down", "unreachable", "lowest", "of")
        yield _filled(columns, map(_place, report["places"]))
    if report["latency"]:
        columns = ("at most", "role, site", "runs", *LATENCIES)
        yield _filled(columns, map(_latency, report["latency"]))
    if report["maintenance"]:
        columns = ("maintenance", "from", "to", "planned to", "in force", "down within", "down after its end")
        yield _filled(columns, (_maintenance(row, zone) for row in report["maintenance"]))
    if report["gaps"]:
        columns = ("gap from", "to", "length", "why")
        yield _filled(columns, (_gap(row, zone) for row in report["gaps"]))


def grid(columns: Iterable[str]) -> Table:
    """On a narrow terminal cells wrap and nothing is cut; the first column never wraps, so that names can be found."""
    cells = [Column(name, overflow="fold", no_wrap=not place) for place, name in enumerate(columns)]
    return Table(*cells, box=None, pad_edge=False)


def share(ratio: float | None) -> str:
    """Of a time; rounded down."""
    return "not measured" if ratio is None else percentage(ratio, decimals=3)


def time(seconds: float | None) -> str:
    """Whole; nothing where there is none."""
    return "" if seconds is None else duration(seconds, exact=True)


def moment(text: str | None, zone: ZoneInfo) -> str:
    """A time of the report, whose time zone is given above the tables; nothing where there is none."""
    return "" if text is None else table_moment(parse_iso(text), zone)


def _filled(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    made = grid(columns)
    for row in rows:
        made.add_row(*map(escape, row))
    return made


def _means(name: str, row: Mapping[str, Any]) -> list[str]:
    of = row["reliability"]
    keys = ("down", "at_least", "at_most", "longest", "mttr", "mtbf", "time_to_notice")
    return [name, str(of["outages"]), *(time(of[f"{key}_seconds"]) for key in keys), number(row["brief_failures"])]


def _trend(row: Mapping[str, Any]) -> list[str]:
    return [
        row["of"] if row["kind"] == "node" else row["name"],
        *(share(one["availability"]) for one in row["quarters"]),
    ]


def _place(row: Mapping[str, Any]) -> list[str]:
    times = time(row["down_seconds"]), time(row["unreachable_seconds"])
    counts = str(row["nodes"]), str(row["outages"])
    return [row["place"], *counts, *times, share(row["lowest_availability"]), row["lowest"] or ""]


def _latency(row: Mapping[str, Any]) -> list[str]:
    times = [time(row[f"{key}_seconds"]) for key in LATENCIES]
    return [row["operation"], row["place"], number(row["measured_runs"]), *times]


def _maintenance(row: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    moments = [moment(row[key], zone) for key in ("from", "to", "planned_to")]
    return [row["name"], *moments, *(time(row[f"{key}seconds"]) for key in ("", "used_", "overrun_"))]


def _gap(row: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    cause = row["cause"].replace("_", " ")
    return [moment(row["from"], zone), moment(row["to"], zone), time(row["seconds"]), cause]
