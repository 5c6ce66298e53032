"""`run` and `demo`: the daemon in the foreground."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from pacs_monitor import demo as demonstration
from pacs_monitor import logs, process
from pacs_monitor.cli.common import DEFAULT_CONFIG, ConfigFile, app, fail
from pacs_monitor.cli.estates import estate_of
from pacs_monitor.fields import parse_duration
from pacs_monitor.model import PacsMonitorError


@app.command()
def run(
    config: ConfigFile = DEFAULT_CONFIG,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the daemon in the foreground. SIGHUP reloads the configuration, SIGTERM stops it within 10 s."""
    _log(log_level)
    estate = estate_of(config)
    for warning in estate.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    try:
        process.run(estate)
    except PacsMonitorError as error:
        fail(str(error))


@app.command()
def demo(
    duration: Annotated[str | None, typer.Option("--for", metavar="60s", help="End after this time.")] = None,
) -> None:
    """Run a simulated hospital on loopback, monitored by the daemon; a node fails and recovers by itself."""
    try:
        seconds = None if duration is None else parse_duration(duration)
    except ValueError as error:
        fail(str(error), 2)
    raise typer.Exit(demonstration.run(seconds))


def _log(level: str) -> None:
    number = logs.number(level)
    if number is None:
        fail(logs.no_level(level), 2)
    logs.log_to(logging.StreamHandler(), number)
