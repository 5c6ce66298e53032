"""`status`, `incidents`, `notify-test`: the on-call's verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pacs_monitor.cli import client, display
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, app, estate_of, fail, out, print_json, unknown
from pacs_monitor.cli.daemon_address import DaemonAddress, TokenFile, Url, address_of, daemon_address, estate_or_contact
from pacs_monitor.cli.paged import When
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate
from pacs_monitor.delivery.outbox import DELIVERY_TIMEOUT
from pacs_monitor.messages import page
from pacs_monitor.model import DeliveryError


@app.command()
def status(
    json: AsJson = False, url: Url = None, token_file: TokenFile = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Show where every check of the running daemon stands, and who was paged. Exit 1 while anything is down."""
    daemon = daemon_address(config, url, token_file)
    board = client.get(daemon, "/api/v1/status")
    if json:
        print_json(board)
    else:
        _print(display.board(board, _times(daemon)))
    raise typer.Exit(1 if board["counts"]["down"] else 0)


@app.command()
def incidents(
    incident: Annotated[str | None, typer.Argument(metavar="ID", help="One incident in full.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Include ended incidents.")] = False,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List open incidents; with ID, show one with everything that was sent or suppressed, and why."""
    daemon = daemon_address(config, url, token_file)
    if incident is not None:
        found = client.get(daemon, f"/api/v1/incidents/{incident}")
        print_json(found) if json else _print(display.incident(found, _times(daemon)))
        return
    rows = client.get(daemon, "/api/v1/incidents", open=not every)
    if json:
        print_json(rows)
        return
    none = "no incidents" if every else "no open incidents; --all lists ended ones"
    _print(display.incidents(rows, _times(daemon)) or [none])


@app.command("notify-test")
def notify_test(
    channel: Annotated[str, typer.Argument(help="A channel of the configuration.")],
    direct: Annotated[bool, typer.Option("--direct", help="Send from this process, even if a daemon runs.")] = False,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Send one test notification, through the daemon if one answers, and show the receiver's answer.

    A success shows the daemon that the channel works; it then sends the pending notifications.
    """
    answer = _tried_from_here(config, channel) if direct else _tried(config, channel, url, token_file)
    if json:
        print_json(answer)
        raise typer.Exit(0 if answer["delivered"] else 1)
    if not answer["delivered"]:
        fail(f"{channel}: not delivered ({answer['reason']}): {answer['said']}")
    out.print(f"{channel}: delivered; the receiver said: {answer['said']}", markup=False)


def _tried(config: Path, channel: str, url: str | None, token_file: Path | None) -> dict[str, Any]:
    """By the daemon; from here, when no daemon answers, or the one that does not know the channel or us."""
    known = None if url else estate_or_contact(config)
    daemon, path = address_of(known, url, token_file), f"/api/v1/channels/{channel}/test"
    if not isinstance(known, Estate):
        answer: dict[str, Any] = client.post(daemon, path, wait=DELIVERY_TIMEOUT)
        return answer
    if channel not in known.channels:
        unknown(f"no channel {channel!r}", channel, known.channels)
    try:
        answer = client.Client(daemon).post(path, wait=DELIVERY_TIMEOUT)
    except (client.NoDaemonError, client.RefusedError):
        return _from_here(known, channel)
    return answer


def _tried_from_here(config: Path, channel: str) -> dict[str, Any]:
    estate = estate_of(config)
    if channel not in estate.channels:
        unknown(f"no channel {channel!r}", channel, estate.channels)
    return _from_here(estate, channel)


def _from_here(estate: Estate, channel: str) -> dict[str, Any]:
    try:
        notification = page.trial(channel, estate.monitor, SystemClock().now())
        said = estate.channels[channel].deliver(notification, client.ANSWER_WITHIN)
    except DeliveryError as error:
        return {"channel": channel, "delivered": False, "reason": error.reason, "said": str(error)}
    return {"channel": channel, "delivered": True, "reason": None, "said": said}


def _times(daemon: DaemonAddress) -> When:
    return display.reader_of_times(daemon.zone, SystemClock().now())


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line)
