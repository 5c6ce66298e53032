"""The desk: has every event decided in order of time, records it with its effects, and feeds the outbox after that.

One consumer does this. It decides for `pace.SLICE` at most, so that the probes go on in between. What it has decided by
the end of its turn, or by `pace.COMMIT_AFTER`, is one transaction. It wakes itself when something falls due, on the
monotonic clock, and looks again at least every 30 s; when the wall clock was set, what was due in a minute still is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from pacs_monitor import states
from pacs_monitor.alerting.dispatch import Dispatch, History
from pacs_monitor.alerting.events import (
    ClockSet,
    Happening,
    Measured,
    Reloaded,
    SiteCut,
    SiteReached,
    Transitioned,
    event_id,
)
from pacs_monitor.alerting.hearing import Hearing, settled
from pacs_monitor.alerting.inbox import Inbox
from pacs_monitor.alerting.journal import Journal, open_and_owed
from pacs_monitor.alerting.latest import LatestChanges
from pacs_monitor.alerting.lookout import Lookout
from pacs_monitor.alerting.observer import Board
from pacs_monitor.alerting.pace import Pace, patience
from pacs_monitor.alerting.paged import Paged, paged
from pacs_monitor.alerting.pages import Pages
from pacs_monitor.alerting.plans import Plans
from pacs_monitor.alerting.restart import situation_of
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.slices import Slice
from pacs_monitor.alerting.spoken import Spoken
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.alerting.trials import Trials
from pacs_monitor.alerting.unrecorded import Unrecorded, always
from pacs_monitor.alerting.words import Verdict, Word
from pacs_monitor.clock import ClockWatch
from pacs_monitor.config.estate import Estate
from pacs_monitor.delivery import Outbox, RetryPolicy
from pacs_monitor.delivery.trying import Tried
from pacs_monitor.history import IncidentFile
from pacs_monitor.history.restored import Restored
from pacs_monitor.messages.trial import Shape
from pacs_monitor.model import (
    Check,
    CheckId,
    Clock,
    Entry,
    Incident,
    Micros,
    Transition,
)
from pacs_monitor.supervision import Supervisor

DECISION_PACE = RetryPolicy()


class Desk:
    """Decides who is notified of what, from the event to the outbox."""

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
        ask: Callable[[CheckId], None] = lambda _check: None,
    ) -> None:
        """`ask` has a check run at once; `measured` is to be called with its results."""
        self._unrecorded = Unrecorded(permitted)
        hearing = Hearing(lambda: self._timeline.situation, self.happened, self._unrecorded)
        self.outbox = Outbox(clock, history, hearing, supervisor, policy, permit=self._unrecorded.begin)
        self._clock, self._board, self._estate, self._watch, self._ask = clock, board, estate, watch, ask
        self.dispatch = Dispatch(history, self.outbox, journal, self._unrecorded, supervisor)
        self._supervisor, self._journal = supervisor, journal
        self.latest = LatestChanges()
        self._pages = Pages(estate.monitor.name, board, supervisor, self.latest)
        self._known: dict[CheckId, Check] = dict(estate.checks)
        self._timeline = Timeline(Rules(estate), event_id)
        self.plans = Plans(self._timeline, clock, supervisor)
        self._trials = Trials(self.outbox, clock, self.owe)
        self._inbox = Inbox()
        self._spoken = Spoken()
        self._slice = Slice()
        """Decided, and not yet one transaction."""
        self._lookout = Lookout(board, clock, supervisor)
        self._pace = Pace(clock)
        self._turned = asyncio.Event()
        self._bell = asyncio.Event()
        self._turning = asyncio.Lock()

    def open_incidents(self) -> tuple[Incident, ...]:
        """The oldest first."""
        return tuple(subject.incident for subject in self._subjects())

    def paged(self) -> tuple[Paged, ...]:
        """Every open incident with whom it was sent to, the oldest first."""
        waiting = self.dispatch.waiting() | {owed.id for owed in self._slice.notifications}
        return tuple(paged(subject, waiting) for subject in self._subjects())

    def _subjects(self) -> list[Subject]:
        return sorted(self._timeline.situation.subjects.values(), key=Subject.age)

    def unwritten(self, identity: str) -> IncidentFile | None:
        """What is known of an incident and may not be on record yet: the incident as it is now, what is owed for it."""
        subject = self._timeline.situation.subjects.get(identity)
        return self.dispatch.unwritten(identity, None if subject is None else subject.incident)

    async def keep(self) -> None:
        """The record is lost: keep in the journal what is open and owed, for the next run."""
        await self._journal.add(open_and_owed(self._subjects(), self.outbox.pending()))

    def start(self, restored: Restored, off_since: Micros | None = None) -> None:
        """Restore open incidents and pending notifications; nothing is sent twice, and what is due is sent."""
        self._lookout.off_since = off_since
        self._timeline.situation = situation = situation_of(restored, self._known, self._clock.now())
        self.outbox.adopt(self._estate.channels, (), self._estate.late_after)
        self.dispatch.take_up(restored, situation)
        for what in settled(situation, restored.pending):
            self.happened(what)
        self._worker = self._supervisor.supervise("desk", self._work)
        self._bell.set()

    def take(self, transition: Transition) -> None:
        """Something changed; never blocks."""
        self._inbox.put(transition.noticed, Transitioned(transition))
        self._bell.set()

    def site_cut(self, site: str, since: Micros, cut: bool) -> None:
        """A site cannot be reached from ours since then, or can again (Isolation.on_cut)."""
        self.happened(SiteCut(site, since) if cut else SiteReached(site))

    def measured(self, check: CheckId) -> None:
        """A check has a new result; for every one of them, so it costs next to nothing unless it was asked for."""
        asked = self._timeline.situation.asked.get(check)
        seen = None if asked is None else self._board.entries.get(check)
        if asked is None or seen is None:
            return
        if seen.last is not None and seen.last.started < asked.since:
            self._ask(check)
            return
        self.happened(Measured(check, states.leaning(seen.standing) is not None))

    def clock_was_set(self, step: Micros) -> None:
        """The watch says so: what waits moves along with the wall clock."""
        self._lookout.clock_was_set(step)
        now = self._clock.now()
        self._inbox.clock_set(step, now)
        self._sort(self._timeline.clock_set(now, ClockSet(step)))
        self._bell.set()

    def reloaded(self, estate: Estate) -> None:
        """Another estate is in force: its routes count from now on, and checks that left it are withdrawn."""
        self.latest.reloaded(self._estate, estate, self._clock.now())
        known, self._estate = self._estate.channel_settings, estate
        changed = [name for name, settings in estate.channel_settings.items() if known.get(name) != settings]
        self._known.update(estate.checks)
        self.happened(Reloaded(estate.revision))
        self.outbox.adopt(estate.channels, changed, estate.late_after)

    async def say(self, word: Word) -> Verdict:
        """Somebody says something: what became of it, once it is on record; raises NotDecidedError."""
        verdict = self._spoken.wait(word)
        self.happened(word)
        return await verdict

    async def test(self, channel: str, shape: Shape | None = None, open_for: float | None = None) -> Tried:
        """Try a channel of the configuration; what became of it."""
        return await self._trials.run(channel, self._estate.channels[channel], self._estate.monitor, shape, open_for)

    def owe(self, entry: Entry) -> None:
        """Record what alerting has not decided, and then send it."""
        self.dispatch.add(entry)
        self._bell.set()

    async def stop(self, grace: float) -> None:
        """Decide and record what has come in; deliveries under way get `grace` seconds, the rest stays pending."""
        await self._trials.stop(grace)
        async with self._turning:
            self._worker.cancel()
        try:
            await self._turn()
        except Exception as error:  # noqa: BLE001 - a fault must not keep the daemon from ending
            self._supervisor.failed("desk", error)
        self._spoken.end()
        await self.dispatch.stop()
        await self.outbox.stop(grace)

    async def abandon(self) -> tuple[Entry, ...]:
        """Another daemon leads: decide, write and send nothing any more; what could not be recorded."""
        self._worker.cancel()
        await asyncio.wait({self._worker})
        self._trials.abandon()
        self._spoken.end()
        await self.outbox.stop(0)
        return await self.dispatch.abandon()

    async def _work(self) -> None:
        while True:
            await self._turn()
            await asyncio.sleep(self._pace.rest)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience((self._timeline.wake_at, self._inbox.retry_at), self._clock.now())):
                    await self._bell.wait()

    async def prove(self) -> None:
        """Returns once a turn has come to its end since this was asked; never while none does."""
        self._turned.clear()
        self._bell.set()
        await self._turned.wait()

    async def _turn(self) -> None:
        """Decide, record, feed; what a fault interrupts is taken up by the next turn."""
        async with self._turning:
            self._bell.clear()
            self._watch.look()
            self._lookout.look(self._inbox, self._timeline.situation)
            work, self._pace, going_on = self._decide_all(), Pace(self._clock), True
            while going_on:
                going_on = False
                self._pace.go_on()
                for decided in work:
                    self._sort(decided)
                    if going_on := self._pace.is_slice_over:
                        break
                if self._pace.is_to_commit() or not going_on:
                    self._finish()
                    await self.dispatch.carry_out()
                    self._spoken.written(self.dispatch.is_recorded)
                await asyncio.sleep(0)
            self._turned.set()

    def _decide_all(self) -> Iterator[Decided]:
        """One decision after the other, until nothing is left to decide now."""
        self._timeline.postpone(self._inbox.oldest(self._clock.now()))
        for at, what in self._inbox.each():
            if isinstance(what, Reloaded):
                self._timeline.rules = Rules(self._estate)
            yield from self._timeline.happen(at, what)
        yield from self._timeline.pass_until(self._clock.now())

    def _sort(self, decided: Decided) -> None:
        was_said = self._spoken.decided(decided)
        if decided.effects.refusal is not None:
            return
        if decided.failure is None:
            try:
                self._add(decided)
            except Exception as error:  # noqa: BLE001 - it is decided once: a passing fault must not lose its pages
                self._supervisor.failed("desk", error)
                self._add(decided)
            self._inbox.decided()
            return
        self._supervisor.failed("decision", decided.failure)
        if was_said:
            return
        what = decided.event.what
        if isinstance(what, Transitioned) and not what.on_record:
            self._slice.transitions.append(what.transition)
            what = replace(what, on_record=True)
        self._inbox.failed(what, self._clock.now())

    def _add(self, decided: Decided) -> None:
        now = self._clock.now()
        self.latest.maintained(decided.effects.maintained)
        written = self._pages.written(decided.effects, self._estate, self._known, now)
        noticed = self._pages.noticed(decided.effects.notices, self._estate, now)
        self._slice.add(decided, (*written, *noticed))

    def _finish(self) -> None:
        self.plans.look()
        slice_ = self._slice
        self.dispatch.add(slice_.entry())
        self._slice = Slice()
        for check in slice_.probes:
            self._ask(check)

    def happened(self, what: Happening) -> None:
        """Something that alerting is to decide on, just now."""
        self._inbox.put(self._clock.now(), what)
        self._bell.set()
