"""What the web needs of the daemon: a Protocol, so that the web leans on no floor above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pacs_monitor.alerting import Desk
from pacs_monitor.change_calendars import ChangeCalendars
from pacs_monitor.config import Estate
from pacs_monitor.dead_mans_switch import DeadMansSwitch
from pacs_monitor.engine.engine import Engine
from pacs_monitor.handover.timetable import Timetable
from pacs_monitor.history import History
from pacs_monitor.leadership import Role
from pacs_monitor.model import Clock
from pacs_monitor.net.connection_server import Refusals
from pacs_monitor.reports.so_far import ObjectivesSoFar
from pacs_monitor.web.audit import AuditTrail
from pacs_monitor.web.session import Sessions


class Schedule(Protocol):
    """Reports that are made by themselves."""

    def standing(self) -> list[dict[str, Any]]:
        """Each with its `name`, `next` time, when that was due which was `made` last, and the `trouble` that it has."""
        ...


class DaemonView(Protocol):
    """The running daemon, as the web sees it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def estate(self) -> Estate: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def history(self) -> History: ...
    @property
    def desk(self) -> Desk:
        """Open incidents, what was sent, what people say."""
        ...

    @property
    def refusals(self) -> Refusals: ...
    @property
    def role(self) -> Role:
        """What this daemon is among those of its name."""
        ...

    @property
    def dead_mans_switch(self) -> DeadMansSwitch: ...
    @property
    def scheduled_reports(self) -> Schedule: ...
    @property
    def change_calendars(self) -> ChangeCalendars: ...
    @property
    def objectives(self) -> ObjectivesSoFar: ...

    @property
    def timetable(self) -> Timetable:
        """When a handover was last sent."""
        ...

    @property
    def last_reload_successful(self) -> bool: ...

    @property
    def task_failures(self) -> Mapping[str, int]:
        """Faults of the monitor's own tasks since the start, by task."""
        ...

    @property
    def lookups(self) -> int:
        """Name lookups in progress."""
        ...

    def unready(self) -> str | None:
        """Why the daemon does not do its work now, for everybody to read; None when it probes and can write."""
        ...

    @property
    def audit(self) -> AuditTrail: ...
    @property
    def sessions(self) -> Sessions: ...

    @property
    def audit_lost(self) -> int:
        """Audit entries that were dropped before the syslog receiver took them, since the start."""
        ...

    def refuses_words(self) -> str | None:
        """Why nothing can be said to this daemon now, for whoever tries; None when it can."""
        ...

    async def preview(self) -> list[str]:
        """What a reload would change now; raises ConfigError when the file is bad."""
        ...

    async def reload(self, who: str) -> dict[str, Any]:
        """Read the configuration again; what changed. `who` had it read, for the record.

        Raises ConfigError or HistoryError, and changes nothing.
        """
        ...
