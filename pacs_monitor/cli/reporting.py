"""`report`: a period of the record, accounted; needs no running daemon."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pacs_monitor import reports
from pacs_monitor.cli.common import DEFAULT_CONFIG, ConfigFile, app, fail, out
from pacs_monitor.cli.estates import estate_of, estate_or_contact
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate, check_facts
from pacs_monitor.fields import Match
from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.model import CheckId


class Format(StrEnum):
    """How a report is written; `table` is for the terminal."""

    TABLE = "table"
    JSON = "json"


@app.command()
def report(
    period: Annotated[str, typer.Argument(help="today, 2026-09-14, 2026-09, 2026-Q3, last-quarter, 2026, FROM..TO.")],
    form: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option("--output", help="The file to write JSON to.")] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", metavar="KEY=TEXT", help="Only these checks, as role=archive.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Account for a period: every second as up, degraded, down, … or unknown, and each outage with its bounds."""
    known = estate_of(config) if match else estate_or_contact(config, ("name", "database", "timezone"))
    monitor, now = known.monitor if isinstance(known, Estate) else known, SystemClock().now()
    checks = _matching(known, match) if match and isinstance(known, Estate) else None
    try:
        wanted = reports.parse(period, monitor.timezone, now)
    except reports.PeriodError as error:
        fail(str(error), 2)
    try:
        reader = HistoryReader.open(monitor.database, monitor.name)
        try:
            built = reports.build(reader, wanted, now, checks)
        finally:
            reader.close()
    except HistoryError as error:
        fail(str(error))
    if form is Format.TABLE and output is None:
        out.print(reports.table(built))
        return
    text = json.dumps(built, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{output}: {error.strerror}")


def _matching(estate: Estate, pairs: list[str]) -> list[CheckId]:
    """The checks of the configuration for which all KEY=TEXT hold."""
    wanted: dict[str, list[str]] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        wanted.setdefault(key, []).append(text)
    try:
        match = Match.model_validate(wanted)
    except ValueError:
        fail(f"--match takes {', '.join(Match.model_fields)} or labels.NAME, each as KEY=TEXT", 2)
    found = [check.id for check in estate.checks.values() if match.holds(check_facts(check), check.node.labels)]
    return found or fail(f"no check matches {' '.join(pairs)}", 2)
