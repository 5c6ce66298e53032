"""`status`, `reload`, `audit`: what is asked of the running daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from pacs_monitor.cli import client, display
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, out, print_json, warn
from pacs_monitor.cli.daemon_address import daemon_address
from pacs_monitor.cli.words import By, Why, said


@app.command()
def status(
    json: AsJson = False, url: Url = None, token_file: TokenFile = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Show where every check of the running daemon stands, and who was paged. Exit 1 while anything is down."""
    daemon = daemon_address(config, url, token_file)
    board = client.ask(daemon, lambda monitor: monitor.status())
    if json:
        print_json(board)
    else:
        _print(display.board(board, client.times(daemon)))
    raise typer.Exit(1 if board["counts"]["down"] else 0)


@app.command()
def reload(
    by: By = None,
    why: Why = "",
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make the running daemon reload its configuration; a file with errors changes nothing."""
    instead = "if monitor.listen, tls or the token has changed, send the daemon SIGHUP instead"
    daemon = daemon_address(config, url, token_file, quietly=True)
    answer = client.ask(daemon, lambda monitor: monitor.reload(**said(by, why)), instead=instead, misuse=())
    changes, warnings = answer["changes"], answer["warnings"]
    if json:
        print_json({"changes": changes, "warnings": warnings})
        return
    warn(warnings)
    for line in changes or ["nothing changed"]:
        out.print(line, markup=False)


@app.command()
def audit(
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many entries.")] = 50,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show who asked the running daemon for what, from where, and what became of it, the latest last.

    It needs a token of the role operator.
    """
    daemon = daemon_address(config, url, token_file)
    entries = client.ask(daemon, lambda monitor: monitor.audit(limit=limit))
    if json:
        print_json(entries)
        return
    _print(display.audit(entries, client.times(daemon)) or ["nobody has asked for anything yet"])


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line)
