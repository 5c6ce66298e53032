"""The desk: takes transitions, has policy say who is owed what, records it, and feeds the outbox after the commit.

One consumer does this, so that what comes in while it writes is decided together. It wakes itself when policy asked for
it, on the monotonic clock, and at least every 30 s, because the wall clock may be set in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from ulid import ULID

from pacs_monitor import states
from pacs_monitor.alerting import cases, one_by_one
from pacs_monitor.alerting.cases import Case, Key
from pacs_monitor.alerting.journal import Journal
from pacs_monitor.alerting.missed import missed_transitions
from pacs_monitor.alerting.paged import Paged, paged
from pacs_monitor.alerting.policy import Dark, Decision, Due, News
from pacs_monitor.alerting.recorder import Recorder, Recording
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.unrecorded import Unrecorded, always
from pacs_monitor.backoff import Backoff
from pacs_monitor.clock import ClockWatch
from pacs_monitor.config.estate import Estate
from pacs_monitor.delivery import ChannelTrouble, Outbox, RetryPolicy
from pacs_monitor.delivery.recorder import DeliveryHistory
from pacs_monitor.history import IncidentFile
from pacs_monitor.history.restored import Restored
from pacs_monitor.messages import fallback, page
from pacs_monitor.model import (
    SECOND,
    Check,
    CheckId,
    Clock,
    DeliveryStatus,
    Entry,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Reason,
    Result,
    Standing,
    State,
    Transition,
)
from pacs_monitor.supervision import Supervisor

log = logging.getLogger(__name__)

DECISION_PACE = RetryPolicy()
LOOK_AGAIN = 30.0
"""The desk checks again after this many seconds at the latest."""
REST, LONGEST_REST = 4.0, 0.5
"""Times the duration of a decision, and seconds at most, until the next one: the probes have to wait while it lasts."""
MOST_UNDECIDED = 1000
"""Transitions kept for a decision; the latest ones are kept."""


class History(Recording, DeliveryHistory, Protocol):
    """The part of the history that alerting writes."""


class Seen(Protocol):
    """A check on the board."""

    @property
    def standing(self) -> Standing: ...
    @property
    def last(self) -> Result | None: ...
    @property
    def lapse_at(self) -> float | None:
        """When a result is overdue, on the monotonic clock."""
        ...

    @property
    def proven(self) -> bool:
        """It has worked as it is configured, so that its failures count."""
        ...


class Board(Protocol):
    """The live picture; a reload may exchange `entries`."""

    @property
    def entries(self) -> Mapping[CheckId, Seen]: ...


class Desk:
    """Decides who is notified of what, from the transition to the outbox."""

    def __init__(
        self,
        clock: Clock,
        board: Board,
        history: History,
        estate: Estate,
        watch: ClockWatch,
        *,
        supervisor: Supervisor,
        journal: Journal,
        permitted: Callable[[], Awaitable[None]] = always,
        policy: RetryPolicy = DECISION_PACE,
    ) -> None:
        self._unrecorded = Unrecorded(permitted)
        self.outbox = Outbox(clock, history, self, supervisor, policy, permit=self._unrecorded.begin)
        self._clock, self._board, self._estate, self._watch = clock, board, estate, watch
        self._recorder = Recorder(history, self._recorded_late, supervisor)
        self._supervisor, self._journal = supervisor, journal
        self._rules = Rules(estate)
        self._name = estate.monitor.name
        self._known: dict[CheckId, Check] = dict(estate.checks)
        self._cases: Mapping[Key, Case] = {}
        self._queue: list[Transition] = []
        self._failing: dict[str, ChannelTrouble] = {}
        self._dark_since: dict[CheckId, Micros] = {}
        self._started = clock.now()
        self._wake_at: Micros | None = None
        self._undecided: tuple[Transition, ...] = ()
        """Recorded, not yet decided on."""
        self._backoff = Backoff(1.0, LOOK_AGAIN)
        """Before a failed decision is retried."""
        self._deciding_took = 0.0
        self._bell = asyncio.Event()
        self._turning = asyncio.Lock()
        self._decided: deque[Entry] = deque()
        """Not recorded yet."""
        self._owed: deque[Notification] = deque()
        """Recorded as far as possible, not yet passed on."""

    @property
    def write_failures(self) -> int:
        """Entries that the history did not take at once, each try."""
        return self._recorder.failures

    def open_incidents(self) -> tuple[Incident, ...]:
        """The oldest first."""
        return tuple(case.incident for case in self._cases.values())

    def paged(self) -> tuple[Paged, ...]:
        """Every open incident with whom it was sent to, the oldest first."""
        decided = (owed for entry in self._decided for owed in entry.notifications)
        waiting = {owed.id for owed in (*self.outbox.pending(), *self._owed, *decided)}
        return tuple(paged(case, waiting) for case in self._cases.values())

    def unwritten(self, identity: str) -> IncidentFile | None:
        """What is known of an incident and may not be on record yet: the incident as it is now, what is owed for it."""
        entries = (*self._recorder.late, *self._decided)
        incidents = [incident for entry in entries for incident in entry.incidents if incident.id == identity]
        incidents = incidents or [incident for incident in self.open_incidents() if incident.id == identity]
        if not incidents:
            return None
        owed = tuple(n for entry in entries for n in entry.notifications if n.incident == identity)
        withheld = tuple(w for entry in entries for w in entry.withheld if w.incident == identity)
        return IncidentFile(incidents[-1], owed, withheld)

    async def keep(self) -> None:
        """The record is lost: keep in the journal what is open and owed, for the next run."""
        await self._journal.add(Entry(incidents=self.open_incidents(), notifications=self._owed_and_opened()))

    def _owed_and_opened(self) -> tuple[Notification, ...]:
        pending = self.outbox.pending()
        waiting = {(owed.incident, owed.channel) for owed in pending if owed.event is Event.OPENED}
        opened = (
            Notification(
                told.opened,
                channel,
                Event.OPENED,
                told.at,
                {},
                case.incident.id,
                DeliveryStatus.SHADOW if told.shadow else DeliveryStatus.DELIVERED,
            )
            for case in self._cases.values()
            for channel, told in case.told.items()
            if not told.lost and (case.incident.id, channel) not in waiting
        )
        return (*opened, *pending)

    def start(self, restored: Restored) -> None:
        """Restore open incidents and pending notifications; nothing is sent twice, and what is due is sent."""
        self._cases = {}
        for incident in restored.incidents:
            check = self._known.get(incident.members[0]) if incident.members else None
            made, withheld = restored.made.get(incident.id, ()), restored.withheld.get(incident.id, ())
            case = cases.restored(incident, made, withheld, check, self._clock.now())
            self._cases = {**self._cases, case.key: case}
            if incident.kind is IncidentKind.DELIVERY:
                self._failing[incident.cause] = ChannelTrouble(incident.since, incident.detail)
        self.outbox.adopt(self._estate.channels)
        for channel, trouble in self._failing.items():
            self.outbox.assume_trouble(channel, trouble)
        self.outbox.feed(restored.pending, of_a_run_before=True)
        going_on = {incident.id for incident in restored.incidents}
        self.outbox.ended({owed.incident for owed in restored.pending if owed.incident} - going_on)
        self._worker = self._supervisor.supervise("desk", self._work)
        self._bell.set()

    def take(self, transition: Transition) -> None:
        """Something changed; never blocks."""
        self._queue.append(transition)
        self._bell.set()

    def clock_was_set(self, step: Micros) -> None:
        """The watch says so: what waits moves along with the wall clock."""
        self._started += step
        self._cases = {key: case.shifted(step) for key, case in self._cases.items()}
        self._dark_since = {check: since + step for check, since in self._dark_since.items()}
        now = self._clock.now()
        self._queue[:] = [_shifted(transition, step, now) for transition in self._queue]
        self._undecided = tuple(_shifted(transition, step, now) for transition in self._undecided)
        if self._cases:
            self._decided.append(Entry(incidents=self.open_incidents()))
        self._bell.set()

    def reloaded(self, estate: Estate) -> None:
        """Another estate is in force: its routes count from now on, and checks that left it are withdrawn."""
        known = self._estate.channel_settings
        changed = [name for name, settings in estate.channel_settings.items() if known.get(name) != settings]
        self._estate, self._rules = estate, Rules(estate)
        self._known.update(estate.checks)
        self._failing = {name: trouble for name, trouble in self._failing.items() if name in estate.channels}
        self.outbox.adopt(estate.channels, changed)
        self._bell.set()

    async def test(self, channel: str) -> str:
        """Send a test notification; what the receiver said, or DeliveryError."""
        return await self.outbox.test(page.trial(channel, self._estate.monitor, self._clock.now()))

    async def stop(self, grace: float) -> None:
        """Decide and record what has come in; deliveries under way get `grace` seconds, the rest stays pending."""
        async with self._turning:
            self._worker.cancel()
        try:
            await self._turn()
        except Exception as error:  # noqa: BLE001 - a fault must not keep the daemon from ending
            self._supervisor.failed("desk", error)
        await self._recorder.stop()
        await self._journal.stop()
        await self.outbox.stop(grace)

    async def abandon(self) -> tuple[Entry, ...]:
        """Another daemon leads: decide, write and send nothing any more; what could not be recorded."""
        self._worker.cancel()
        await asyncio.wait({self._worker})
        await self.outbox.stop(0)
        await self._journal.stop()
        return tuple(self._unrecorded.with_delivery_state(entry) for entry in await self._recorder.abandon())

    async def _work(self) -> None:
        while True:
            await self._turn()
            await asyncio.sleep(min(REST * self._deciding_took, LONGEST_REST))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience()):
                    await self._bell.wait()

    def _patience(self) -> float:
        """Seconds until the next look."""
        if self._wake_at is None:
            return LOOK_AGAIN
        return min(LOOK_AGAIN, max(0.0, (self._wake_at - self._clock.now()) / SECOND))

    async def _turn(self) -> None:
        """Decide, record, feed; what a fault interrupts is taken up by the next turn."""
        async with self._turning:
            self._bell.clear()
            self._watch.look()
            batch, began = tuple(self._queue), self._clock.monotonic()
            entry = self._decide(batch)
            self._deciding_took = self._clock.monotonic() - began
            if entry != Entry():
                self._decided.append(entry)
            del self._queue[: len(batch)]
            await self._carry_out()

    async def _carry_out(self) -> None:
        self._feed()
        while self._decided:
            entry = self._decided[0]
            recorded = await self._recorder.write(entry)
            if not recorded:
                self.outbox.defer(entry.notifications)  # before anything is awaited: it may be recorded meanwhile
                await self._journal.add(entry)
            self._owed.extend(n if recorded else n.while_unrecorded() for n in entry.notifications)
            self._decided.popleft()
            self._feed()
            self.outbox.ended(incident.id for incident in entry.incidents if incident.ended is not None)

    def _recorded_late(self, entry: Entry) -> None:
        self._journal.recorded(entry)
        self._unrecorded.recorded(entry.notifications)
        self.outbox.recorded(entry.notifications)

    def _feed(self) -> None:
        while self._owed:
            self.outbox.feed((self._owed[0],))
            self._owed.popleft()

    def _decide(self, batch: tuple[Transition, ...]) -> Entry:
        """What this turn is to record. What cannot be decided costs nothing else, and is tried again."""
        now = self._clock.now()
        dark, untried = self._dark(now)
        heard = (*self._undecided, *batch)
        missed = missed_transitions(self._board.entries, self._cases, {transition.check for transition in heard}, now)
        news = News((*heard, *missed), dark, untried, dict(self._failing), self._supervisor.failing)
        decision, undecided, failures = one_by_one.decide(
            self._cases, news, self._rules, now, lambda: str(ULID.from_timestamp(now / SECOND))
        )
        for failure in failures:
            self._supervisor.failed("decision", failure)
        entry = Entry(batch, decision.incidents, self._notifications(decision, now), decision.withheld)
        self._cases = cases.with_ids(decision.cases, entry.notifications)
        self._wake_at, self._undecided = decision.wake_at, undecided[-MOST_UNDECIDED:]
        if failures:
            again = now + round(self._backoff.failed() * SECOND)
            self._wake_at = again if self._wake_at is None else min(again, self._wake_at)
        else:
            self._backoff.reset()
        return entry

    def _notifications(self, decision: Decision, now: Micros) -> tuple[Notification, ...]:
        if not decision.dues:
            return ()
        standings: defaultdict[str, dict[CheckId, Standing]] = defaultdict(dict)
        for check, seen in self._board.entries.items():
            standings[check.node][check] = seen.standing
        latest = {check: seen.last.outcome for check, seen in self._board.entries.items() if seen.last}
        unproven = frozenset(check for check, seen in self._board.entries.items() if not seen.proven)
        scene = page.Scene(self._name, self._estate.monitor, self._known, standings, now, latest, unproven)

        def written(number: int, due: Due) -> Notification:
            try:
                data = page.data(due.incident, due.event, scene)
            except Exception as error:  # noqa: BLE001 - whatever spoils a page, it is sent in plain words
                self._supervisor.failed("page", error)
                data = fallback.data(due.incident, due.event, self._name, self._estate.monitor.url)
            identity = str(ULID.from_timestamp(now / SECOND))
            return Notification(identity, due.channel, due.event, now + number, data, due.incident.id, due.status)

        return tuple(written(number, due) for number, due in enumerate(decision.dues))

    def _dark(self, now: Micros) -> tuple[dict[CheckId, Dark], frozenset[CheckId]]:
        """The checks that are unknown, and since when without a break; and those whose turn has not come yet.

        Not since before the monitor started, nor since a time that lies ahead, which a clock that was behind has left.
        """
        dark: dict[CheckId, Dark] = {}
        untried: set[CheckId] = set()
        monotonic = self._clock.monotonic()
        for check, seen in self._board.entries.items():
            standing = seen.standing
            if standing.state is not State.UNKNOWN:
                continue
            reason, since = standing.reason or Reason.NOT_MEASURED, min(max(standing.since, self._started), now)
            outcome = seen.last.outcome if seen.last else None
            said = outcome is not None and outcome.reason is reason
            if reason is Reason.NOT_MEASURED and not said and (seen.lapse_at is None or seen.lapse_at > monotonic):
                untried.add(check)
                continue
            detail = outcome.detail if outcome and said else ""
            dark[check] = Dark(self._dark_since.get(check, since), reason, detail)
        self._dark_since = {check: spell.since for check, spell in dark.items()}
        return dark, frozenset(untried)

    def ended(self, notification: Notification, status: DeliveryStatus) -> None:
        """The outbox says how a notification ended."""
        self._unrecorded.ended(notification, status)
        if status is DeliveryStatus.REFUSED and notification.event is Event.OPENED:
            self._lose(notification)

    def circuit_moved(self, channel: str, trouble: ChannelTrouble | None) -> None:
        """The outbox says that a channel takes nothing any more, or works again."""
        self._failing.pop(channel, None)
        if trouble is not None and channel in self._estate.channels:
            self._failing[channel] = trouble
        self._bell.set()

    def _lose(self, notification: Notification) -> None:
        """The opened of an incident cannot be sent there: nothing may follow."""
        for key, case in self._cases.items():
            told = case.told.get(notification.channel)
            if case.incident.id == notification.incident and told is not None:
                self._cases = {**self._cases, key: case.tell(notification.channel, replace(told, lost=True))}
                return


def _shifted(transition: Transition, step: Micros, now: Micros) -> Transition:
    """A transition that waits, after the wall clock was set."""
    step = states.redated(transition.noticed, step, now) - transition.noticed
    before = None if transition.last_before is None else transition.last_before + step
    return replace(transition, last_before=before, since=transition.since + step, noticed=transition.noticed + step)
