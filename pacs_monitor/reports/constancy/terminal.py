"""The constancy log as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from pacs_monitor.reports.constancy import words

MARKED = ("failed", "not_tested")


def table(built: Mapping[str, Any]) -> RenderableType:
    """Each page: its working days, its figures, the availability of the year."""
    parts: list[RenderableType] = []
    for page in built["pages"]:
        routes = "; ".join(words.routes(page))
        parts += [f"[bold]{escape(page['log'])}, {page['month']}[/bold]: {escape(routes)}"]
        parts += [escape(line) for line in words.legs(page, built["monitor"])]
        parts += [_days(page), "", escape(words.summary(page)), escape(words.year(page))]
        parts += [*filter(None, [words.unsigned(page)]), ""]
    return Group(*parts[:-1])


def _days(page: Mapping[str, Any]) -> Table:
    names = ("day", "test", "time of day", "size", "time", "throughput", "result", "remark")
    grid = Table(*(Column(name, overflow="fold") for name in names), box=None, pad_edge=False)
    for row in words.lines(page):
        if "result" not in row:
            grid.add_row(words.day(row["day"]), words.day_off(row))
            continue
        result = words.result(row["result"])
        grid.add_row(
            words.day(row["day"]),
            escape(f"{row['node']}/{row['check']}"),
            words.clock(row["at"]),
            words.size(row["bytes"]),
            words.seconds(row["seconds"]),
            words.speed(row["bytes_per_second"]),
            f"[red]{result}[/red]" if row["result"] in MARKED else result,
            escape("; ".join([*words.remarks(row), *map(words.explanation, row["explanations"])])),
        )
    return grid
