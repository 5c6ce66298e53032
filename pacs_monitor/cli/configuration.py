"""`check-config`, `show`, `schema`, `init`: commands about the configuration, none of which needs a daemon."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from pacs_monitor import config as configuration
from pacs_monitor.cli import client
from pacs_monitor.cli.common import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    TokenFile,
    Url,
    app,
    fail,
    out,
    print_json,
    unknown,
    warn,
)
from pacs_monitor.cli.daemon_address import address_of
from pacs_monitor.cli.estates import estate_of
from pacs_monitor.cli.loads import loads
from pacs_monitor.config import Estate

PAGE = 100
"""Columns of a table that people read; longer values go on in the next line."""


@app.command("check-config")
def check_config(
    file: Annotated[Path | None, typer.Argument(help="The file to check instead of --config.")] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="running|FILE",
            help="Show what a reload would change, compared with the daemon or with FILE.",
        ),
    ] = None,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Report every error at once: file:line: path: what is wrong and how to fix it."""
    estate = estate_of(file or config, json=json)
    changes = None if diff is None else _changes(diff, estate, url, token_file)
    if json:
        print_json(_checked(estate, changes))
        return
    warn(estate.warnings)
    for line in changes or ([] if changes is None else ["a reload would change nothing"]):
        out.print(line, markup=False)
    for line in loads(estate):
        out.print(line, markup=False)
    counts = (f"{count} {what[:-1] if count == 1 else what}" for what, count in _there(estate).items())
    out.print(f"{estate.file}: no errors; {', '.join(counts)}", markup=False)


def _checked(estate: Estate, changes: list[str] | None) -> dict[str, Any]:
    warnings = [asdict(warning) for warning in estate.warnings]
    answer = {"file": str(estate.file), "errors": [], "warnings": warnings, "loads": loads(estate), "changes": changes}
    return answer | _there(estate)


def _there(estate: Estate) -> dict[str, int]:
    return {"nodes": len(estate.nodes), "checks": len(estate.checks), "channels": len(estate.channels)}


def _changes(old: str, estate: Estate, url: str | None, token_file: Path | None) -> list[str]:
    if old != "running":
        return configuration.diff(estate_of(Path(old)), estate).lines()
    return client.ask(address_of(estate, url, token_file), lambda monitor: monitor.preview())["changes"]


@app.command()
def show(
    node: Annotated[str, typer.Argument(help="A node.")],
    json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show a node's effective settings and where each comes from."""
    estate = estate_of(config)
    if node not in estate.nodes:
        unknown(f"no node {node!r}", node, estate.nodes)
    rows = configuration.explain(estate, node)
    if json:
        print_json([row._asdict() for row in rows])
        return
    names = (Column(name, no_wrap=True) for name in ("check", "setting"))
    table = Table(*names, Column("value", overflow="fold"), Column("from", overflow="fold"), box=None, pad_edge=False)
    folder = f"{config.parent}{os.sep}"
    for row in rows:
        table.add_row(*map(escape, row._replace(origin=row.origin.replace(folder, ""))))
    out.print(table, width=min(out.width, PAGE))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for completion in editors."""
    print_json(configuration.schema())


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG,
) -> None:
    """Write a starter configuration in shadow mode, which records pages instead of sending them."""
    try:
        with file.open("x", encoding="utf-8") as starter:
            starter.write(configuration.starter())
    except FileExistsError:
        fail(f"give another name: {file} exists already", 2)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    out.print(f"wrote {file}; next: edit it, then: pacs-monitor check-config --config {file}", markup=False)
