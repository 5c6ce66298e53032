"""The engine: scheduler and calendar say when, the runner asks, the board shows, transitions go to the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor import states
from pacs_monitor.engine.board import Board, BoardEntry
from pacs_monitor.engine.calendar import MISFIRE_GRACE, Calendar
from pacs_monitor.engine.restrictions import in_force
from pacs_monitor.engine.runner import Runner
from pacs_monitor.engine.scheduler import IntervalScheduler, first_after
from pacs_monitor.engine.seat import SharedSeats
from pacs_monitor.engine.upkeep import Upkeep, kept
from pacs_monitor.model import (
    AcceptsReports,
    Address,
    Check,
    CheckId,
    Clock,
    Micros,
    ObjectLedger,
    Outcome,
    Reason,
    RememberingResolver,
    Report,
    Restriction,
    Result,
    Standing,
    State,
    Tidies,
    Transition,
)
from pacs_monitor.supervision import Supervisor

ASK_EVERY = 2.0
"""Seconds from one run of a check to the next at least, however often it is asked."""
RESUMED_A_SECOND = 50
"""Checks that begin to run again in one second, when people let many go on at once."""
QUIET = 10.0
"""Seconds without the end of a run that mean nothing yet."""
NOTHING_MEASURED = frozenset({Reason.NOT_MEASURED, Reason.PROBE_ERROR})
ENDING = "the monitor is shutting down and starts no more runs"


async def _always() -> None:
    """There is nobody else who could run the checks."""


class Engine:
    """Runs the checks of an estate on one event loop."""

    def __init__(
        self,
        clock: Clock,
        resolver: RememberingResolver,
        on_transition: Callable[[Transition], None],
        *,
        ledger: ObjectLedger | None = None,
        shared: SharedSeats | None = None,
        on_result: Callable[[Result, State], None] = lambda _result, _state: None,
        look: Callable[[], None] = lambda: None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """`look` looks whether the wall clock was set, and calls `clock_was_set` if so."""
        self._supervisor = supervisor or Supervisor()
        self.permitted: Callable[[], Awaitable[None]] = _always
        """Returns when runs may begin: not while another monitor may lead."""
        self.board = Board()
        self._upkeep: dict[CheckId, Upkeep] = {}
        self.runner = Runner(clock, resolver, ledger, shared=shared)
        self._clock = clock
        self._on_transition = on_transition
        self._on_result = on_result
        self._look = look
        self._set_by: Micros = 0
        """By how much the wall clock was set since the start."""
        self._scheduler = IntervalScheduler(self._turn, self._supervisor)
        self._calendar = Calendar(self._turn, clock, self._supervisor)
        self._runs: set[asyncio.Task[Any]] = set()
        self._restrictions: Mapping[CheckId, Restriction] | None = None
        """As people have said; None until that is known."""
        self._measured: float | None = None
        """When a run last ended that had measured something, on the monotonic clock."""
        self._noted: set[CheckId] = set()
        """Checks that were told something while they did not run."""
        self._stopped = False

    def start(self) -> None:
        self._calendar.start()
        self.runner.stalls.start()

    def adopt(
        self,
        checks: Collection[Check],
        references: Mapping[str, tuple[Address, ...]],
        restored: Mapping[CheckId, Standing],
        memory: Mapping[CheckId, dict[str, Any]],
        timezone: str = "UTC",
        *,
        proven: Collection[CheckId] = (),
        site: str = "",
    ) -> None:
        """Run exactly these checks from now on; unchanged ones keep their standing and their timer.

        `site` is where we stand, if that is known.
        """
        if self._stopped:
            return
        self.board.adopt(checks, restored, self._clock.now(), proven)
        self._upkeep = kept(self._upkeep, self.board.entries.values(), memory)
        self.runner.seats.adopt(checks)
        self.runner.zone = ZoneInfo(timezone)
        self.runner.isolation.adopt(references, site)
        self._scheduler.adopt(check for check in checks if check.cron is None)
        self._calendar.adopt((check for check in checks if check.cron is not None), timezone)
        for entry in self.board.entries.values():
            if entry.lapse_at is None:
                entry.lapse_at = self._lapse_at(entry.check, self._clock.monotonic() + first_after(entry.check))
        if self._restrictions is not None:
            self.restrict(self._restrictions)

    def restrict(self, restrictions: Mapping[CheckId, Restriction]) -> None:
        """Exactly these hold from now on, at once: what is stopped ends and is unknown, what is free again runs.

        Also before `adopt`, for the checks that it brings. To be called whenever any begins, ends or changes.
        """
        self._restrictions = dict(restrictions)
        if self._stopped:
            return
        now = in_force(self._restrictions, [entry.check for entry in self.board.entries.values()])
        free = [upkeep for check, upkeep in self._upkeep.items() if self._restrict(upkeep, now.get(check))]
        for number, upkeep in enumerate(free):
            check, due = upkeep.entry.check, self._clock.monotonic() + number / RESUMED_A_SECOND
            earliest = due if upkeep.begun is None else upkeep.begun + check.retry_interval
            self._bring_forward(check, max(due, earliest))

    def _restrict(self, upkeep: Upkeep, restriction: Restriction | None) -> bool:
        """Whether a check may run again that was stopped."""
        entry, now = upkeep.entry, self._clock.now()
        check, was = entry.check, entry.standing
        entry.restriction = restriction
        if (stopped := entry.stopped) is not None:
            upkeep.break_off()
            self._supervisor.attempt("pause", check.probe.paused, check.id)
            entry.standing, transition = states.pause(was, check.id, now, stopped.text)
        else:
            entry.standing, transition = states.resume(was, check.id, now)
        if transition is not None:
            self._on_transition(transition)
        if stopped is not None or transition is None:
            return False
        self._supervisor.attempt("resume", check.probe.resumed, upkeep.memory, was.since, now)
        entry.lapse_at = self._lapse_at(check, self._clock.monotonic())
        return True

    def leave(self, checks: Collection[CheckId]) -> None:
        """Run these no more as they are, nor take in a result: the record has them elsewhere from now on."""
        for check in checks:
            if (upkeep := self._upkeep.get(check)) is not None:
                upkeep.leaving = True

    def stay(self) -> None:
        """The reload is over, however it ended: run every check as it is now."""
        for upkeep in self._upkeep.values():
            upkeep.leaving = False

    def tidy(self) -> None:
        """At the start: clear away what interrupted runs have left."""
        for upkeep in self._upkeep.values():
            if isinstance(upkeep.entry.check.probe, Tidies) and upkeep.entry.stopped is None:
                upkeep.tidying = asyncio.get_running_loop().create_task(self.runner.tidy(upkeep.entry.check))
                self._track(upkeep.tidying)

    def remembered(self, checks: Collection[CheckId]) -> dict[CheckId, dict[str, Any]]:
        """What the probes of these checks remember, for the record; checks that are no longer here are left out."""
        told, self._noted = self._noted, set()
        return {check: self._upkeep[check].memory for check in {*checks, *told} if check in self._upkeep}

    def next_due(self, check: CheckId) -> float | None:
        """Seconds until the next run of a check; None when it has none, or is stopped by people."""
        if (upkeep := self._upkeep.get(check)) is not None and upkeep.entry.stopped:
            return None
        due = self._scheduler.due(check)
        return self._calendar.seconds_to_next(check) if due is None else due - self._clock.monotonic()

    @property
    def overdue(self) -> str | None:
        """Why probing cannot be said to work, for people; None while runs end where they are due, however they end."""
        now = self._clock.monotonic()
        entries = self.board.running()
        late = [entry for entry in entries if entry.lapse_at is not None and now >= entry.lapse_at]
        if 2 * len(late) > len(entries):
            return "most checks had no result when one was due"
        if self._measured is not None and now - self._measured <= QUIET:
            return None
        checks = [entry.check for entry in entries if entry.check.cron is None]
        allowed = min((states.silence_allowed(check.interval, check.timeout) for check in checks), default=None)
        if allowed is not None and (self._measured is None or now - self._measured > max(allowed, QUIET)):
            return "no check has measured anything lately"
        return None

    async def run_now(self, check: CheckId, *, at_once: bool = False) -> Result:
        """Run a check like a scheduled run; joins a run that goes on.

        No more often than its `retry_interval`, unless `at_once`, for checks that ask nobody. Where people have stopped
        it, the result says so, and is none of the board's.
        """
        upkeep = self._upkeep[check]
        entry = upkeep.entry
        if upkeep.run is not None:
            return await self._joined(upkeep.run, entry)
        if self._stopped or entry.stopped:
            return self._not_run(entry)
        if entry.last is not None and not at_once:
            age = (self._clock.now() - entry.last.started) / 1e6
            if 0 <= age < entry.check.retry_interval:
                return entry.last
        return await self._joined(self._begin(upkeep, None), entry)

    async def _joined(self, run: asyncio.Task[Result], entry: BoardEntry) -> Result:
        """The result of a run, which goes on when whoever waits for it does not."""
        await asyncio.wait([run])
        return self._not_run(entry) if run.cancelled() else run.result()

    def _not_run(self, entry: BoardEntry) -> Result:
        if self._stopped:
            outcome = Outcome.of(Reason.NOT_MEASURED, detail=ENDING)
        else:
            stopped = entry.stopped
            outcome = Outcome.of(Reason.PAUSED, detail=stopped.text if stopped else "paused while it ran")
        return Result(entry.check.id, entry.check.probe.kind, outcome, self._clock.now(), 0.0)

    def ask(self, check: CheckId) -> None:
        """Have a check run at once in the background, also when it has just run, but not within ASK_EVERY of that.

        A run that goes on is not doubled: whoever needs a later one asks again. Its result comes by `on_result`, as all
        do; `states.leaning` of its standing on the board says then whether it is sure. Nothing happens while it may not
        run: whoever asks does not wait for ever.
        """
        upkeep = self._upkeep.get(check)
        if upkeep is None or not self._may_begin(upkeep) or upkeep.run is not None:
            return
        now = self._clock.monotonic()
        self._bring_forward(upkeep.entry.check, now if upkeep.begun is None else max(now, upkeep.begun + ASK_EVERY))

    async def report(
        self, check: CheckId, report: Report, seconds: float | None, values: Mapping[str, float] = MappingProxyType({})
    ) -> Result:
        """A job reports to its check, which runs at once; raises TypeError when its probe accepts no reports."""
        upkeep = self._upkeep[check]
        probe = upkeep.entry.check.probe
        if not isinstance(probe, AcceptsReports):
            raise TypeError(f"{check} is a check of the kind {probe.kind}")
        probe.note(upkeep.memory, report, seconds, self._clock.now(), values)
        self._noted.add(check)
        return await self.run_now(check, at_once=True)

    def sweep(self) -> None:
        """Regularly: checks whose results stopped coming become unknown; timers are looked after."""
        for transition in self.board.lapse(self._clock.monotonic(), self._clock.now()):
            self._on_transition(transition)
        self._scheduler.look_again()
        self._calendar.look_again()

    def clock_was_set(self, step: Micros) -> None:
        """The wall clock was set: back, calendar times come again and are computed afresh; the scheduler does not care.

        Set forward, a time that was jumped over by seconds is late, and is made up for. What the standings remember
        moves along, so that an outage is as long as it was.
        """
        self._set_by += step
        for entry in self.board.entries.values():
            entry.standing = states.shifted(entry.standing, step)
        if step < 0:
            self._calendar.reschedule()

    async def stop(self, grace: float) -> None:
        """Start nothing more; let runs end within `grace` seconds, then cancel them (associations are aborted).

        For good: whoever asks for a run from now on is answered at once that it was not measured.
        """
        self._stopped = True
        self._scheduler.stop()
        self._calendar.stop()
        runs = set(self._runs)
        if runs:
            _, late = await asyncio.wait(runs, timeout=grace)
            for run in late:
                run.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.runner.close()

    def _turn(self, check: CheckId, due: float | None = None) -> None:
        upkeep = self._upkeep.get(check)
        if upkeep is None or not self._may_begin(upkeep):
            return
        if upkeep.run is not None:
            self.board.skipped += 1
            return
        self._begin(upkeep, due)

    def _may_begin(self, upkeep: Upkeep) -> bool:
        return not (self._stopped or upkeep.leaving or upkeep.entry.stopped)

    def _begin(self, upkeep: Upkeep, due: float | None) -> asyncio.Task[Result]:
        run = asyncio.get_running_loop().create_task(self._run(upkeep, upkeep.entry.check, due), name="run")
        upkeep.run, upkeep.begun = run, self._clock.monotonic()
        self._track(run)
        return run

    def _track(self, run: asyncio.Task[Any]) -> None:
        self._runs.add(run)
        run.add_done_callback(self._ended)

    def _ended(self, run: asyncio.Task[Any]) -> None:
        self._runs.discard(run)
        if not run.cancelled() and (error := run.exception()) is not None:
            self._supervisor.failed("run", error)

    async def _run(self, upkeep: Upkeep, check: Check, due: float | None) -> Result:
        self.board.in_progress += 1
        this, set_by = asyncio.current_task(), self._set_by
        counts = False
        try:
            if upkeep.tidying is not None:
                await asyncio.wait([upkeep.tidying])
            await self.permitted()
            result = await self.runner.run_once(check, upkeep.memory)
        finally:
            self.board.in_progress -= 1
            if counts := upkeep.run is this:  # and was not broken off
                upkeep.run = None
        entry = upkeep.entry
        is_there = self.board.entries.get(check.id) is entry and entry.check == check
        is_current = counts and is_there and not upkeep.leaving
        if result.outcome.reason not in NOTHING_MEASURED:
            self._measured = self._clock.monotonic()
        if is_current:  # no reload has changed it meanwhile
            self._look()
            if self._set_by != set_by:
                started = states.redated(result.started, self._set_by - set_by, self._clock.now())
                result = replace(result, started=started)
            self._accept(entry, result, due)
        return result

    def _accept(self, entry: BoardEntry, result: Result, due: float | None) -> None:
        now = self._clock.monotonic()
        began = now - result.duration
        if due is not None:
            self.board.lag.observe(max(0.0, began - due - result.waited))
        self.board.waits.observe(result.waited)
        transition = self.board.accept(result)
        if transition:
            self._on_transition(transition)  # before anything that may fail
        entry.lapse_at = self._lapse_at(entry.check, now)
        if states.hurried(entry.standing):
            self._bring_forward(entry.check, max(now, began + entry.check.retry_interval))
        self._on_result(result, entry.standing.state)

    def _bring_forward(self, check: Check, due: float) -> None:
        (self._scheduler if check.cron is None else self._calendar).bring_forward(check.id, due)

    def _lapse_at(self, check: Check, now: float) -> float:
        if check.cron is None:
            return now + states.silence_allowed(check.interval, check.timeout)
        following = self._calendar.seconds_to_next(check.id) or 0.0
        return now + following + MISFIRE_GRACE + check.timeout
