"""How old what a page shows is: the age of the data, not of the page."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.messages.told import told
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.web.view import DaemonView

RHYTHMS = 3
"""The newest result may be so many times the shortest interval old."""
AT_LEAST = 10.0
"""Seconds that it may be old in any case."""


class Freshness(NamedTuple):
    """Of the newest result."""

    at: Micros | None
    """When it came; None if none came yet, or nothing is checked."""
    age: float
    """Seconds; 0 where nothing is checked."""
    limit: float
    """Seconds from which on the data count as old."""
    trouble: str
    """Why the monitor does not do its work, for people; "" while it does."""


def freshness(daemon: DaemonView) -> Freshness:
    """As of now."""
    entries = [entry for entry in daemon.engine.board.entries.values() if not entry.stopped]
    newest = max((entry.last.ended for entry in entries if entry.last), default=None)
    age = 0.0 if newest is None else max(0.0, (daemon.clock.now() - newest) / SECOND)
    shortest = min((entry.check.interval for entry in entries if entry.check.cron is None), default=None)
    limit = max(AT_LEAST, RHYTHMS * (shortest or 0.0))
    trouble = daemon.unready() or (daemon.engine.overdue if newest is not None else None) or ""
    if not trouble and shortest is not None and age > limit:
        trouble = "no check has measured anything lately"
    return Freshness(newest, age, limit, told(trouble))
