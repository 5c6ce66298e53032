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
LOOKS_EVERY = 1.0
"""Seconds."""


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


class _Looked(NamedTuple):
    """What all checks have to be looked through for."""

    newest: Micros | None
    shortest: float | None
    """Seconds of the shortest interval."""
    overdue: str | None


class Freshest:
    """For whoever asks with every request: all checks are looked through once a second at most.

    An age is then up to a second too high, and never too low.
    """

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._looked: _Looked | None = None
        self._until = 0.0

    def now(self) -> Freshness:
        """As of now."""
        now = self._daemon.clock.monotonic()
        if self._looked is None or now >= self._until:
            self._looked, self._until = _look(self._daemon), now + LOOKS_EVERY
        return _told(self._daemon, self._looked)


def freshness(daemon: DaemonView) -> Freshness:
    """As of now."""
    return _told(daemon, _look(daemon))


def _look(daemon: DaemonView) -> _Looked:
    entries = daemon.engine.board.running()
    lasts = [entry.last for entry in entries if entry.last is not None]
    newest = max([last.ended for last in lasts], default=None)
    shortest = min([entry.check.interval for entry in entries if entry.check.cron is None], default=None)
    return _Looked(newest, shortest, daemon.engine.overdue)


def _told(daemon: DaemonView, looked: _Looked) -> Freshness:
    newest, shortest, overdue = looked
    age = 0.0 if newest is None else max(0.0, (daemon.clock.now() - newest) / SECOND)
    limit = max(AT_LEAST, RHYTHMS * (shortest or 0.0))
    trouble = daemon.unready() or (overdue if newest is not None else None) or ""
    if not trouble and shortest is not None and age > limit:
        trouble = "no check has measured anything lately"
    return Freshness(newest, age, limit, told(trouble))
