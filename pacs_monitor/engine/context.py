"""What a probe is given for one run, and the time of the run that it spent in waiting for us.

A deadline is the node's: it does not come nearer while a run waits for our own record or for a thread of our own. Such
waiting is measured where it happens, so that a run that never waits for us pays nothing; all of it together adds at
most the check's own timeout to a run. Who waits longer for us has not measured anything (`not_measured`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, TypeVar

from pacs_monitor.format.human import duration
from pacs_monitor.model import (
    CheckId,
    Clock,
    DicomListener,
    Hl7Listener,
    LedgerError,
    Micros,
    Node,
    ObjectLedger,
    OpeningHours,
    Resolver,
    StandstillError,
    TestObject,
)
from pacs_monitor.net import Deadline

T = TypeVar("T")

BACKSTOP = 1.0
"""Seconds after a probe's deadline until the runner ends the run itself; its use is counted."""


class _Wait:
    """One wait for us."""

    __slots__ = ("began", "ended")

    def __init__(self, began: float) -> None:
        self.began = began
        self.ended: float | None = None


@dataclass(slots=True)
class RunContext:
    """What a probe is given for one run (model.ProbeContext)."""

    check: CheckId
    deadline: float
    """When the run must be over; it moves on with the time that was spent in waiting for us."""
    clock: Clock
    resolver: Resolver
    memory: MutableMapping[str, Any]
    nodes: Mapping[str, Node]
    record: ObjectLedger
    """The ledger itself; a probe is given one that knows how long it waits."""
    dicom_listener: DicomListener | None
    hl7_listener: Hl7Listener | None
    zone: tzinfo
    calendar: OpeningHours | None
    pool: ThreadPoolExecutor
    wait_budget: float
    """Seconds that may still be spent in waiting for us without bringing the deadline nearer."""
    _waits: set[_Wait] = field(default_factory=set)
    """What the run waits for now."""
    _counted: float = 0.0
    """Until when the time spent in waiting for us is counted: waits that overlap count once."""
    _ledger: _TimedLedger | None = None

    @property
    def ledger(self) -> ObjectLedger:
        """Our record of test objects."""
        if self._ledger is None:
            self._ledger = _TimedLedger(self)
        return self._ledger

    @property
    def starved(self) -> bool:
        """Whether the run waits for us now."""
        return any(wait.ended is None for wait in self._waits)

    @property
    def exhausted(self) -> bool:
        """Whether the run has waited for us for as long as its deadline could be moved."""
        return self.wait_budget <= 0

    def blocking(self, call: Callable[[], T], *, meanwhile: bool = False) -> Awaitable[T]:
        """Run a blocking call in the bounded pool; unless the run goes on `meanwhile`, it waits for a free thread."""
        wait = _Wait(self.clock.monotonic())

        def begin() -> T:
            wait.ended = self.clock.monotonic()
            return call()

        running = asyncio.get_running_loop().run_in_executor(self.pool, begin)
        if not meanwhile:
            self._waits.add(wait)
            running.add_done_callback(lambda _: self._over(wait))
        return running

    async def ours(self, answer: Awaitable[T], what: str = "the monitor itself") -> T:
        """Wait for ourselves; raises StandstillError when that takes longer than the run may be made to last."""
        wait = _Wait(self.clock.monotonic())
        self._waits.add(wait)
        bound = asyncio.timeout(max(self.wait_budget, self.deadline - wait.began, 0.0))
        try:
            async with bound:
                return await answer
        except TimeoutError:
            if not bound.expired():
                raise
            waited = duration(self.clock.monotonic() - wait.began)
            raise StandstillError(f"{what} did not respond for {waited}") from None
        finally:
            wait.ended = self.clock.monotonic()
            self._over(wait)

    def due(self) -> float:
        """The deadline, once it has moved on with whatever the run waits for now."""
        now = self.clock.monotonic()
        for wait in self._waits:
            self._add(wait.began, now if wait.ended is None else wait.ended)
        return self.deadline

    def _over(self, wait: _Wait) -> None:
        self._waits.discard(wait)
        if wait.ended is not None:
            self._add(wait.began, wait.ended)

    def _add(self, began: float, ended: float) -> None:
        """Time that was spent in waiting for us."""
        spent = min(ended - max(began, self._counted), self.wait_budget)
        if spent > 0:
            self._counted = ended
            self.wait_budget -= spent
            self.deadline += spent


class _TimedLedger:
    """The ledger, as one run waits for it; where it once did not answer, the rest of the run does without."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx, self._ledger = ctx, ctx.record
        self._standstill: LedgerError | None = None

    @property
    def seed(self) -> str:
        return self._ledger.seed

    async def record(self, objects: Collection[TestObject]) -> None:
        await self._await(lambda: self._ledger.record(objects))

    async def remove(self, node: str, sop_instance: str) -> None:
        await self._await(lambda: self._ledger.remove(node, sop_instance))

    async def mark_missed(self, node: str, sop_instance: str, since: Micros | None) -> None:
        await self._await(lambda: self._ledger.mark_missed(node, sop_instance, since))

    async def outstanding(self, check: CheckId) -> tuple[TestObject, ...]:
        return await self._await(lambda: self._ledger.outstanding(check))

    async def _await(self, ask: Callable[[], Awaitable[T]]) -> T:
        if self._standstill is not None:
            raise LedgerError(str(self._standstill))
        try:
            return await self._ctx.ours(ask(), "the monitor's own history database")
        except StandstillError as error:
            self._standstill = LedgerError(str(error))
            raise self._standstill from None


class Backstop(Deadline):
    """Ends what overruns the run's deadline, wherever that has moved to: a TimeoutError then, and it has `expired`."""

    __slots__ = ("_ctx", "starved")

    def __init__(self, ctx: RunContext) -> None:
        super().__init__(ctx.deadline + BACKSTOP)
        self._ctx = ctx
        self.starved = False
        """It ended the run while that waited for us."""

    def _look(self) -> None:
        end = self._ctx.due() + BACKSTOP
        if end > self._loop.time():
            self._timer = self._loop.call_at(end, self._look)
        else:
            self.starved = self._ctx.starved
            super()._look()
