"""What the web needs of the daemon: a Protocol, so that the web leans on no floor above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pacs_monitor.alerting.paged import Paged
from pacs_monitor.alerting.words import Verdict, Word
from pacs_monitor.config import Estate
from pacs_monitor.delivery import ChannelHealth
from pacs_monitor.engine.engine import Engine
from pacs_monitor.history import History, IncidentFile
from pacs_monitor.leadership import Role
from pacs_monitor.model import Clock, Incident
from pacs_monitor.net.connection_server import Refusals


class Deliveries(Protocol):
    """The outbox's own health."""

    @property
    def delivered(self) -> Mapping[str, int]:
        """Notifications delivered since the start, per channel."""
        ...

    @property
    def failures(self) -> Mapping[tuple[str, str], int]:
        """Attempts that failed since the start, per channel and reason."""
        ...

    def health(self) -> Mapping[str, ChannelHealth]:
        """How each channel fares."""
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
    def deliveries(self) -> Deliveries: ...
    @property
    def suppressed(self) -> Mapping[str, int]:
        """Notifications suppressed since the start, for each reason that there is."""
        ...

    @property
    def refusals(self) -> Refusals: ...
    @property
    def role(self) -> Role:
        """What this daemon is among those of its name."""
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

    def open_incidents(self) -> tuple[Incident, ...]: ...

    def paged(self) -> tuple[Paged, ...]:
        """Every open incident with whom it was sent to, the oldest first."""
        ...

    def unwritten(self, identity: str) -> IncidentFile | None:
        """What is known of an incident, open or still to be recorded, that may not be on record yet."""
        ...

    def unready(self) -> str | None:
        """Why the daemon does not do its work now, for everybody to read; None when it probes and can write."""
        ...

    async def test_channel(self, channel: str) -> str:
        """Send a test notification now; what the receiver said, or DeliveryError."""
        ...

    async def say(self, word: Word) -> Verdict:
        """Somebody says something: what became of it, once it is on record; raises NotDecidedError."""
        ...

    async def preview(self) -> list[str]:
        """What a reload would change now; raises ConfigError when the file is bad."""
        ...

    async def reload(self, who: str) -> dict[str, Any]:
        """Read the configuration again; what changed. `who` had it read, for the record.

        Raises ConfigError or HistoryError, and changes nothing.
        """
        ...
