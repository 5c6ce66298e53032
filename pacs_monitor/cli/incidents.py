"""`incidents`, `incidents declare`: what is and was wrong, as measured and as people declare it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pacs_monitor.cli import client, display, which, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, out, print_json
from pacs_monitor.cli.daemon_address import daemon_address

HELP = "List open incidents; with INCIDENT, show one with everything that was sent or suppressed, and why."
SHOW, DECLARE = "show", "declare"


class _Incidents(TyperGroup):
    """`incidents [INCIDENT]` shows; `incidents declare` declares. A node of that name is shown by `show declare`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args[:1] in ([DECLARE], [SHOW]) else [SHOW, *args])


spoken_of = typer.Typer(cls=_Incidents, help=HELP)
app.add_typer(spoken_of, name="incidents")


@spoken_of.command(
    SHOW,
    help=HELP,
    epilog="Example: pacs-monitor incidents archive\n\n"
    "An outage that no probe could see is declared by: pacs-monitor incidents declare (--help says how)",
)
def show(
    incident: Annotated[
        str | None,
        typer.Argument(
            metavar="INCIDENT",
            help="One in full: its ID, the last characters of it (4 or more), a node, or NODE/CHECK.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Include ended incidents, and declared outages.")] = False,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    daemon = daemon_address(config, url, token_file)
    if incident is not None:
        identity = which.identity(daemon, incident, ended=True)
        found = client.ask(daemon, lambda monitor: monitor.incident(identity))
        print_json(found) if json else _print(display.incident(found, client.times(daemon)))
        return
    rows = client.ask(daemon, lambda monitor: monitor.incidents(open_only=not every))
    if json:
        print_json(rows)
        return
    none = "no incidents" if every else "no open incidents; --all lists ended ones"
    when = client.times(daemon)
    _print(display.incidents(rows, when) or [none])
    if every:
        _print(display.declared_list(client.ask(daemon, lambda monitor: monitor.declared()), when))


@spoken_of.command(
    DECLARE,
    epilog="Example: pacs-monitor incidents declare --node archive --from 'Mon 03:10' --to 'Mon 03:45' "
    "--evidence 'CT 2 could not send; log of its console' --by it-duty",
)
def declare(
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help="When it began: 03:10, 'Mon 03:10', RFC 3339.")],
    evidence: Annotated[str, typer.Option("--evidence", metavar="TEXT", help=f"How it is known. {words.NO_PATIENTS}")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="When it ended; without it, it goes on.")
    ] = None,
    node: Annotated[str | None, typer.Option("--node", metavar="NODE", help="Which node was out.")] = None,
    service: Annotated[str | None, typer.Option("--service", metavar="SERVICE", help="Which service was out.")] = None,
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Declare an outage that no probe could see. Reports list it apart, and never add it to what was measured."""
    daemon = daemon_address(config, url, token_file)
    body = words.said(by, from_=from_, to=to, node=node, service=service, evidence=evidence)
    found = client.ask(daemon, lambda monitor: monitor.declare(**body))
    words.tell(found, lambda: f"{found['id']} declared: {display.declared_line(found, client.times(daemon))}", json)


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line)
