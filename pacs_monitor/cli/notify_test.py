"""`notify-test`: a test notification, or a test page of a given shape."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    TokenFile,
    Url,
    app,
    err,
    fail,
    out,
    print_json,
    unknown,
)
from pacs_monitor.cli.daemon_address import DaemonAddress, address_of
from pacs_monitor.cli.display import reader_of_times
from pacs_monitor.cli.estates import estate_of, estate_or_contact
from pacs_monitor.client import ClientError
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Contact, Estate
from pacs_monitor.delivery.sending import DELIVERY_TIMEOUT, Sender
from pacs_monitor.delivery.trying import END_TRIES, LONGEST_OPEN, OPEN_FOR, held_for, try_out
from pacs_monitor.fields import parse_duration
from pacs_monitor.format.human import duration
from pacs_monitor.messages.paged import When
from pacs_monitor.messages.trial import Shape, shaped
from pacs_monitor.model import Notification

MOST = 2 + END_TRIES
"""Deliveries of one test."""
EXAMPLES = (
    "Examples: pacs-monitor notify-test oncall    pacs-monitor notify-test oncall --event opened --open-for 2m\n\n"
    "Exit codes: 0 the receiver took everything, 1 it did not, or the test may still be open there, 2 misuse."
)


@app.command("notify-test", epilog=EXAMPLES)
def notify_test(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel of the configuration.")],
    event: Annotated[
        Shape | None,
        typer.Option("--event", help="A test page of this shape; without it, one plain test of severity info."),
    ] = None,
    open_for: Annotated[
        str | None,
        typer.Option(
            "--open-for",
            metavar="45s",
            help=f"With --event: how long until its end is sent, {duration(LONGEST_OPEN)} at most. Default: "
            f"{OPEN_FOR:.0f}s where the receiver keeps an incident open until its end, so that it rings; else at once.",
        ),
    ] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Send from this process, even if a daemon runs.")] = False,
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Send a test to a channel and show the receiver's answer; with --event, a page of that shape and its end.

    It goes through the daemon if one answers, else from here.

    Everything that is sent begins with TEST and is about a node TEST that does not exist.

    --event opened, a page as of a critical failure, which rings as at night, and then its end: nothing stays open.

    --event changed, the same with a change in between. --event group, the loss of a site, and its end.

    --event resolved, the same as opened, because nothing can end without it. --event digest, a digest.

    A success shows the daemon that the channel works; it then sends the pending notifications.
    """
    held = _held(event, open_for)
    if direct:
        estate = _knows(estate_of(config), channel)
        answer: Mapping[str, Any] = _from_here(estate, channel, event, held)
        when = _when(estate)
    else:
        body = words.said(by, event=event, open_for=open_for)
        known = None if url else estate_or_contact(config)
        daemon = address_of(known, url, token_file)
        answer, when = _tried(daemon, known, channel, held, body)
    if json:
        print_json(answer)
    else:
        for line in _lines(answer, when):
            out.print(escape(line))
    failed = not answer["delivered"] or (answer["left_open"] and event is not None)
    if not json and failed:
        fail(_failure(answer))
    raise typer.Exit(int(failed))


def _held(event: Shape | None, open_for: str | None) -> float | None:
    """Seconds; ends the command for what is none."""
    if open_for is None:
        return None
    if event in (None, Shape.DIGEST):
        fail("write --event opened, changed, resolved or group with --open-for: nothing else stays open", 2)
    try:
        seconds = parse_duration(open_for)
    except ValueError as error:
        fail(f"--open-for: {error}", 2)
    if seconds > LONGEST_OPEN:
        fail(f"--open-for: write {duration(LONGEST_OPEN)} at most", 2)
    return seconds


def _tried(
    daemon: DaemonAddress, known: Estate | Contact | None, channel: str, held: float | None, body: Mapping[str, Any]
) -> tuple[Mapping[str, Any], When]:
    """By the daemon; from here, when no daemon answers, or the one that does not know the channel or us."""
    event = body.get("event")
    limit = DELIVERY_TIMEOUT * MOST + (OPEN_FOR if held is None else held)
    if not isinstance(known, Estate):
        _announce(event, held)
        answer = client.ask(daemon, lambda monitor: monitor.test(channel, within=limit, **body))
        return answer, client.times(daemon)
    _knows(known, channel)
    _announce(event, held_for(known.channels[channel], held))
    try:
        return client.client_of(daemon).test(channel, within=limit, **body), _when(known)
    except ClientError:
        return _from_here(known, channel, event, held), _when(known)


def _announce(event: Shape | None, held: float | None) -> None:
    """Why it takes so long, before it does."""
    if event in (None, Shape.DIGEST) or held == 0:
        return
    up_to = "up to " if held is None else ""
    err.print(f"waiting {up_to}{duration(OPEN_FOR if held is None else held)} before its end is sent, so that it rings")


def _knows(estate: Estate, channel: str) -> Estate:
    if channel not in estate.channels:
        unknown(f"no channel {channel!r}", channel, estate.channels)
    return estate


def _when(estate: Estate) -> When:
    return reader_of_times(estate.monitor.timezone, SystemClock().now())


def _from_here(estate: Estate, channel: str, event: Shape | None, held: float | None) -> dict[str, Any]:
    clock, sender = SystemClock(), Sender(_at_once)
    sender.channels = estate.channels
    notifications = shaped(event, channel, estate.monitor, clock.now())
    trying = try_out(estate.channels[channel], notifications, sender.send, clock, open_for=held, wait=_or_interrupted)
    return asyncio.run(trying).as_json()


async def _at_once(_notification: Notification) -> None:
    """It may be sent."""


async def _or_interrupted(seconds: float) -> None:
    """That long, or until Ctrl-C: the end must be sent all the same."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        task.uncancel()


def _lines(answer: Mapping[str, Any], when: When) -> list[str]:
    """What was sent, when, what became of it and how long it took; one line each."""
    lines = [f"{answer['channel']} ({answer['kind']}), {answer['steps'][0]['summary']}"]
    for step in answer["steps"]:
        how = "delivered" if step["delivered"] else f"not delivered ({step['reason']})"
        said = f": {step['said']}" if step["said"] else ""
        lines.append(f"  {when(step['at'])}  {step['event']}  {how} in {duration(step['seconds'])}{said}")
    if answer["delivered"] and answer["left_open"]:
        lines.append("  it stays open at the receiver until you end it there; --event opened ends itself")
    return lines


def _failure(answer: Mapping[str, Any]) -> str:
    """The fix first."""
    if answer["left_open"]:
        key = answer["key"]
        return f"end the test {key} at the receiver by hand: its end was not delivered (Alertmanager ends it by itself)"
    return f"repair channel {answer['channel']}: the test was not delivered ({answer['reason']}): {answer['said']}"
