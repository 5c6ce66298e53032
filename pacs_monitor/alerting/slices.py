"""What several decisions come to, for one transaction of the record."""

from __future__ import annotations

from pacs_monitor.alerting.events import Transitioned, recorded
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.alerting.turn import Owed
from pacs_monitor.model import (
    CheckId,
    Entry,
    Incident,
    Note,
    Notification,
    Notified,
    Recorded,
    Suppressed,
    Transition,
    Unreachable,
)


class Slice:
    """Collects decisions; of what changed several times, the record gets the last."""

    def __init__(self) -> None:
        self.transitions: list[Transition] = []
        self.owed: list[Owed] = []
        self.probes: dict[CheckId, None] = {}
        self._events: list[Recorded] = []
        self._incidents: dict[str, Incident] = {}
        self._suppressed: list[Suppressed] = []
        self._notified: dict[tuple[str, str], Notified] = {}
        self._unreachable: list[Unreachable] = []
        self._notes: dict[tuple[str, str], Note] = {}

    def add(self, decided: Decided) -> None:
        """One more decision."""
        event, effects = decided.event, decided.effects
        if isinstance(event.what, Transitioned) and not event.what.on_record:
            self.transitions.append(event.what.transition)
        self._events.append(recorded(event))
        self._incidents |= effects.incidents
        self.owed += effects.owed
        self._suppressed += effects.suppressed
        self._notified |= effects.notified
        self._unreachable += effects.unreachable
        self._notes |= effects.notes
        self.probes |= effects.probes

    def entry(self, notifications: tuple[Notification, ...]) -> Entry:
        """All of it, with the notifications that were written for what is owed."""
        return Entry(
            tuple(self.transitions),
            tuple(self._incidents.values()),
            notifications,
            tuple(self._suppressed),
            tuple(self._notified.values()),
            tuple(self._events),
            tuple(self._unreachable),
            tuple(self._notes.values()),
        )
