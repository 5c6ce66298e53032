"""Which incident is meant: by its id, the end of that, its node or its check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pacs_monitor.cli import client
from pacs_monitor.cli.common import fail
from pacs_monitor.cli.daemon_address import DaemonAddress
from pacs_monitor.cli.display import about

Row = Mapping[str, Any]
SHORTEST = 4
"""Characters at the end of an id that may stand for it."""
WHOLE = 26
"""Characters of an id."""


def identity(daemon: DaemonAddress, which: str, *, ended: bool = False) -> str:
    """The id of the one incident that is meant; ends the command where it is none, or several.

    An open one comes before those that have ended; those are looked for only if `ended`, by the end of their id.
    """
    if len(which) == WHOLE:
        return which.upper()  # the daemon knows whether there is one, and whether it has ended
    rows: Sequence[Row] = client.ask(daemon, lambda monitor: monitor.incidents(open_only=True, limit=None))
    meant = ending(rows, which) or [row for row in rows if _is_about(row, which)]
    if ended and not meant:
        meant = ending(client.ask(daemon, lambda monitor: monitor.incidents(limit=1000)), which)
        meant = meant or ending(client.ask(daemon, lambda monitor: monitor.declared()), which)
    if not meant:
        kind, option = ("incident", " --all") if ended else ("open incident", "")
        fail(f"no {kind} {which!r}; list them with: pacs-monitor incidents{option}", 2)
    if len(meant) > 1:
        several = "\n".join(f"  {row['id']}  {about(row)}" for row in meant)
        fail(f"name one of these incidents by its ID:\n{several}", 2)
    return str(meant[0]["id"])


def ending(rows: Sequence[Row], which: str) -> list[Row]:
    """Those whose id ends so."""
    return [row for row in rows if len(which) >= SHORTEST and row["id"].endswith(which.upper())]


def _is_about(row: Row, which: str) -> bool:
    return any(which in (member, member.partition("/")[0]) for member in row["members"]) or which == row["cause"]
