"""`pause` and `resume`: checks that are not to run for a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, fail, out, print_json
from pacs_monitor.cli.daemon_address import DaemonAddress, daemon_address
from pacs_monitor.format.human import pluralized
from pacs_monitor.messages.paged import When


@app.command(epilog="Example: pacs-monitor pause ris --for 1h --why 'detector exchange'")
def pause(
    target: words.Target = None,
    site: words.Site = None,
    match: words.Match = None,
    *,
    all_: words.All = False,
    for_: words.For = None,
    until: words.Until = None,
    why: words.Why = "",
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Stop checks at once, for 8 hours unless --for or --until say otherwise; without a NODE, list what is paused.

    Nothing is asked meanwhile: the time is accounted as unknown (paused), and nobody is paged for it.
    It ends by itself, or with: pacs-monitor resume.
    """
    daemon = daemon_address(config, url, token_file)
    which = words.which(target, site, match, all_)
    if not which:
        if for_ or until or why:
            fail("say what to pause: NODE, NODE/CHECK, --site, --match or --all", 2)
        _list(daemon, json)
        return
    row = client.ask(daemon, lambda monitor: monitor.pause(**words.said(by, why, for_=for_, until=until), **which))
    words.tell(row, lambda: _line(row, client.times(daemon)), json)


@app.command(epilog="Example: pacs-monitor resume ris")
def resume(
    target: words.Target = None,
    site: words.Site = None,
    match: words.Match = None,
    *,
    all_: words.All = False,
    why: words.Why = "",
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Run paused checks again, at once; a pause of more than these goes on for the others."""
    which = words.which(target, site, match, all_)
    if not which:
        fail(
            "say what to resume: NODE, NODE/CHECK, --site, --match or --all; see what is paused: pacs-monitor pause", 2
        )
    daemon = daemon_address(config, url, token_file)
    row = client.ask(daemon, lambda monitor: monitor.resume(**words.said(by, why), **which))
    words.tell(row, lambda: f"resumed: {row['match']}", json)


def _list(daemon: DaemonAddress, json: bool) -> None:
    found = client.ask(daemon, lambda monitor: monitor.pauses())
    if json:
        print_json(found)
        return
    if not found:
        out.print("nothing is paused")
        return
    when = client.times(daemon)
    for row in found:
        out.print(escape(_line(row, when)))


def _line(row: Mapping[str, Any], when: When) -> str:
    why, count = f": {row['why']}" if row["why"] else "", pluralized(len(row["checks"]), "check")
    return f"{row['match']} ({count}) paused by {row['by']} until {when(row['until'])}{why}"
