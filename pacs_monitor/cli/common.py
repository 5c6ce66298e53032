"""What every command shares: the app, `--config`, `--json`, and how errors end a command."""

from __future__ import annotations

import json as encoding
import os
import sys
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from pacs_monitor import __version__
from pacs_monitor.config import ConfigError, Estate, load
from pacs_monitor.config.errors import likely, listed
from pacs_monitor.format.human import plain

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Monitoring and alerting daemon for PACS: probes, states, pages for on-call staff, uptime reports.",
    epilog="Exit codes: 0 fine (ok and warn), 1 bad news (fail, unknown, a wrong configuration), 2 misuse.",
)
WIDE = 240
"""Columns of what goes into a pipe or a file, where tables need not be squeezed."""
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
err = Console(stderr=True, soft_wrap=True, highlight=False)

ConfigFile = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="PACS_MONITOR_CONFIG", help="The configuration file.", show_default=True),
]
DEFAULT_CONFIG = Path("monitor.yaml")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        out.print(f"pacs-monitor {__version__}")
        raise typer.Exit


def estate_of(config: Path, *, json: bool = False) -> Estate:
    """The estate, or every error of the configuration (as JSON on the output) and exit 1."""
    if not config.exists():
        fail(
            f"name another file with --config, or create it with: pacs-monitor init {config} ({config} does not exist)"
        )
    try:
        return load(config)
    except ConfigError as error:
        if json:
            print_json({"file": str(config), "errors": [asdict(problem) for problem in error.problems]})
            raise typer.Exit(1) from None
        for problem in error.problems:
            err.print(plain(str(problem)), markup=False)
        count = len(error.problems)
        err.print(f"{count} error{'s' if count > 1 else ''}; nothing was started", style="bold red")
        raise typer.Exit(1) from None


def fail(message: str, code: int = 1) -> NoReturn:
    """End the command with a sentence: 1 for bad news, 2 for misuse."""
    err.print(plain(message), style="bold red", markup=False)
    raise typer.Exit(code)


def unknown(problem: str, name: str, known: Collection[str]) -> NoReturn:
    """End the command for a name that is not there: with the one that may be meant, or all that there are."""
    guess = likely(name, known)
    fail(f"{problem}; {f'did you mean {guess}? ' if guess else ''}known: {listed(known)}", 2)


def print_json(value: Any) -> None:
    print(encoding.dumps(value, indent=2, ensure_ascii=False))
