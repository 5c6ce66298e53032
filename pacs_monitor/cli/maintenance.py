"""`maintenance list|add|extend|end`: what is planned, so that nobody is paged for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, fail, out, print_json
from pacs_monitor.cli.daemon_address import DaemonAddress, daemon_address
from pacs_monitor.cli.which import WHOLE, ending
from pacs_monitor.messages.evidence import sentence
from pacs_monitor.messages.paged import When
from pacs_monitor.windows import Probing

planned = typer.Typer(no_args_is_help=True, help="Plan maintenance: nobody is paged for its checks.")
app.add_typer(planned, name="maintenance")
WindowId = Annotated[
    str,
    typer.Argument(metavar="WINDOW", help="Which window: its ID or the last characters of it (4 or more); see list."),
]


@planned.command("list")
def list_(
    json: AsJson = False, url: Url = None, token_file: TokenFile = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """List the windows that are not over, with their IDs."""
    daemon = daemon_address(config, url, token_file)
    found = client.ask(daemon, lambda monitor: monitor.maintenance())
    if json:
        print_json(found)
        return
    if not found:
        out.print("no maintenance is planned")
        return
    when = client.times(daemon)
    for row in found:
        out.print(escape(_line(row, when)))


@planned.command(
    epilog="Example: pacs-monitor maintenance add archive --start 'Sun 02:00' --for 2h --name patching --why '4712'"
)
def add(
    target: words.Target = None,
    site: words.Site = None,
    match: words.Match = None,
    *,
    all_: words.All = False,
    for_: words.For = None,
    until: words.Until = None,
    start: Annotated[
        str | None,
        typer.Option("--start", "--from", metavar="TIME", help="When it begins: 22:00, 'Sun 02:00'; by default now."),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help=f"What is done. {words.NO_PATIENTS}")] = "",
    probing: Annotated[
        Probing,
        typer.Option("--probing", help="read_only: store, send and delete nothing; stop: ask nothing at all."),
    ] = Probing.CONTINUE,
    announced: Annotated[
        str | None, typer.Option("--announced", metavar="2026-01-02", help="When it was announced, for contracts.")
    ] = None,
    notify: Annotated[
        str, typer.Option("--notify", metavar="CHANNEL", help="The channel that is told when it begins and ends.")
    ] = "",
    why: words.Why = "",
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Plan a window, and print its ID: what fails in it pages only if it still fails when the window has ended.

    It needs NODE, NODE/CHECK, --site, --match or --all; and --for or --until. --for counts from --start.
    """
    daemon = daemon_address(config, url, token_file)
    body = words.said(
        by,
        why,
        for_=for_,
        until=until,
        start=start,
        name=name,
        probing=probing.value,
        announced=announced,
        notify=notify,
    )
    which = words.which(target, site, match, all_)
    _tell(client.ask(daemon, lambda monitor: monitor.plan(**body, **which)), daemon, json)


@planned.command(epilog="Example: pacs-monitor maintenance extend 5HVC --for 1h")
def extend(
    window: WindowId,
    for_: words.For = None,
    until: words.Until = None,
    why: words.Why = "",
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Let a window last longer: --for counts from its planned end, --until names the new one."""
    daemon = daemon_address(config, url, token_file)
    body = words.said(by, why, for_=for_, until=until)
    identity = _identity(daemon, window)
    _tell(client.ask(daemon, lambda monitor: monitor.extend(identity, **body)), daemon, json)


@planned.command(epilog="Example: pacs-monitor maintenance end 5HVC --why 'the vendor has called it off'")
def end(
    window: WindowId,
    why: words.Why = "",
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """End a window now; one that has not begun does not take place."""
    daemon = daemon_address(config, url, token_file)
    identity = _identity(daemon, window)
    _tell(client.ask(daemon, lambda monitor: monitor.end(identity, **words.said(by, why))), daemon, json)


@planned.command(epilog="Example: pacs-monitor maintenance counts 5HVC no --why 'announced by phone on 2 January'")
def counts(
    window: Annotated[str, typer.Argument(metavar="WINDOW", help="Its ID, from list or a report.")],
    answer: Annotated[str, typer.Argument(metavar="yes|no", help="yes: downtime in it counts; no: it is left out.")],
    why: words.Why = "",
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """State whether downtime in a window counts, whatever an agreement makes of it; reports show both figures."""
    daemon = daemon_address(config, url, token_file)
    identity = window.upper() if len(window) == WHOLE else _identity(daemon, window)
    found = client.ask(daemon, lambda monitor: monitor.count(identity, **words.said(by, why, counts=answer)))
    words.tell(found, lambda: f"{found['id']} {sentence(found['evidence'], client.times(daemon))}", json)


def _tell(row: Mapping[str, Any], daemon: DaemonAddress, json: bool) -> None:
    words.tell(row, lambda: _line(row, client.times(daemon)), json)


def _line(row: Mapping[str, Any], when: When) -> str:
    """`01K… Sun 2026-01-11 02:00:00 CET to 04:00:00 CET, node=archive: patching, read_only (by change 4712)`."""
    by, how = f" (by {row['by']})" if row["by"] else "", "" if row["probing"] == "continue" else f", {row['probing']}"
    now = "  [now]" if row.get("active") else ""
    times = f"{when(row['start'])} to {when(row['end'])}"
    if row["end"] <= row["start"]:
        times = f"called off, was to begin {when(row['start'])}"
    why = f": {row['why']}" if row["why"] else ""
    return f"{row['id']}  {times}  {row['match']}: {row['name']}{how}{by}{why}{now}"


def _identity(daemon: DaemonAddress, which: str) -> str:
    """The id of the one window that is meant; ends the command where it is none, or several."""
    rows = client.ask(daemon, lambda monitor: monitor.maintenance())
    meant = [row for row in rows if row["id"] == which.upper()] or ending(rows, which)
    if len(meant) != 1:
        what = "several windows end so" if meant else f"no window {which!r}"
        fail(f"{what}; list them with: pacs-monitor maintenance list", 2)
    return str(meant[0]["id"])
