"""`probe`: run checks now and explain the answer; through the running daemon if one answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.alerting.phrases import WORDS
from pacs_monitor.cli.client import Client, NoDaemonError, RefusedError
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, app, err, estate_of, fail, out, print_json
from pacs_monitor.cli.display import reason
from pacs_monitor.cli.here import runner_of
from pacs_monitor.cli.watching import watch_from_here
from pacs_monitor.config import Estate
from pacs_monitor.history import HistoryError, probing_lock
from pacs_monitor.model import NEVER_ANSWERED, Check, Presence, Result

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "magenta"}


@app.command()
def probe(
    target: Annotated[str, typer.Argument(metavar="NODE[/CHECK]", help="A node, or one of its checks.")],
    direct: Annotated[bool, typer.Option("--direct", help="From this process, even if a daemon runs.")] = False,
    watch: Annotated[
        str | None,
        typer.Option("--watch", metavar="30m", help="Make one store, show where it turns up, clear it away."),
    ] = None,
    json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Run the checks of a node now: status, reason, whose fault, phase times, and what to check next."""
    estate = estate_of(config)
    checks = checks_of(estate, target)
    if watch is not None:
        with _alone(estate):
            raise typer.Exit(watch_from_here(estate, checks, watch))
    rows, facts = (None, {}) if direct else (_through_daemon(estate, checks), {})
    if rows is None:
        results = _from_here(estate, checks)
        rows = [result.as_json() for result in results]
        facts = {str(result.check): result.outcome.terminal for result in results}
    if json:
        print_json(rows)
    else:
        for row in rows:
            _show(row, facts.get(f"{row['node']}/{row['check']}", ()))
            if row["reason"] in NEVER_ANSWERED and estate.nodes[row["node"]].presence is Presence.INTERMITTENT:
                out.print("  it is allowed to be off (presence: intermittent): this counts as absent, not as an outage")
    raise typer.Exit(any(row["status"] in ("fail", "unknown") for row in rows))


def checks_of(estate: Estate, target: str) -> list[Check]:
    """The checks that NODE or NODE/CHECK names; misuse ends with what there is."""
    node, _, name = target.partition("/")
    if node not in estate.nodes:
        fail(f"no node {node!r}; there are: {', '.join(sorted(estate.nodes))}", 2)
    checks = [check for check in estate.checks.values() if check.id.node == node]
    if name:
        checks = [check for check in checks if check.id.check == name] or fail(
            f"node {node!r} has no check {name!r}; it has: {', '.join(check.id.check for check in checks)}", 2
        )
    return checks or fail(f"node {node!r} has no checks", 2)


def _through_daemon(estate: Estate, checks: list[Check]) -> list[dict[str, Any]] | None:
    client = Client(estate)
    try:
        return [client.post(f"/api/v1/checks/{c.id.node}/{c.id.check}/run", wait=2 * c.timeout) for c in checks]
    except NoDaemonError:
        return None
    except RefusedError as error:
        err.print(f"the daemon refuses ({error}); probing from here", style="yellow", markup=False)
        return None


def _from_here(estate: Estate, checks: list[Check]) -> list[Result]:
    with _alone(estate):
        return asyncio.run(_run(estate, checks))


@contextmanager
def _alone(estate: Estate) -> Iterator[None]:
    try:
        with probing_lock(estate.monitor.database):
            yield
    except HistoryError as error:
        fail(str(error))


async def _run(estate: Estate, checks: list[Check]) -> list[Result]:
    async with runner_of(estate, checks) as runner:
        return [await runner.run_once(check, {}) for check in checks]


def _show(row: dict[str, Any], facts: tuple[tuple[str, str], ...]) -> None:
    colour = COLOURS[row["status"]]
    head = f"[bold]{escape(row['node'])}/{escape(row['check'])}[/bold]  [{colour}]{row['status']}[/{colour}]"
    if row["reason"]:
        head += f"  {reason(row)}"
    out.print(head)
    if row["detail"]:
        out.print(f"  {escape(row['detail'])}")
    phases = "  ".join(f"{phase} {seconds * 1000:.1f} ms" for phase, seconds in row["phases"].items())
    out.print(f"  {row['duration_seconds'] * 1000:.1f} ms in all" + (f": {phases}" if phases else ""), style="dim")
    for measurement in row["measurements"]:
        labels = "".join(f" {key}={value}" for key, value in measurement["labels"].items())
        out.print(f"  {measurement['name']}{escape(labels)}: {measurement['value']:g}", style="dim")
    for name, value in facts:
        out.print(f"  {escape(name)}: {escape(value)}", style="dim")
    if row["flags"]:
        out.print(f"  noticed: {', '.join(row['flags'])}", style="dim")
    if row["reason"]:
        out.print(f"  → {escape(WORDS[row['reason']].next_step)}")
