"""What was decided, on its way to the record and from there to the outbox."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from pacs_monitor.alerting.journal import Journal
from pacs_monitor.alerting.recorder import Recorder, Recording
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.alerting.suppress import words
from pacs_monitor.alerting.unrecorded import Unrecorded
from pacs_monitor.delivery import ChannelTrouble, Outbox
from pacs_monitor.delivery.recorder import DeliveryHistory
from pacs_monitor.history import IncidentFile
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import TEST_NOT_DELIVERED, Entry, Incident, Notification
from pacs_monitor.supervision import Supervisor


class History(Recording, DeliveryHistory, Protocol):
    """The part of the history that alerting writes."""


class Dispatch:
    """Records each entry, or keeps it until it can be recorded, and then feeds its notifications to the outbox."""

    def __init__(
        self, history: History, outbox: Outbox, journal: Journal, unrecorded: Unrecorded, supervisor: Supervisor
    ) -> None:
        self._outbox, self._journal, self._unrecorded = outbox, journal, unrecorded
        self._recorder = Recorder(history, self._recorded_late, supervisor)
        self._decided: deque[Entry] = deque()
        """Not recorded yet."""
        self._owed: deque[Notification] = deque()
        """Recorded as far as possible, not yet passed on."""
        self.suppressed: dict[str, int] = dict.fromkeys(words(), 0)
        """Notifications suppressed since the start, by reason."""

    @property
    def write_failures(self) -> int:
        """Entries that the history did not take at once, each try."""
        return self._recorder.failures

    def take_up(self, restored: Restored, situation: Situation) -> None:
        """Go on with what an earlier run has left to be delivered."""
        pending = restored.pending
        self._outbox.assume_successes(restored.last_delivered)
        for channel, (since, reason) in situation.failing.items():
            if reason != TEST_NOT_DELIVERED:
                self._outbox.assume_trouble(channel, ChannelTrouble(since, reason))
        self._outbox.feed(pending, of_a_run_before=True)
        going_on = set(situation.subjects)
        self._outbox.ended({owed.incident for owed in pending if owed.incident} - going_on)

    def add(self, entry: Entry) -> None:
        """One more entry, after those that wait."""
        if entry != Entry():
            self._decided.append(entry)
            for *_, why in _begun(entry):
                self.suppressed[why] = self.suppressed.get(why, 0) + 1

    def waiting(self) -> set[str]:
        """The ids of notifications that are still to be delivered."""
        decided = (owed for entry in self._decided for owed in entry.notifications)
        return {owed.id for owed in (*self._outbox.pending(), *self._owed, *decided)}

    def unwritten(self, identity: str, now: Incident | None) -> IncidentFile | None:
        """What may not be on record yet of an incident; `now` is the incident as it is, where it is open."""
        entries = (*self._recorder.late, *self._decided)
        changed = [incident for entry in entries for incident in entry.incidents if incident.id == identity]
        incident = changed[-1] if changed else now
        if incident is None:
            return None
        owed = tuple(n for entry in entries for n in entry.notifications if n.incident == identity)
        held = tuple(row for entry in entries for row in entry.suppressed if row.incident == identity)
        return IncidentFile(incident, owed, held)

    def is_recorded(self, event: str) -> bool:
        """Whether an event that was decided and carried out is on record."""
        return all(row.id != event for entry in (*self._recorder.late, *self._decided) for row in entry.events)

    async def carry_out(self) -> None:
        """Record and feed all that waits; what a fault interrupts is taken up by the next call."""
        self._feed()
        while self._decided:
            entry = self._decided[0]
            recorded = await self._recorder.write(entry)
            if not recorded:
                self._outbox.defer(entry.notifications)  # before anything is awaited: it may be recorded meanwhile
                await self._journal.add(entry)
            self._owed.extend(n if recorded else n.while_unrecorded() for n in entry.notifications)
            self._decided.popleft()
            self._feed()
            self._outbox.ended(incident.id for incident in entry.incidents if incident.ended is not None)

    async def stop(self) -> None:
        """Try once more to record what could not be."""
        await self._recorder.stop()
        await self._journal.stop()

    async def abandon(self) -> tuple[Entry, ...]:
        """Write nothing any more; what could not be recorded."""
        await self._journal.stop()
        return tuple(self._unrecorded.with_delivery_state(entry) for entry in await self._recorder.abandon())

    def _recorded_late(self, entry: Entry) -> None:
        self._journal.recorded(entry)
        self._unrecorded.recorded(entry.notifications)
        self._outbox.recorded(entry.notifications)

    def _feed(self) -> None:
        while self._owed:
            self._outbox.feed((self._owed[0],))
            self._owed.popleft()


def _begun(entry: Entry) -> set[tuple[str, str, str | None, int, str]]:
    """The suppressions that begin with this entry; others are on record already, and end."""
    return {
        (row.incident, row.event, row.channel, row.at, row.why)
        for row in entry.suppressed
        if row.ended in (None, row.at)
    }
