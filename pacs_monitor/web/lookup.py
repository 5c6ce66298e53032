"""The entries of the board that a request names, or a 404 that says what there is."""

from __future__ import annotations

from fastapi import HTTPException

from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.model import CheckId
from pacs_monitor.web.view import DaemonView


def entries_of(daemon: DaemonView, node: str) -> list[BoardEntry]:
    """Those of a node's checks."""
    entries = [entry for entry in daemon.engine.board.entries.values() if entry.check.id.node == node]
    if not entries:
        raise HTTPException(404, f"no node {node!r} with checks; GET /api/v1/status lists them")
    return entries


def entry_of(daemon: DaemonView, node: str, check: str) -> BoardEntry:
    """That of one check."""
    entry = daemon.engine.board.entries.get(CheckId(node, check))
    if entry is None:
        names = ", ".join(entry.check.id.check for entry in entries_of(daemon, node))
        raise HTTPException(404, f"node {node!r} has no check {check!r}; it has: {names}")
    return entry
