"""One run of one check: its seat, its deadline, and whatever the probe answers or raises turned into a Result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from typing import Any

from pacs_monitor.engine.context import BACKSTOP, Backstop, RunContext
from pacs_monitor.engine.isolation import Isolation
from pacs_monitor.engine.sanitize import sanitized
from pacs_monitor.engine.seat import SharedSeats
from pacs_monitor.engine.seats import Seats
from pacs_monitor.engine.stalls import Stalls, unless_stalled
from pacs_monitor.format.human import duration
from pacs_monitor.model import (
    SECOND,
    Check,
    CheckId,
    Clock,
    DicomListener,
    Flag,
    Hl7Listener,
    LedgerError,
    Micros,
    ObjectLedger,
    Outcome,
    Reason,
    RememberingResolver,
    Resolver,
    Result,
    StandstillError,
    Status,
    TestObject,
    Tidies,
    last_day,
)
from pacs_monitor.supervision import location

log = logging.getLogger(__name__)

RUNS_AT_ONCE = 512
NO_THREAD = "the monitor had no free thread in time for this run"
MAY_NOT_RUN = "no check runs while another monitor of this name may be the leader"
MAY_NOT_WRITE = "nothing is sent or moved until the monitor's database confirms that no other monitor does the same"


class NoLedger:
    """The ledger of a runner that was given none: nothing can be stored."""

    seed = ""

    async def record(self, objects: Collection[TestObject]) -> None:
        raise LedgerError(f"{len(objects)} test objects were not sent, because there is no ledger to record them")

    async def remove(self, node: str, sop_instance: str) -> None: ...

    async def mark_missed(self, node: str, sop_instance: str, since: Micros | None) -> None: ...

    async def outstanding(self, check: CheckId) -> tuple[TestObject, ...]:  # noqa: ARG002 - the Protocol's
        return ()


class Runner:
    """Runs checks, each within its deadline and its seats; never raises but for cancellation."""

    dicom_listener: DicomListener | None = None
    hl7_listener: Hl7Listener | None = None
    zone: tzinfo = UTC

    def __init__(
        self,
        clock: Clock,
        resolver: RememberingResolver,
        ledger: ObjectLedger | None = None,
        *,
        shared: SharedSeats | None = None,
        limit: int = RUNS_AT_ONCE,
        blocking_threads: int = 32,
    ) -> None:
        self.may_write: Callable[[], bool] = lambda: True
        """Whether checks may run now that write or move objects."""
        self.may_run: Callable[[], bool] = lambda: True
        """Whether any may, said without waiting: each run asks when it has its seat, which may have taken long."""
        self.seats = Seats(resolver, shared)
        self.isolation = Isolation(clock, resolver)
        self.stalls = Stalls(clock)
        self.overdue = 0
        self._clock = clock
        self._ledger: ObjectLedger = ledger or NoLedger()
        self._limit = asyncio.Semaphore(limit)
        self._pool = ThreadPoolExecutor(blocking_threads, thread_name_prefix="probe")

    async def run_once(self, check: Check, memory: MutableMapping[str, Any]) -> Result:
        """The one way in which a check is run: by the scheduler, by `pacs-monitor probe` and by the API."""
        asked = begun = self._clock.monotonic()
        started, seated = self._clock.now(), None

        async def ask(resolver: Resolver) -> Outcome:
            nonlocal started, begun, seated
            seated = self._clock.monotonic()
            async with self._limit:
                started, begun = self._clock.now(), self._clock.monotonic()
                return await self.isolation.judge(check.node.site, await self._ask(check, memory, begun, resolver))

        outcome = await self.seats.seated(check, ask)
        ended = self._clock.monotonic()
        duration = 0.0 if Flag.INHERITED in outcome.flags else ended - begun
        return Result(check.id, check.probe.kind, outcome, started, duration, (seated or ended) - asked)

    def forbidden(self, check: Check) -> Outcome | None:
        """Why a check may not run now."""
        if not self.may_run():
            return Outcome.of(Reason.NOT_MEASURED, detail=MAY_NOT_RUN)
        if check.until is not None and self._is_over(check, check.until):
            return _expired(check, check.until, self.zone)
        if not check.allowed:
            detail = f"add '{check.id}' to monitor.allow: the check does not run without it"
            return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
        if check.probe.writes and not self.may_write():
            return Outcome.of(Reason.NOT_MEASURED, detail=MAY_NOT_WRITE)
        return None

    def _is_over(self, check: Check, until: Micros) -> bool:
        """Whether the approval has ended, or would while a run that begins now still writes or clears away."""
        longest = 2 * check.timeout + BACKSTOP if check.probe.writes else 0.0
        return self._clock.now() + round(longest * SECOND) >= until

    async def _ask(self, check: Check, memory: MutableMapping[str, Any], begun: float, resolver: Resolver) -> Outcome:
        if (refusal := self.forbidden(check)) is not None:
            return refusal
        ctx = self.context(check, memory, begun + check.timeout, resolver)
        backstop = Backstop(ctx)
        try:
            with backstop:
                outcome = sanitized(await check.probe.run(check.node, check.settings, ctx))
        except StandstillError as error:
            return Outcome.of(Reason.NOT_MEASURED, detail=str(error))
        except Exception as error:  # noqa: BLE001 - the one catch-all: a bug of a probe is ours, not the node's
            outcome = self._overrun(check, backstop) if backstop.expired else _broken(check, error)
        return outcome if outcome.reason is None else self._judged(outcome, ctx, begun, check.timeout)

    def _overrun(self, check: Check, backstop: Backstop) -> Outcome:
        """The runner had to end it."""
        self.overdue += 1
        if backstop.starved:
            return Outcome.of(Reason.NOT_MEASURED, detail=NO_THREAD, flags=(Flag.BACKSTOP,))
        return Outcome.of(Reason.TIMEOUT, detail=f"no result within {duration(check.timeout)}", flags=(Flag.BACKSTOP,))

    def _judged(self, outcome: Outcome, ctx: RunContext, begun: float, timeout: float) -> Outcome:
        """What a run saw that did not go well, unless the time that it lacked was ours."""
        waited = timeout if ctx.exhausted else 0.0
        return unless_stalled(outcome, self.stalls.within(begun) + waited, timeout)

    async def tidy(self, check: Check) -> None:
        """Let a probe clear away what an interrupted run of it has left, unless its approval has ended.

        While this process may not run what writes, it is left to the next run.
        """
        probe = check.probe
        if not isinstance(probe, Tidies):
            return

        async def tidy(resolver: Resolver) -> Outcome:
            if (refusal := self.forbidden(check)) is not None:
                return refusal
            ctx = self.context(check, {}, self._clock.monotonic() + check.timeout, resolver)
            with Backstop(ctx):
                await probe.tidy(check.node, check.settings, ctx)
            return Outcome(Status.OK)

        try:
            await self.seats.seated(check, tidy)  # an address that cannot be reached: the next run tries again
        except Exception as error:  # noqa: BLE001 - the next run tries again, and reports what stays
            log.error("check %s: clean-up raised %s at %s", check.id, type(error).__name__, location(error))

    def context(
        self, check: Check, memory: MutableMapping[str, Any], deadline: float, resolver: Resolver
    ) -> RunContext:
        """What one run of a check is given."""
        return RunContext(
            check=check.id,
            deadline=deadline,
            clock=self._clock,
            resolver=resolver,
            memory=memory,
            nodes={other.name: other for other in check.others},
            record=self._ledger,
            dicom_listener=self.dicom_listener,
            hl7_listener=self.hl7_listener,
            zone=self.zone,
            calendar=check.calendar,
            pool=self._pool,
            wait_budget=check.timeout,
        )

    def close(self) -> None:
        """Leave the pool: queued calls are dropped, running ones are not waited for."""
        self.stalls.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _broken(check: Check, error: Exception) -> Outcome:
    """A bug, or this machine ran out of something: the log has the place."""
    where = location(error)
    log.error("check %s: probe %s raised %s at %s", check.id, check.probe.kind, type(error).__name__, where)
    return Outcome.of(Reason.PROBE_ERROR, detail=f"the probe raised {type(error).__name__} at {where}")


def _expired(check: Check, until: Micros, zone: tzinfo) -> Outcome:
    """The approval to write has ended: the check does not run, and is reported as unknown, not configured."""
    ended = f"the approval by {check.enabled_by} ended on {last_day(until, zone)}"
    detail = f"renew enabled_by and its end date: {ended}"
    return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
