"""The options by which operators say something, and the words of the client that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from pacs_monitor.cli.common import fail, out, print_json, warn
from pacs_monitor.format.human import login_name

NO_PATIENTS = "No patient names or IDs."

By = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who says so; by default your login name. The token's name is kept too."),
]
Why = Annotated[
    str, typer.Option("--why", metavar="TEXT", help=f"The reason, in a sentence for colleagues. {NO_PATIENTS}")
]
For = Annotated[str | None, typer.Option("--for", metavar="8h", help="How long: 30m, 8h, 7d; instead of --until.")]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TIME",
        help="Until when: 10:45, 'tomorrow 07:00', 'Mon 07:00', 2026-12-15 (to the end of that day), by the monitor's "
        "clock; instead of --for.",
    ),
]
Match = Annotated[
    list[str] | None,
    typer.Option(
        "--match",
        metavar="KEY=VALUE",
        help="Which checks: node, check, probe, site, role, severity, presence or labels.NAME, as in node=archive or "
        "site='west*'. Several keys must all match; of several values of one key, any.",
    ),
]
Target = Annotated[str | None, typer.Argument(metavar="[NODE|NODE/CHECK]", help="Which node, or which check of it.")]
Site = Annotated[str | None, typer.Option("--site", metavar="SITE", help="All checks of a site.")]
All = Annotated[bool, typer.Option("--all", help="Every check of the monitor.")]
Ticket = Annotated[
    str, typer.Option("--ticket", metavar="NUMBER", help=f"The number of the ticket or change. {NO_PATIENTS}")
]


def said(by: str | None, why: str | None = None, **more: Any) -> dict[str, Any]:
    """The words for the client: who speaks, why, and of all else what was given, also where it is empty.

    An empty word is refused by the daemon, which names it.
    """
    words = {"by": login_name() if by is None else by, "why": why} | more
    return {key: value for key, value in words.items() if value not in (None, [])}


def tell(answer: Mapping[str, Any], line: Callable[[], str], json: bool) -> None:
    """What became of it: the daemon's answer as JSON, or a line; and a warning where it is not on record."""
    if json:
        print_json(answer)
        return
    out.print(escape(line()))
    if not answer["recorded"]:
        warn([answer["warning"]])


def matching(options: Sequence[str]) -> dict[str, list[str]]:
    """`node=archive`, `site=west` as the API has them; ends the command for what is no KEY=VALUE."""
    match: dict[str, list[str]] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key and equals and value):
            fail(f"write --match KEY=VALUE, such as --match node=archive; {option!r} is not of that form", 2)
        match.setdefault(key, []).append(value)
    return match


def which(target: str | None, site: str | None, match: list[str] | None, everything: bool) -> dict[str, Any]:
    """The words that say which checks; ends the command for two ways of saying it."""
    options = list(match or [])
    if target is not None:
        node, slash, check = target.partition("/")
        options += [f"node={node}", *([f"check={check}"] if slash else [])]
    options += [f"site={site}"] if site is not None else []
    if everything and options:
        fail("write either --all or which checks, not both", 2)
    if everything:
        return {"all_": True}
    return {"match": matching(options)} if options else {}
