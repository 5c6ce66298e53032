"""`ack`, `note`, `close`: what the on-call says of an incident to the running daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app
from pacs_monitor.cli.daemon_address import daemon_address
from pacs_monitor.cli.display import acknowledged, told
from pacs_monitor.cli.which import identity

Row = Mapping[str, Any]
Incident = Annotated[
    str,
    typer.Argument(
        metavar="INCIDENT",
        help="Which open incident: its ID, the last characters of it (4 or more), a node, or NODE/CHECK.",
    ),
]

EXAMPLES = (
    "Examples: pacs-monitor note archive 'vendor: disk controller, technician at 05:30'\n\n"
    "pacs-monitor note archive --public --next-update 05:30 'Old images do not open. Use the downtime viewer.'"
)


@app.command(epilog="Example: pacs-monitor ack archive --for 2h --ticket 88123 --why 'vendor called'")
def ack(
    incident: Incident,
    why: words.Why = "",
    for_: words.For = None,
    until: words.Until = None,
    ticket: words.Ticket = "",
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Acknowledge an incident: reminders and escalation stop, its end is still notified.

    It holds until --until or for --for, else for 8 hours or until the next opening; beyond 24 hours it needs --ticket.
    If it gets worse, the acknowledgement is taken back and people are paged again.
    If it recovers for less than 10 minutes and fails again, it is still acknowledged: nobody is paged anew.
    """
    daemon = daemon_address(config, url, token_file)
    body = words.said(by, why, for_=for_, until=until, ticket=ticket)
    about = identity(daemon, incident)
    found: Row = client.ask(daemon, lambda monitor: monitor.acknowledge(about, **body))
    words.tell(found, lambda: f"{found['id']} {acknowledged(found['acknowledged'], client.times(daemon))}", json)


@app.command(epilog=EXAMPLES)
def note(
    incident: Incident,
    text: Annotated[str, typer.Argument(metavar="TEXT", help=f"What there is to know. {words.NO_PATIENTS}")],
    public: Annotated[
        bool, typer.Option("--public", help="For the users of the imaging estate, too: shown beside the services.")
    ] = False,
    ticket: words.Ticket = "",
    next_update: Annotated[
        str | None, typer.Option("--next-update", metavar="TIME", help="When a public note promises the next: 10:45.")
    ] = None,
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Note something about an incident, for colleagues; with --public also for the users of the imaging estate."""
    daemon = daemon_address(config, url, token_file)
    noted = f"{text} (ticket {ticket})" if ticket else text
    body = words.said(by, text=noted, next_update=next_update) | ({"public": True} if public else {})
    about = identity(daemon, incident)
    found: Row = client.ask(daemon, lambda monitor: monitor.note(about, **body))

    def line() -> str:
        to = f": {told(found['public_note'], client.times(daemon))}" if public else ", for colleagues"
        return f"{found['id']} noted{to}"

    words.tell(found, line, json)


@app.command(epilog="Example: pacs-monitor close archive --why 'taken out of service'")
def close(
    incident: Incident,
    why: words.Why = "",
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Close an incident by hand, when nothing of it is measured to fail; while something fails, acknowledge it."""
    daemon = daemon_address(config, url, token_file)
    about = identity(daemon, incident)
    found = client.ask(daemon, lambda monitor: monitor.close(about, **words.said(by, why)))
    words.tell(found, lambda: f"{found['id']} closed", json)
