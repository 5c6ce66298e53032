"""`oncall`: who is on call and who is next, asked of the running daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.cli import client
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, out, print_json
from pacs_monitor.cli.daemon_address import daemon_address
from pacs_monitor.messages.paged import When


@app.command(epilog='Example: pacs-monitor oncall --at "Sat 03:00" --next 5')
def oncall(
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Another time: 18:00, tomorrow 07:00, 2026-12-24T03:00.")
    ] = None,
    following: Annotated[
        int, typer.Option("--next", metavar="N", min=0, max=50, help="How many shifts to come.", show_default=True)
    ] = 1,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show who is on call now by every rota, until when, and who is next.

    Outside of the hours that a rota covers, and in a gap, it names the channels that are paged instead.
    Times are in the monitor's time zone. Exit 1 while nobody is on call in hours that a rota covers.
    """
    daemon = daemon_address(config, url, token_file)
    said = client.ask(daemon, lambda monitor: monitor.oncall(at=at, following=following))
    if json:
        print_json(said)
    else:
        when = client.times(daemon)
        for line in [line for rota in said["oncall"] for line in _lines(rota, when)] or [
            "no rota is configured; write oncall: {it: {rota: rota.yaml, otherwise: [CHANNEL]}} and name it in a route"
        ]:
            out.print(line)
    raise typer.Exit(1 if any(rota["now"]["gap"] for rota in said["oncall"]) else 0)


def _lines(rota: Mapping[str, Any], when: When) -> Iterator[str]:
    now = rota["now"]
    until = f", until {when(now['until'])}" if now["until"] else ""
    line = escape(f"{rota['name']}: {_who(now)}{until}")
    yield f"[red]{line}[/red]" if now["gap"] else line
    for shift in rota["next"]:
        yield escape(f"    from {when(shift['since'])}: {_who(shift)}")
    for gap in rota["gaps"]:
        line = f"    nobody from {when(gap['start'])} to {when(gap['end'])}: add a shift or an override to the rota"
        yield f"[yellow]{escape(line)}[/yellow]"


def _who(shift: Mapping[str, Any]) -> str:
    to = ", ".join(shift["channels"])
    if shift["people"]:
        return f"{' and '.join(shift['people'])} (paged by {to})"
    return f"NOBODY IS ON CALL; pages go to {to}" if shift["gap"] else f"not covered by the rota; pages go to {to}"
