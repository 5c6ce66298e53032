"""`pause` and `resume`: checks that are not to run for a time."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, fail, out, print_json, warn
from pacs_monitor.cli.daemon_address import DaemonAddress, daemon_address
from pacs_monitor.cli.display import reader_of_times
from pacs_monitor.clock import SystemClock
from pacs_monitor.format.human import pluralized

Target = Annotated[str | None, typer.Argument(metavar="[NODE|NODE/CHECK]", help="Which node, or which check of it.")]
Site = Annotated[str | None, typer.Option("--site", metavar="SITE", help="All checks of a site.")]
All = Annotated[bool, typer.Option("--all", help="Every check of the monitor.")]


@app.command()
def pause(
    target: Target = None,
    site: Site = None,
    match: words.Match = None,
    *,
    all_: All = False,
    for_: words.For = None,
    until: words.Until = None,
    why: words.Why = "",
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Stop checks at once, for 8 hours unless --for or --until say otherwise; without any, list what is paused.

    Nothing is asked meanwhile: the time is accounted as unknown (paused), and nobody is paged for it. It ends by
    itself, or with: pacs-monitor resume.
    """
    daemon = daemon_address(config, url, token_file)
    which = _which(target, site, match, all_)
    if not which:
        _list(daemon, json)
        return
    row = client.post(daemon, "/api/v1/pause", words.said(by, why, for_=for_, until=until) | which)
    if json:
        print_json(row)
        return
    out.print(escape(_line(row, daemon)))
    if not row["recorded"]:
        warn([row["warning"]])


@app.command()
def resume(
    target: Target = None,
    site: Site = None,
    match: words.Match = None,
    *,
    all_: All = False,
    why: words.Why = "",
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Run paused checks again, at once; a pause of more than these goes on for the others."""
    which = _which(target, site, match, all_)
    if not which:
        fail(
            "say what to resume: NODE, NODE/CHECK, --site, --match or --all; see what is paused: pacs-monitor pause", 2
        )
    daemon = daemon_address(config, url, token_file)
    row = client.post(daemon, "/api/v1/resume", words.said(by, why) | which)
    if json:
        print_json(row)
        return
    out.print(escape(f"resumed: {row['match']}"))
    if not row["recorded"]:
        warn([row["warning"]])


def _which(target: str | None, site: str | None, match: list[str] | None, everything: bool) -> dict[str, Any]:
    """The part of the body that says which checks; ends the command for two ways of saying it."""
    options = list(match or [])
    if target is not None:
        node, slash, check = target.partition("/")
        options += [f"node={node}", *([f"check={check}"] if slash else [])]
    options += [f"site={site}"] if site is not None else []
    if everything and options:
        fail("write either --all or which checks, not both", 2)
    if everything:
        return {"all": True}
    return {"match": words.matching(options)} if options else {}


def _list(daemon: DaemonAddress, json: bool) -> None:
    found = client.get(daemon, "/api/v1/pauses")
    if json:
        print_json(found)
        return
    for row in found:
        out.print(escape(_line(row, daemon)))
    if not found:
        out.print("nothing is paused")


def _line(row: dict[str, Any], daemon: DaemonAddress) -> str:
    when = reader_of_times(daemon.zone, SystemClock().now())
    why, count = f": {row['why']}" if row["why"] else "", pluralized(len(row["checks"]), "check")
    return f"{row['match']} ({count}) paused by {row['by']} until {when(row['until'])}{why}"
