"""`notify-test`: one test notification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pacs_monitor.cli import client
from pacs_monitor.cli.common import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    TokenFile,
    Url,
    app,
    fail,
    out,
    print_json,
    unknown,
)
from pacs_monitor.cli.daemon_address import address_of
from pacs_monitor.cli.estates import estate_of, estate_or_contact
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate
from pacs_monitor.delivery.sending import DELIVERY_TIMEOUT
from pacs_monitor.messages.trial import trial
from pacs_monitor.model import DeliveryError


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
        notification = trial(channel, estate.monitor, SystemClock().now())
        said = estate.channels[channel].deliver(notification, client.ANSWER_WITHIN)
    except DeliveryError as error:
        return {"channel": channel, "delivered": False, "reason": error.reason, "said": str(error)}
    return {"channel": channel, "delivered": True, "reason": None, "said": said}
