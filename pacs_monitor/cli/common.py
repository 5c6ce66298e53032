"""What every command shares: the app, `--config`, `--json`, `--url`, and how errors end a command."""

from __future__ import annotations

import gc
import json as encoding
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from pacs_monitor import __version__
from pacs_monitor.cli.commands import COMMANDS
from pacs_monitor.format.human import plain
from pacs_monitor.format.names import likely, listed


@contextmanager
def all_kept() -> Iterator[None]:
    """Nothing is given up meanwhile: to look for what could be, again and again, takes a tenth of making what stays.

    Nor is it looked through when the command ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Commands(TyperGroup):
    """The commands; a module is imported when one of its commands is run or shows its own help."""

    def __init__(self, *, commands: dict[str, Any] | None = None, **options: Any) -> None:
        listed_only = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}
        super().__init__(commands={**listed_only, **(commands or {})}, **options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and command(name), rest


class FirstCommand(TyperGroup):
    """A group whose first command is meant where none is named: `report PERIOD` is `report make PERIOD`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else [next(iter(self.commands)), *args])


def command(name: str) -> Any:
    """The command of this name, with its options."""
    with all_kept():
        import_module(f"{__package__}.{COMMANDS[name][0]}")
    return get_group(app).commands[name]


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Monitoring and alerting daemon for PACS: probes, states, pages for on-call staff, uptime reports.",
    epilog="Paged? status, then incidents NODE, then ack NODE. From elsewhere: --url and PACS_MONITOR_TOKEN.\n\n"
    "Exit codes: 0 fine (ok and warn), 1 bad news (fail, unknown, a wrong configuration), 2 misuse.",
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
Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="PACS_MONITOR_URL", help="The running daemon's address, instead of the configured one."
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="PACS_MONITOR_TOKEN_FILE",
        help="File with the token; or set $PACS_MONITOR_TOKEN. Default: the first configured token for operators.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        out.print(f"pacs-monitor {__version__}")
        raise typer.Exit


def warn(warnings: Iterable[object]) -> None:
    """What is accepted and is not as it may have been meant: not acted on yet, shared, not allowed."""
    for warning in warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False)


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
