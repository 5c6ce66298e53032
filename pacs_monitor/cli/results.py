"""One probe result as lines for a terminal at night: what came back, whose fault, what to do; then the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.markup import escape

from pacs_monitor.cli import measured
from pacs_monitor.cli.display import reason
from pacs_monitor.format.human import duration
from pacs_monitor.messages.next_steps import next_step
from pacs_monitor.model import SECOND, Phase

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "magenta"}
TOO_SHORT_TO_SHOW = 0.00005
"""Seconds; a run that is shorter asked nobody."""
FRESH = 2.0
"""Seconds; an older result was not asked for now."""

Facts = Iterable[tuple[str, str]]


def result(row: Mapping[str, Any], facts: Facts, times: measured.TimeFormat, *, may_be_off: bool = False) -> list[str]:
    """Lines of rich's markup; `facts` are the probe's own, for the terminal alone."""
    colour = COLOURS[row["status"]]
    kind = f" ({row['probe']})" if row["probe"] != row["check"] else ""
    head = f"[bold]{escape(row['node'])}/{escape(row['check'])}[/bold]{kind}  [{colour}]{row['status']}[/{colour}]"
    lines = [f"{head}  {reason(row)}" if row["reason"] else head]
    lines += [f"  {escape(row['detail'])}"] if row["detail"] else []
    lines += [f"  → {escape(next_step(row['reason'], row['probe'], row['phase']))}"] if row["reason"] else []
    if may_be_off:
        lines.append("  it may be off (presence: intermittent): this counts as absent, not as an outage")
    return lines + [f"  [dim]{escape(line)}[/dim]" for line in _figures(row, facts, times)]


def summary(rows: Iterable[Mapping[str, Any]]) -> str:
    """`5 checks: 3 ok, 2 fail`."""
    counts = Counter(row["status"] for row in rows)
    parts = ", ".join(f"[{colour}]{counts[name]} {name}[/{colour}]" for name, colour in COLOURS.items() if counts[name])
    return f"{counts.total()} checks: {parts}"


def _figures(row: Mapping[str, Any], facts: Facts, times: measured.TimeFormat) -> list[str]:
    lines = measured.lines(row["measurements"], times)
    lines += [f"{name}: {value}" for name, value in facts]
    lines += [f"noticed: {', '.join(flag.replace('_', ' ') for flag in row['flags'])}"] if row["flags"] else []
    return [*lines, *_took(row), *_old(row, times)]


def _took(row: Mapping[str, Any]) -> list[str]:
    if row["duration_seconds"] < TOO_SHORT_TO_SHOW:
        return []
    parts = ", ".join(f"{phase} {duration(row['phases'][phase])}" for phase in Phase if phase in row["phases"])
    return [f"took {duration(row['duration_seconds'])}" + (f": {parts}" if parts else "")]


def _old(row: Mapping[str, Any], times: measured.TimeFormat) -> list[str]:
    """A daemon answers with its last result rather than ask too soon."""
    started = datetime.fromisoformat(row["started"]).timestamp()
    if times.now / SECOND - started - row["duration_seconds"] < FRESH:
        return []
    return [f"result of {times.time(started)}: the daemon runs a check at most every retry_interval"]
