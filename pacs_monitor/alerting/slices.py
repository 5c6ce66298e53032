"""What several decisions come to, for one transaction of the record."""

from __future__ import annotations

from collections.abc import Iterable

from pacs_monitor.alerting.events import Transitioned, recorded
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.model import (
    CheckId,
    Entry,
    Incident,
    Maintained,
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
        self.notifications: list[Notification] = []
        self.probes: dict[CheckId, None] = {}
        self._events: list[Recorded] = []
        self._incidents: dict[str, Incident] = {}
        self._suppressed: list[Suppressed] = []
        self._notified: dict[tuple[str, str], Notified] = {}
        self._unreachable: list[Unreachable] = []
        self._maintained: list[Maintained] = []
        self._notes: dict[tuple[str, str], Note] = {}

    def add(self, decided: Decided, notifications: Iterable[Notification] = ()) -> None:
        """One more decision, with what was written for what it owes."""
        event, effects = decided.event, decided.effects
        if isinstance(event.what, Transitioned) and not event.what.on_record:
            self.transitions.append(event.what.transition)
        self._events.append(recorded(event))
        self._incidents |= effects.incidents
        self.notifications += notifications
        self._suppressed += effects.suppressed
        self._notified |= effects.notified
        self._unreachable += effects.unreachable
        self._maintained += effects.maintained
        self._notes |= effects.notes
        self.probes |= effects.probes

    def entry(self) -> Entry:
        """All of it."""
        return Entry(
            tuple(self.transitions),
            tuple(self._incidents.values()),
            tuple(self.notifications),
            tuple(self._suppressed),
            tuple(self._notified.values()),
            tuple(self._events),
            tuple(self._unreachable),
            tuple(self._notes.values()),
            tuple(self._maintained),
        )
