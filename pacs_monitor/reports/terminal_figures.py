"""The report's tables of figures for the terminal: means, the trend, roles and sites, maintenance, gaps, latencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from pacs_monitor.format.human import duration, number, percentage, table_moment
from pacs_monitor.model import parse_iso

MEANS = ("outages", "down", "at least", "at most", "longest", "to restore", "between", "to notice", "brief failures")
GAP = "  "
"""Between two columns."""
LATENCIES = ("p50", "p90", "p95", "p99", "longest")


def tables(report: Mapping[str, Any]) -> Iterator[Grid]:
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
        columns = ("took at most", "role, site", "runs", *LATENCIES)
        yield _filled(columns, map(_latency, report["latency"]))
    if report["maintenance"]:
        columns = ("maintenance", "from", "to", "planned to", "in force", "down within", "down after its end")
        yield _filled(columns, (_maintenance(row, zone) for row in report["maintenance"]))
    if report["gaps"]:
        columns = ("gap from", "to", "length", "why")
        yield _filled(columns, (_gap(row, zone) for row in report["gaps"]))


class Grid:
    """A table. Where it fits it is written line by line, in a twentieth of the time that Rich takes for its cells.

    On a narrow terminal cells wrap and nothing is cut; the first column never wraps, so that names can be found.
    """

    def __init__(self, columns: Iterable[str], *, right: bool = False) -> None:
        self._rows: list[tuple[str, ...]] = [tuple(columns)]
        self._right = right
        """All columns but the first are of figures."""

    def add_row(self, *cells: str) -> None:
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [max(map(cell_len, column)) for column in zip(*self._rows, strict=True)]
        fits = sum(widths) + len(GAP) * (len(widths) - 1) <= options.max_width
        if not fits or not all(map(str.isprintable, chain.from_iterable(self._rows))):
            yield self._folded()
            return
        for place, row in enumerate(self._rows):
            style = None if place else console.get_style("table.header")
            yield Segment(GAP.join(map(self._padded, row, widths, range(len(row)))), style)
            yield Segment.line()

    def _padded(self, cell: str, width: int, place: int) -> str:
        blank = " " * (width - cell_len(cell))
        return blank + cell if place and self._right else cell + blank

    def _folded(self) -> Table:
        right: JustifyMethod = "right" if self._right else "left"
        heads = [
            Column(name, overflow="fold", no_wrap=not place, justify=right if place else "left")
            for place, name in enumerate(self._rows[0])
        ]
        made = Table(*heads, box=None, pad_edge=False)
        for row in self._rows[1:]:
            made.add_row(*map(Text, row))
        return made


def share(ratio: float | None) -> str:
    """Of a time; rounded down."""
    return "not measured" if ratio is None else percentage(ratio, decimals=3)


def time(seconds: float | None) -> str:
    """Whole; nothing where there is none."""
    return "" if seconds is None else duration(seconds, exact=True)


def moment(text: str | None, zone: ZoneInfo) -> str:
    """A time of the report, whose time zone is given above the tables; nothing where there is none."""
    return "" if text is None else table_moment(parse_iso(text), zone)


def _filled(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Grid:
    made = Grid(columns)
    for row in rows:
        made.add_row(*row)
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
