"""`evidence`: what people add to an incident while it happens, or afterwards, for the report that both sides sign."""

from __future__ import annotations

from typing import Annotated

import typer

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app
from pacs_monitor.cli.daemon_address import daemon_address
from pacs_monitor.cli.which import identity
from pacs_monitor.messages.evidence import sentence

EXAMPLES = (
    "Examples: pacs-monitor evidence archive reported --ticket 88123\n\n"
    "pacs-monitor evidence archive responded --at 03:52\n\n"
    "pacs-monitor evidence 5HVC --counts no --why 'power cut in the building, agreed on the phone'"
)


@app.command(epilog=EXAMPLES)
def evidence(
    incident: Annotated[
        str,
        typer.Argument(
            metavar="INCIDENT",
            help="Which incident, also one that has ended: its ID, the last characters of it (4 or more), a node, or "
            "NODE/CHECK.",
        ),
    ],
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[reported|responded|workaround|restored]",
            help="What happened, now or --at: the vendor was called, responded, gave a workaround, says that it works. "
            "Of a declared outage also from and to.",
        ),
    ] = None,
    *,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When: 03:52, 'Mon 03:52'; corrects what is on record."),
    ] = None,
    retract: Annotated[
        bool, typer.Option("--retract", help="Take it back; that it was stated stays on record.")
    ] = False,
    ticket: Annotated[str, typer.Option("--ticket", metavar="NUMBER", help="The vendor's number.")] = "",
    responsible: Annotated[
        str, typer.Option("--responsible", metavar="PARTY", help="Who is responsible: the party, not a person.")
    ] = "",
    agreed: Annotated[
        bool | None, typer.Option("--agreed/--disputed", help="Whether both sides see it so; --disputed needs --why.")
    ] = None,
    counts: Annotated[
        str | None, typer.Option("--counts", metavar="yes|no", help="Whether it counts as downtime; no needs --why.")
    ] = None,
    why: words.Why = "",
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """State when the vendor was called, responded and restored, for the report that both sides sign.

    The first time for each is stated at once, by this command alone; another is a correction and needs --at. What was
    stated before stays on record, with who corrected it and when.
    """
    daemon = daemon_address(config, url, token_file)
    body = words.said(by, why, what=what, at=at, ticket=ticket, responsible=responsible, counts=counts)
    body |= {"retract": True} if retract else {}
    body |= {} if agreed is None else {"standing": "agreed" if agreed else "disputed"}
    about = identity(daemon, incident, ended=True)
    found = client.ask(daemon, lambda monitor: monitor.state(about, **body))
    words.tell(found, lambda: f"{found['id']} {sentence(found['evidence'], client.times(daemon))}", json)
