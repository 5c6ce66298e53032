"""`status`, `incidents`, `notify-test`: the on-call's verbs."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pacs_monitor.alerting import message
from pacs_monitor.cli.client import ANSWER_WITHIN, Client, NoDaemonError, RefusedError
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, app, estate_of, fail, out, print_json
from pacs_monitor.config import Estate
from pacs_monitor.engine.clock import SystemClock
from pacs_monitor.model import DeliveryError

COLOURS = {"up": "green", "degraded": "yellow", "down": "red", "absent": "blue", "unknown": "magenta"}


@app.command()
def status(json: AsJson = False, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show where every check of the running daemon stands. Exit 1 while anything is down."""
    board = _ask(estate_of(config), "/api/v1/status")
    if json:
        print_json(board)
    else:
        _show_board(board)
    raise typer.Exit(1 if board["counts"]["down"] else 0)


@app.command()
def incidents(
    incident: Annotated[str | None, typer.Argument(metavar="ID", help="One incident, whole.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List open incidents; with ID, one with everything that was sent, and what was withheld and why."""
    estate = estate_of(config)
    if incident is not None:
        found = _ask(estate, f"/api/v1/incidents/{incident}")
        print_json(found) if json else _show_incident(found)
        return
    rows = _ask(estate, "/api/v1/incidents", open=not every)
    if json:
        print_json(rows)
        return
    if not rows:
        out.print("no incidents" if every else "no open incidents")
        return
    table = Table("id", "severity", "state", "about", "reason", "since", "ended", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["id"], row["severity"], row["state"], row["cause"], row["reason"], row["since"], row["ended"] or "open"
        )
    out.print(table)


@app.command("notify-test")
def notify_test(
    channel: Annotated[str, typer.Argument(help="A channel of the configuration.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Send one test notification, and show what the receiver said."""
    estate = estate_of(config)
    if channel not in estate.channels:
        fail(f"no channel {channel!r}; there are: {', '.join(sorted(estate.channels)) or 'none'}", 2)
    try:
        notification = message.trial(channel, estate.monitor, SystemClock().now())
        said = estate.channels[channel].deliver(notification, ANSWER_WITHIN)
    except DeliveryError as error:
        fail(f"{channel}: not delivered ({error.reason}): {error}")
    out.print(f"{channel}: delivered; the receiver said: {said}", markup=False)


def _ask(estate: Estate, path: str, **query: Any) -> Any:
    try:
        return Client(estate).get(path, **query)
    except (NoDaemonError, RefusedError) as error:
        fail(str(error))


def _show_board(board: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {state}" for state, count in board["counts"].items() if count)
    out.print(f"[bold]{escape(board['monitor'])}[/bold]  {board['time']}  paging {board['paging']}  {counts}")
    table = Table("check", "state", "since", "last result", "detail", box=None, pad_edge=False)
    for node in board["nodes"]:
        for check in node["checks"]:
            colour, last = COLOURS[check["state"]], check["last"] or {}
            leaning = f" → {check['leaning']}?" if check["leaning"] else ""
            table.add_row(
                f"{node['node']}/{check['check']}",
                f"[{colour}]{check['state']}[/{colour}]{leaning}",
                check["since"],
                " ".join(filter(None, (last.get("status", "not run yet"), last.get("reason")))),
                escape(last.get("detail", "")),
            )
    out.print(table)


def _show_incident(found: dict[str, Any]) -> None:
    for key, value in found.items():
        if not isinstance(value, list):
            out.print(f"{key}: {value}", markup=False)
    for key in ("members", "notifications", "withheld"):
        out.print(f"[bold]{key}[/bold]")
        for row in found[key]:
            line = "  ".join(f"{k}={v}" for k, v in row.items() if k != "data") if isinstance(row, dict) else str(row)
            out.print(f"  {line}", markup=False)
