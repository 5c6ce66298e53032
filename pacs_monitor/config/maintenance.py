"""The section `maintenance` of monitor.yaml as settings."""

from __future__ import annotations

from datetime import UTC
from typing import Self

from pydantic import model_validator

from pacs_monitor.config.values import Pace, Recurrence
from pacs_monitor.fields import Day, Match, Moment, Settings
from pacs_monitor.windows import Probing


class MaintenanceSettings(Settings):
    """A planned window."""

    name: str
    """What is done."""
    match: Match
    """Which checks it covers."""
    rrule: Recurrence | None = None
    """Recurrence (RFC 5545); once by default."""
    start: Moment
    """First start, in the monitor's time zone."""
    duration: Pace
    """How long."""
    probing: Probing = Probing.CONTINUE
    """`read_only` stores, sends and deletes nothing; `stop` runs no check at all."""
    by: str = ""
    """Who planned it, or the number of the change."""
    announced: Day | None = None
    """When it was announced, for contracts that count only announced windows."""
    notify: str = ""
    """The channel that is told when it begins, when it is about to end while something still fails, and when it ends;
    by default only the second is told, through the routes."""

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        if self.rrule is not None:
            from pacs_monitor import recurrence  # noqa: PLC0415 - few configurations need dateutil

            recurrence.Recurrence(self.rrule, self.start, UTC).check(self.duration)
        return self
