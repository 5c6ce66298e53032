"""`report PERIOD`: a period of the record, accounted; needs no running daemon. With `--final` it is frozen."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape

from pacs_monitor import reports
from pacs_monitor.cli import words
from pacs_monitor.cli.archive import Archive, tell
from pacs_monitor.cli.common import DEFAULT_CONFIG, ConfigFile, TokenFile, Url, all_kept, err, fail, out
from pacs_monitor.cli.estates import estate_of
from pacs_monitor.cli.recorded import whose_record
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate, check_facts
from pacs_monitor.fields import Match
from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.model import CheckId


class Format(StrEnum):
    """How a report is written; `table` is for the terminal, `csv` is a zip with one file for each table.

    `pdf` is made by WeasyPrint (pacs-monitor[pdf]), else by a Chromium, Chrome or Edge that is there.
    """

    TABLE = "table"
    HTML = "html"
    PDF = "pdf"
    JSON = "json"
    CSV = "csv"


def report(
    period: Annotated[
        str,
        typer.Argument(
            help="today, 2026-09-14, 2026-09, 2026-Q3, last-quarter, 2026, FROM..TO; or the number of a frozen report, "
            "as 2026-Q3/1."
        ),
    ],
    form: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file to write to; a table is written as JSON.")
    ] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", metavar="KEY=TEXT", help="Only these checks, as role=archive.")
    ] = None,
    *,
    final: Annotated[
        bool, typer.Option("--final", help="Freeze it: it gets a number, and is kept as it is from then on.")
    ] = False,
    part: Annotated[
        reports.Part, typer.Option("--part", help="Of html and pdf: all, or the signers' page with the agreements.")
    ] = reports.Part.ALL,
    why: words.Why = "",
    by: words.By = None,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Account for a period: every second as up, degraded, down, … or unknown, and each outage with its bounds."""
    if final or "/" in period:
        if match or part is not reports.Part.ALL:
            fail("leave out --match and --part: a frozen report is about everything", 2)
        archive = Archive(config, url, token_file)
        row = archive.freeze(period, words.said(by, why)) if final else archive.row(period)
        if form is Format.TABLE and output is None:
            tell(row)
        else:
            write(archive.document(row["number"], "json" if form is Format.TABLE else form), output)
        return
    by_what = printer() if form is Format.PDF else None
    if url and match:
        fail("leave out --match: a daemon makes its report of everything", 2)
    with all_kept():
        with err.status("reading the record"):  # one line, on a terminal alone
            built = Archive(config, url, token_file).draft(period) if url else _made(period, config, match)
        if form is Format.TABLE and output is None:
            out.print(reports.table(built))
            return
        write(_content(built, form, part, by_what), output)


def _made(period: str, config: Path, match: list[str] | None) -> dict[str, Any]:
    estate = estate_of(config) if match else None
    monitor = estate.monitor if estate else whose_record(config, ("name", "database", "timezone"))
    checks = _matching(estate, match) if estate and match else None
    now = SystemClock().now()
    try:
        wanted = reports.parse(period, monitor.timezone, now)
    except reports.PeriodError as error:
        fail(str(error), 2)
    try:
        reader = HistoryReader.open(monitor.database, monitor.name)
        try:
            return reports.build(reader, wanted, now, checks)
        finally:
            reader.close()
    except HistoryError as error:
        fail(str(error))


def printer() -> reports.Printer:
    """What prints; ends the command where there is nothing."""
    try:
        return reports.printer()
    except reports.PrintingError as error:
        fail(str(error))


def _content(built: dict[str, Any], form: Format, part: reports.Part, by_what: reports.Printer | None) -> bytes:
    if form is Format.HTML:
        return reports.html(built, part).encode()
    if by_what is not None:
        return printed(reports.html(built, part), by_what)
    if form is Format.CSV:
        return reports.zipped(built)
    return orjson.dumps(built, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def printed(page: str, by_what: reports.Printer) -> bytes:
    """The page as PDF, with a line of progress on a terminal; ends the command where that cannot be made."""
    doing = f"printing with {by_what.name}"
    try:
        with err.status(doing) as status:
            return reports.printed(page, by_what, told=lambda step: status.update(f"{doing}: {step}"))
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
    err.print(f"wrote {escape(str(output))}")


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
