"""`report PERIOD`, and what is done with frozen reports: `list`, `verify`, `approve`, `distributed`, `action`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pacs_monitor.cli import reporting, words
from pacs_monitor.cli.archive import Archive, tell
from pacs_monitor.cli.common import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    FirstCommand,
    TokenFile,
    Url,
    app,
    fail,
    out,
    print_json,
    warn,
)
from pacs_monitor.reports.verifying import NotAReportError, verify

filed = typer.Typer(
    cls=FirstCommand,
    no_args_is_help=True,
    help="Account for a period (`report 2026-Q3`), every second and each outage; freeze, verify and approve reports."
    "\n\n"
    "The options of a report: `report make --help` (the word make may be left out).",
)
app.add_typer(filed, name="report")
filed.command("make", epilog="Example: pacs-monitor report last-quarter --format pdf --output report.pdf")(
    reporting.report
)
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="Which frozen report, as 2026-Q3/1; see list.")]


@filed.command("list")
def list_(
    json: AsJson = False, url: Url = None, token_file: TokenFile = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """List frozen reports, the latest first, with who approved them."""
    found = Archive(config, url, token_file).rows()
    if json:
        print_json(found)
        return
    if not found:
        out.print("no report is frozen; freeze one with: pacs-monitor report last-quarter --final")
    for row in found:
        tell(row)


@filed.command("verify", epilog="Example: pacs-monitor report verify report-2026-Q3-1.html")
def check(
    file: Annotated[Path, typer.Argument(help="The HTML, PDF, JSON or zip of CSV tables.")],
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say whether a document is what was frozen, and where it is not. Exit 1 if it is not."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
    archive = Archive(config, url, token_file)
    rows = {row["number"]: row for row in archive.rows()}
    try:
        verdict = verify(content, {number: row["documents"] for number, row in rows.items()}, archive.kept)
    except NotAReportError as error:
        fail(f"{file}: {error}", 2)
    row = rows.get(verdict.number or "")
    if json:
        print_json(verdict._asdict() | {"file": str(file), "report": row})
    else:
        out.print(escape(f"{file} {verdict.sentence}"), style=None if verdict.genuine else "bold red")
        for place in verdict.places:
            out.print(escape(f"  {place}"))
        if row and verdict.genuine:
            names = ", ".join(one["by"] for one in row["approvals"])
            out.print(escape(f"  approved by {names}" if names else "  approved by nobody yet"))
        if row and row["replaced_by"]:
            warn([f"{verdict.number} is replaced by {row['replaced_by']}"])
    if not verdict.genuine:
        raise typer.Exit(1)


@filed.command()
def approve(
    number: Number,
    why: words.Why = "",
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Approve a frozen report; its documents stay as they are."""
    row = Archive(config, url, token_file).say(number, "approve", words.said(by, why))
    print_json(row) if json else tell(row)


@filed.command(epilog="Example: pacs-monitor report distributed 2026-Q3/1 --to 'the vendor, by mail'")
def distributed(
    number: Number,
    to: Annotated[str, typer.Option("--to", metavar="TEXT", help="To whom: persons, offices, addresses.")],
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Record to whom a frozen report was given."""
    row = Archive(config, url, token_file).say(number, "distributed", words.said(by, to=to))
    print_json(row) if json else tell(row)


@filed.command(epilog="Example: pacs-monitor report action 2026-Q3/1 'second power supply' --owner IT --due 2026-12-15")
def action(
    number: Number,
    text: Annotated[str, typer.Argument(help=f"What is to be done. {words.NO_PATIENTS}")],
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Who does it.")] = "",
    due: Annotated[str | None, typer.Option("--due", metavar="2026-12-15", help="Until when.")] = None,
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Record what was agreed to be done because of a frozen report."""
    row = Archive(config, url, token_file).say(number, "action", words.said(by, text=text, owner=owner, due=due))
    print_json(row) if json else tell(row)
