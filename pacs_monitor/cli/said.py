"""`ack`, `note`, `close`: what the on-call says of an incident to the running daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, fail, out, print_json, warn
from pacs_monitor.cli.daemon_address import DaemonAddress, daemon_address
from pacs_monitor.cli.display import about, acknowledged, reader_of_times
from pacs_monitor.clock import SystemClock

SHORTEST = 4
"""Characters of an incident's id that may stand for it."""
WHOLE = 26
"""Characters of an id."""
Incident = Annotated[
    str,
    typer.Argument(
        metavar="INCIDENT",
        help="Which open incident: its ID, the last characters of it (4 or more), a node, or NODE/CHECK.",
    ),
]


@app.command()
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
    """
    daemon = daemon_address(config, url, token_file)
    body = words.said(by, why, for_=for_, until=until, ticket=ticket)
    found = _say(daemon, incident, "ack", body, json)
    if found is not None:
        when = reader_of_times(daemon.zone, SystemClock().now())
        out.print(escape(f"{found['id']} {acknowledged(found['acknowledged'], when)}"))


@app.command()
def note(
    incident: Incident,
    text: Annotated[str, typer.Argument(metavar="TEXT", help=f"What there is to know. {words.NO_PATIENTS}")],
    public: Annotated[
        bool, typer.Option("--public", help="For the users of the imaging estate, too: shown beside the services.")
    ] = False,
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
    body = words.said(by, text=text, next_update=next_update) | ({"public": True} if public else {})
    found = _say(daemon, incident, "note", body, json)
    if found is not None:
        out.print(escape(f"{found['id']} noted"))


@app.command()
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
    found = _say(daemon_address(config, url, token_file), incident, "close", words.said(by, why), json)
    if found is not None:
        out.print(escape(f"{found['id']} closed"))


def _say(daemon: DaemonAddress, which: str, verb: str, body: Mapping[str, Any], json: bool) -> dict[str, Any] | None:
    """The incident as the daemon answers; None when it was printed as JSON."""
    identity = _identity(client.get(daemon, "/api/v1/incidents", open=True, limit=1000), which)
    found: dict[str, Any] = client.post(daemon, f"/api/v1/incidents/{identity}/{verb}", body)
    if json:
        print_json(found)
        return None
    if not found["recorded"]:
        warn([found["warning"]])
    return found


def _identity(incidents: list[dict[str, Any]], which: str) -> str:
    """The id of the one open incident that is meant; ends the command where it is none, or several."""
    ids = [row["id"] for row in incidents if row["id"] == which.upper()]
    if not ids and len(which) >= SHORTEST:
        ids = [row["id"] for row in incidents if row["id"].endswith(which.upper())]
    meant = [row for row in incidents if row["id"] in ids] or [row for row in incidents if _is_about(row, which)]
    if len(meant) == 1:
        return str(meant[0]["id"])
    if meant:
        several = "\n".join(f"  {row['id']}  {about(row)}" for row in meant)
        fail(f"name one of these incidents by its ID:\n{several}", 2)
    if len(which) != WHOLE:
        fail(f"no open incident {which!r}; list them with: pacs-monitor incidents", 2)
    return which.upper()  # the daemon knows whether it has ended


def _is_about(row: Mapping[str, Any], which: str) -> bool:
    return any(which in (member, member.partition("/")[0]) for member in row["members"]) or which == row["cause"]
