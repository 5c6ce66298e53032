"""What a handover consists of. Times are microseconds since the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass

from pacs_monitor.model import Acknowledgement, IncidentKind, Micros, Paging, PublicNote, Severity, State


@dataclass(frozen=True, slots=True)
class Noted:
    """What a colleague has noted."""

    at: Micros
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """One that goes on."""

    id: str
    kind: IncidentKind
    severity: Severity
    state: State
    summary: str
    next_step: str
    since: Micros
    acknowledged: Acknowledgement | None = None
    public_note: PublicNote | None = None
    impact: str = ""
    """What it means for users, as its node's configuration says."""
    notes: tuple[Noted, ...] = ()
    """For colleagues, the oldest first."""

    def overdue(self, now: Micros) -> Micros | None:
        """Since when people have been waiting for the update that a public note promised."""
        promised = None if self.public_note is None else self.public_note.next_update
        return promised if promised is not None and promised <= now else None


@dataclass(frozen=True, slots=True)
class EndedIncident:
    """One that ended since the last handover."""

    id: str
    severity: Severity
    summary: str
    since: Micros
    ended: Micros
    acknowledged: Acknowledgement | None = None
    """Who had it when it ended."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """Something that ends soon, and what follows from that."""

    at: Micros
    what: str
    """`acknowledgement`, `approval`."""
    about: str
    by: str = ""
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A maintenance window of the next day."""

    name: str
    start: Micros
    end: Micros
    covers: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Paused:
    """Checks that people have stopped."""

    what: str
    by: str
    until: Micros | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Checks without a valid result, for one reason."""

    why: str
    checks: tuple[str, ...]
    since: Micros | None
    """The earliest."""
    incident: str = ""
    """The open one about it."""


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is on call by a rota, and who is next."""

    rota: str
    people: tuple[str, ...]
    """Empty where the rota does not cover the time, and in a gap: pages go to `channels` then."""
    channels: tuple[str, ...]
    covered: bool
    until: Micros | None
    following: tuple[str, ...]
    """Those who come next; empty where that is nobody of the rota."""
    gaps: str = ""
    """Hours to come that it covers and nobody has, for people."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A channel that is owed something, or by which something was not delivered."""

    channel: str
    pending: int
    oldest: Micros | None
    failing_since: Micros | None
    reason: str = ""
    refused: tuple[str, ...] = ()
    """Summaries of what its receiver refuses while it takes others."""
    lost: tuple[str, ...] = ()
    """Summaries of what was given up or could not be sent since the last handover."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A channel that has delivered nothing for long."""

    channel: str
    last_success: Micros | None
    """None: never, as far as is on record."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the next shift has to know; in the order in which it should read it."""

    monitor: str
    time: Micros
    since: Micros
    """The last handover, or twelve hours ago: what ended since then is told."""
    paging: Paging
    open: tuple[OpenIncident, ...] = ()
    """Not acknowledged, the oldest first."""
    acknowledged: tuple[OpenIncident, ...] = ()
    """Being handled, the oldest first."""
    undelivered: tuple[Undelivered, ...] = ()
    expiring: tuple[Expiring, ...] = ()
    maintenance: tuple[Planned, ...] = ()
    pauses: tuple[Paused, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    never_worked: tuple[str, ...] = ()
    """Checks that fail and have never worked with their present settings."""
    unproven: tuple[Unproven, ...] = ()
    on_call: tuple[OnDuty, ...] = ()
    ended: tuple[EndedIncident, ...] | None = ()
    """None: the history could not be read."""

    @property
    def overdue(self) -> tuple[OpenIncident, ...]:
        """Open incidents of which users were promised news that have not come."""
        return tuple(one for one in (*self.open, *self.acknowledged) if one.overdue(self.time) is not None)
