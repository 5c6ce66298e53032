"""Reading the configuration for a command: the estate, or what helps where the file has errors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import typer

from pacs_monitor.cli.common import err, fail, print_json
from pacs_monitor.config import ConfigError, Contact, Estate, load, read_contact
from pacs_monitor.format.human import plain, pluralized

ADDRESS = ("listen", "tls")
"""Keys of `monitor` that are needed to reach a daemon."""
MOST_SHOWN = 3
"""How many errors of the configuration are shown when the daemon can be reached despite them."""


def estate_of(config: Path, *, json: bool = False) -> Estate:
    """The estate, or every error of the configuration (as JSON on the output) and exit 1."""
    if not config.exists():
        fail(
            f"name another file with --config, or create it with: pacs-monitor init {config} ({config} does not exist)"
        )
    try:
        return load(config)
    except ConfigError as error:
        wrong(config, error, json=json)


def wrong(file: Path, error: ConfigError, *, json: bool = False) -> NoReturn:
    """Every problem of a file (as JSON on the output), and exit 1."""
    if json:
        print_json({"file": str(file), "errors": [asdict(problem) for problem in error.problems]})
        raise typer.Exit(1) from None
    for problem in error.problems:
        err.print(plain(str(problem)), markup=False)
    count = len(error.problems)
    err.print(f"{count} error{'s' if count > 1 else ''}; nothing was started", style="bold red")
    raise typer.Exit(1) from None


def estate_or_contact(config: Path, needed: tuple[str, ...] = ADDRESS, *, quietly: bool = False) -> Estate | Contact:
    """The estate; if the configuration has errors, its section `monitor` alone, with a warning.

    Ends the command if the address (or another key of `monitor` in `needed`) cannot be read.
    """
    if not config.exists():
        elsewhere = "\nfor a daemon that runs elsewhere, use --url" if needed == ADDRESS else ""
        fail(
            f"name another file with --config, or create it with: pacs-monitor init {config} ({config} does not "
            f"exist){elsewhere}"
        )
    try:
        return load(config)
    except ConfigError as error:
        contact = _in_spite_of(error, config, needed)
        if not quietly:
            _warn_of(error, MOST_SHOWN)
            err.print(f"{config} has errors: only its section monitor is used here", style="yellow", markup=False)
        return contact


def _in_spite_of(error: ConfigError, config: Path, needed: tuple[str, ...]) -> Contact:
    try:
        contact, unread = read_contact(config)
    except ConfigError:
        unread = frozenset(needed)
    missing = [key for key in needed if key in unread]
    if missing:
        _warn_of(error)
        where = ", ".join(f"monitor.{key}" for key in missing)
        instead = ", or name the daemon: --url http://127.0.0.1:9741" if needed == ADDRESS else ""
        are = "they cannot" if len(missing) > 1 else "it cannot"
        fail(f"correct {where} in the file ({are} be read){instead}")
    return contact


def _warn_of(error: ConfigError, most: int | None = None) -> None:
    for problem in error.problems[:most]:
        err.print(plain(str(problem)), markup=False)
    if more := len(error.problems[most:]) if most else 0:
        err.print(f"and {pluralized(more, 'more error')}")
