"""`history export|import|backup|restore|check|move`: the record as a whole, over the years and over machines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pacs_monitor.cli.common import DEFAULT_CONFIG, ConfigFile, app, err, fail, out
from pacs_monitor.cli.estates import estate_or_contact
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate, MonitorSettings
from pacs_monitor.config.contact import Contact
from pacs_monitor.format.human import byte_size, pluralized
from pacs_monitor.history import HistoryError
from pacs_monitor.history.backup import backup as back_up
from pacs_monitor.history.copying import Progress as Told
from pacs_monitor.history.engines import Schema
from pacs_monitor.history.exporting import export as exported
from pacs_monitor.history.exporting import load
from pacs_monitor.history.files import new_file
from pacs_monitor.history.moving import Mover
from pacs_monitor.history.restoring import look
from pacs_monitor.history.restoring import restore as restored

kept = typer.Typer(
    no_args_is_help=True,
    help="Export, import, back up, restore, check or move the history: the database with all that is on record.",
)
app.add_typer(kept, name="history")
STREAM = Path("-")
SAID = {
    Schema.OURS: "the history has the schema of this version",
    Schema.OLDER: "the history has the schema of an older version: back it up, then `run` brings it up to date",
    Schema.NONE: "the database is empty; `pacs-monitor run` begins the history",
}


@kept.command(
    epilog="Examples: pacs-monitor history export 2026.jsonl; pacs-monitor history export - | gzip > 2026.jsonl.gz"
)
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="A new file, or - for the output.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write all that is on record as JSON Lines, as it is at this moment; the daemon may go on meanwhile.

    Any version of pacs-monitor that is not older can import it, into SQLite or PostgreSQL. It holds no passwords and no
    tokens, but names of people, and of the systems of the house: keep it as you keep the database.
    """
    url, now = _database(config), SystemClock().now()
    with _told("exporting") as progress:
        try:
            if file == STREAM:
                _stream(exported(url, now, progress))
                return
            with new_file(file) as unfinished, unfinished.open("wb") as written:
                written.writelines(exported(url, now, progress))
        except HistoryError as error:
            fail(str(error))
    out.print(f"exported to {file}: {byte_size(file.stat().st_size)}", markup=False)


@kept.command("import", epilog="Example: gunzip -c 2026.jsonl.gz | pacs-monitor history import -")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="What `history export` wrote, or - for the input.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Put an export into the configured database, which must be empty: all of it, or nothing.

    An export of an older version is brought up to date. Before all is read and its checksum is right, nothing is there.
    """
    url = _database(config)
    with _told("importing") as progress:
        try:
            if file == STREAM:
                header = load(url, sys.stdin.buffer, progress)
            else:
                with file.open("rb") as lines:
                    header = load(url, lines, progress)
        except HistoryError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{file}: {error.strerror}")
    out.print(f"imported {pluralized(header.total, 'row')}, written by pacs-monitor {header.version}", markup=False)


@kept.command(epilog="Example: pacs-monitor history backup /backup/pacs-monitor-$(date +%F).db")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; it becomes an SQLite database.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Copy an SQLite database while the daemon writes to it, and check the copy.

    `history restore` puts it back. A copy by cp while the daemon runs may be broken. For PostgreSQL, use pg_dump.
    """
    url = _database(config)
    with _told("backing up") as progress:
        try:
            copied = back_up(url, file, progress)
        except HistoryError as error:
            fail(str(error))
    out.print(f"backed up to {file}: {byte_size(copied)}, whole", markup=False)


@kept.command(epilog="Example: pacs-monitor history restore /backup/pacs-monitor-2026-11-24.db")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `history backup` wrote.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Put a backup in the place of an SQLite database. Stop the daemon first.

    The database that was there is kept beside it under another name: it has what was recorded since the backup. A
    backup that is damaged, or that a newer version made, is refused. For PostgreSQL, use pg_restore.
    """
    known = _known(config)
    try:
        aside = restored(known.database, known.name, file, SystemClock().now())
    except HistoryError as error:
        fail(str(error))
    kept_as = f"; what was there is kept as {aside}" if aside else ""
    out.print(f"restored {file}{kept_as}. Start the daemon", markup=False)


@kept.command(epilog="Example: pacs-monitor history check && systemctl start pacs-monitor")
def check(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Say whether this version can use the database: its schema, and whether SQLite finds damage. Changes nothing.

    Exit 1 when it cannot: the schema is of a newer version, the database is damaged, or cannot be read.
    """
    try:
        schema = look(_known(config).database)
    except HistoryError as error:
        fail(str(error))
    out.print(SAID[schema], markup=False)


@kept.command(epilog="Example: pacs-monitor history move --to postgresql+psycopg://pacs@db.example.org/pacs_monitor")
def move(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            envvar="PACS_MONITOR_MOVE_TO",
            help="An empty PostgreSQL database. Leave the password to ~/.pgpass or $PGPASSWORD.",
        ),
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Move the history from SQLite to PostgreSQL. Stop the daemon first; every row is compared at the end.

    Killed or without the server in the middle, it goes on where it was when it is run again; until it is complete, the
    old database can be used. Then the old file stays as it was, and is marked, so that no daemon runs on it any more.
    """
    url = _database(config)
    with _told("moving") as progress:
        try:
            rows = Mover(url, to, SystemClock().now(), progress).move()
        except HistoryError as error:
            fail(str(error))
    what = f"moved {pluralized(rows, 'row')}, and compared each" if rows else "moved already"
    out.print(f"{what}; now set monitor.database to the new URL, and start the daemon", markup=False)


def _database(config: Path) -> str:
    return _known(config).database


def _known(config: Path) -> MonitorSettings | Contact:
    known = estate_or_contact(config, ("name", "database"))
    return known.monitor if isinstance(known, Estate) else known


def _stream(lines: Iterable[bytes]) -> None:
    if sys.stdout.isatty():
        fail("name a FILE, or add `| gzip > FILE`: nobody reads a history in a terminal", 2)
    try:
        for line in lines:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        fail("whoever reads the export has ended before it")


@contextmanager
def _told(what: str) -> Iterator[Told]:
    """A bar on the error stream while somebody watches."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
