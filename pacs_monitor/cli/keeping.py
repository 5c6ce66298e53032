"""`history export|import|backup|move`: the record as a whole, over the years and over machines."""

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
from pacs_monitor.config import Estate
from pacs_monitor.format.human import byte_size, pluralized
from pacs_monitor.history import HistoryError
from pacs_monitor.history.backup import backup as back_up
from pacs_monitor.history.copying import Progress as Told
from pacs_monitor.history.exporting import export as exported
from pacs_monitor.history.exporting import load
from pacs_monitor.history.files import new_file
from pacs_monitor.history.moving import Mover

kept = typer.Typer(
    no_args_is_help=True,
    help="Export, import, back up or move the history: the database in which all is on record (monitor.database).",
)
app.add_typer(kept, name="history")
STREAM = Path("-")


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

    To restore it, stop the daemon, put the file in the place of the database, and remove what is left of the old one
    beside it (-wal, -shm). A copy by cp while the daemon runs may be broken. For PostgreSQL, use pg_dump.
    """
    url = _database(config)
    with _told("backing up") as progress:
        try:
            copied = back_up(url, file, progress)
        except HistoryError as error:
            fail(str(error))
    out.print(f"backed up to {file}: {byte_size(copied)}, whole", markup=False)


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
    known = estate_or_contact(config, ("name", "database"))
    return (known.monitor if isinstance(known, Estate) else known).database


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
