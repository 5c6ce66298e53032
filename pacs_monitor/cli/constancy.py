"""`constancy PERIOD`, `constancy explain`: the log of verified test transmissions, and what people say of its gaps."""

from __future__ import annotations

import json as encoding
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pacs_monitor import reports
from pacs_monitor.cli import client, words
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, FirstCommand, TokenFile, Url, app, fail, out
from pacs_monitor.cli.daemon_address import daemon_address
from pacs_monitor.cli.recorded import whose_record
from pacs_monitor.cli.reporting import printed, printer, write
from pacs_monitor.clock import SystemClock
from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.language import speaking
from pacs_monitor.reports.constancy import NoLogError, build, html, table, zipped


class Format(StrEnum):
    """`table` is for the terminal, `csv` is a zip with one file for each table."""

    TABLE = "table"
    HTML = "html"
    PDF = "pdf"
    JSON = "json"
    CSV = "csv"


logs = typer.Typer(
    cls=FirstCommand,
    no_args_is_help=True,
    epilog="Example: pacs-monitor constancy 2026-09 --format pdf --output constancy.pdf",
)
app.add_typer(logs, name="constancy")


@logs.callback()
def constancy() -> None:
    """The constancy log of a period, such as 2026-09: a month to a page, to be signed."""


Log = Annotated[str | None, typer.Option("--log", metavar="NAME", help="Which log, where there are several.")]


@logs.command()
def show(
    period: Annotated[str, typer.Argument(help="2026-09, last-month, 2026-Q3, 2026, 2026-09-14, FROM..TO.")],
    form: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file to write to; a table is written as JSON.")
    ] = None,
    log: Log = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show a period of the log; it needs no running daemon. In the language of `monitor.language`."""
    monitor, now = whose_record(config, ("name", "database", "timezone", "language")), SystemClock().now()
    by_what = printer() if form is Format.PDF else None
    try:
        wanted = reports.parse(period, monitor.timezone, now)
    except reports.PeriodError as error:
        fail(str(error), 2)
    try:
        reader = HistoryReader.open(monitor.database, monitor.name)
        try:
            built = build(reader, wanted, now, log)
        finally:
            reader.close()
    except (HistoryError, NoLogError) as error:
        fail(str(error), 2 if log and isinstance(error, NoLogError) else 1)
    with speaking(monitor.language):
        if form is Format.TABLE and output is None:
            out.print(table(built))
        else:
            write(_content(built, form, by_what), output)


def _content(built: dict[str, Any], form: Format, by_what: reports.Printer | None) -> bytes:
    if form is Format.HTML:
        return html(built).encode()
    if by_what is not None:
        return printed(html(built), by_what)
    if form is Format.CSV:
        return zipped(built)
    return (encoding.dumps(built, indent=2, ensure_ascii=False) + "\n").encode()


@logs.command(epilog="Example: pacs-monitor constancy explain 2026-09-14 'the archive was moved' --by 'Dr. Weber'")
def explain(
    day: Annotated[str, typer.Argument(metavar="DAY", help="Which day: 2026-09-14.")],
    why: Annotated[str, typer.Argument(metavar="TEXT", help=f"What there is to say of it. {words.NO_PATIENTS}")],
    log: Log = None,
    *,
    by: words.By = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Explain a day on which nothing was tested, or a test failed; the result of the day stays as it is."""
    daemon = daemon_address(config, url, token_file)
    found = client.ask(daemon, lambda monitor: monitor.explain(**words.said(by, why, day=day, log=log)))
    words.tell(found, lambda: f"{found['log']}, {found['day']}: explained by {found['by']}", json)
