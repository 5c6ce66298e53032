"""`report`: a period of the record, accounted; needs no running daemon."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

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
    """How a report is written; `table` is for the terminal, `csv` is a zip with one file for each table.

    `pdf` is printed by a Chromium, Chrome or Edge that is there.
    """

    TABLE = "table"
    HTML = "html"
    PDF = "pdf"
    JSON = "json"
    CSV = "csv"


@app.command()
def report(
    period: Annotated[str, typer.Argument(help="today, 2026-09-14, 2026-09, 2026-Q3, last-quarter, 2026, FROM..TO.")],
    form: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file to write to; a table is written as JSON.")
    ] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", metavar="KEY=TEXT", help="Only these checks, as role=archive.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Account for a period: every second as up, degraded, down, … or unknown, and each outage with its bounds."""
    known = estate_of(config) if match else estate_or_contact(config, ("name", "database", "timezone"))
    monitor, now = known.monitor if isinstance(known, Estate) else known, SystemClock().now()
    checks = _matching(known, match) if match and isinstance(known, Estate) else None
    program = browser() if form is Format.PDF else ""
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
    write(_content(built, form, program), output)


def browser() -> str:
    """The program that prints; ends the command where there is none."""
    try:
        return reports.browser()
    except reports.PrintingError as error:
        fail(str(error))


def _content(built: dict[str, Any], form: Format, program: str) -> bytes:
    if form is Format.HTML:
        return reports.html(built).encode()
    if form is Format.PDF:
        return printed(reports.html(built), program)
    if form is Format.CSV:
        return reports.zipped(built)
    return (json.dumps(built, indent=2, ensure_ascii=False) + "\n").encode()


def printed(page: str, program: str) -> bytes:
    """The page as PDF; ends the command where that cannot be made."""
    try:
        return reports.printed(page, program)
    except reports.PrintingError as error:
        fail(str(error))


def write(content: bytes, output: Path | None) -> None:
    """To the file, or to whoever reads the output; ends the command where that cannot be."""
    if output is None:
        if content.startswith((b"PK", b"%PDF-")) and sys.stdout.isatty():
            fail("add --output FILE: this format cannot be shown in a terminal", 2)
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
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
