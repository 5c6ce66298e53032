"""This process among the daemons of its name: asks the instance row, has `leadership` decide, and says what may go on.

With PostgreSQL several daemons of one name may run, and one leads. With SQLite there is one, which always leads: a
second one does not start (history.lease).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from pacs_monitor import leadership
from pacs_monitor.config import MonitorSettings
from pacs_monitor.format.human import pluralized
from pacs_monitor.history import FencedError, HistoryError, SeatLocks, Term
from pacs_monitor.leadership import Action, Role, Row, Standby, Tenure, Timings
from pacs_monitor.model import Clock, Entry
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)
T = TypeVar("T")

CUT_WITHIN = 1.0
"""Seconds until what was asked before, and is cut off or not awaited any more, has ended."""
CLAIM_WITHIN = 600.0
"""Seconds for a claim, which may have to bring the schema up to date."""


def since_boot() -> float:
    """Seconds that count while the machine is suspended too, where the platform counts them."""
    if sys.platform == "win32":
        return time.monotonic()
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


async def _nothing() -> None:
    """Nothing was handed over."""


class Instance:
    """Leads, stands by, or is fenced; lives as long as the process. To be used on one event loop."""

    def __init__(self, monitor: MonitorSettings, clock: Clock, timings: Timings | None = None) -> None:
        self.term = Term.of(monitor.database, monitor.name, clock)
        """None where there is one daemon only."""
        self.leader = "another process"
        """Who leads, for people, while this process does not."""
        self.stood_by = False
        """It has waited for its turn, so that trouble when it then leads passes too, and does not end the process."""
        self.fenced = asyncio.Event()
        self._timings = timings or Timings()
        self._tenure: Tenure | None = None
        self._bell, self._sure = asyncio.Event(), asyncio.Event()
        self._holding: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[object] | None = None
        self._owed: tuple[Entry, ...] = ()
        self._handed_over: Callable[[], Awaitable[None]] = _nothing
        self._answered = False
        """The database has answered before, so that its trouble passes and does not end the process."""

    @property
    def role(self) -> Role:
        if self.term is None:
            return Role.LEADER
        if self._tenure is None:
            return Role.STANDBY
        return Role.FENCED if self.term.fenced else self._tenure.role

    def may_run(self) -> bool:
        """Whether runs and deliveries may begin now: never while another one may lead."""
        if self.term is None:
            return True
        if self._tenure is not None:
            self._tenure = leadership.wake(self._tenure, since_boot(), self._timings)
        return self._tenure is not None and not self.term.fenced and leadership.acts(self._tenure)

    def may_write(self) -> bool:
        """Whether probes may write or move objects: not for long while the database cannot say that we still lead."""
        if self.term is None:
            return True
        return self.may_run() and self._tenure is not None and self._written_until(self._tenure)

    async def permitted(self) -> None:
        """Before each run and each delivery: returns when this process may, and never once another one leads."""
        while not self.may_run():
            self._sure.clear()
            self._bell.set()
            await self._sure.wait()

    async def obtain(self) -> bool:
        """Stand by until this process leads; whether that took a while.

        HistoryError when the database cannot be used from the first.
        """
        if self.term is None:
            return False
        waited = False
        standby, trouble = Standby(), ""
        while True:
            try:
                await self._pay(self.term)
                row = await self._look(self.term)
                standby, action = leadership.watch(standby, row, self._timings)
                if action is not Action.WAIT:
                    if await self._lead(self.term, row, held=action is Action.CLAIM_HELD):
                        return waited
                    standby = Standby()
                self._answered, self.stood_by, waited, trouble = True, True, True, ""
            except HistoryError as error:
                if not self._answered:
                    raise
                if str(error) != trouble:
                    log.warning("standby: %s", error)
                standby, trouble = Standby(), str(error)
            await asyncio.sleep(self._timings.watch)

    async def keep(self, orphaned: Callable[[], object]) -> None:
        """While it leads: look regularly, until fenced; in the place of `hold`.

        `orphaned()` is called at each look that finds that a former leader has left something. It is to begin the
        work and to return at once, because without looks another daemon takes over.
        """
        self._let_go()
        await self._look_regularly(orphaned)

    def hold(self) -> None:
        """Look regularly beside what is done before `keep`, so that no other daemon takes over meanwhile."""
        self._let_go()
        self._holding = asyncio.get_running_loop().create_task(self._look_regularly(lambda: None))

    def _let_go(self) -> None:
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None

    async def _look_regularly(self, orphaned: Callable[[], object]) -> None:
        while self.term is not None and not self.fenced.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timings.look):
                    await self._bell.wait()
            self._bell.clear()
            if await self._confirm(self.term):
                orphaned()

    def owe(self, unrecorded: Sequence[Entry], handed_over: Callable[[], Awaitable[None]]) -> None:
        """Hand these over to whoever leads, before anything else, and say so."""
        self._owed += tuple(unrecorded)
        self._handed_over = handed_over

    async def step_down(
        self, unrecorded: Sequence[Entry] = (), handed_over: Callable[[], Awaitable[None]] = _nothing
    ) -> None:
        """After it was fenced, or cannot lead, and has ended its work: hand over what it could not record, stand by."""
        if self.term is not None:
            self.owe(unrecorded, handed_over)
            await self._to_standby(self.term)
            with suppress(HistoryError):
                await self._pay(self.term)

    async def end(self) -> None:
        """In good order, when nothing of ours goes on any more."""
        self._let_go()
        if self.term is not None:
            with suppress(HistoryError):
                await self._ask(self.term.end)

    def _written_until(self, tenure: Tenure) -> bool:
        return leadership.may_write(tenure, since_boot(), self._timings)

    async def _look(self, term: Term) -> Row:
        at = since_boot()
        row, leader = await self._ask(lambda: term.look(at))
        if leader != self.leader:
            log.info("standby: %s leads", leader)
        self.leader = leader
        return row

    async def _lead(self, term: Term, row: Row, *, held: bool) -> bool:
        """Claim the term after this row's; whether it leads, because nobody has taken it meanwhile."""
        if not await self._ask(lambda: term.claim(row, held=held), CLAIM_WITHIN):
            return False
        log.info("claimed term %d", row.term + 1)
        self._tenure = leadership.claimed(row, since_boot(), self._timings)
        await self._confirm(term)
        while self._tenure.role is Role.STANDBY:
            left = self._tenure.leads_at - since_boot()
            await asyncio.sleep(min(self._timings.look, max(left, self._timings.watch)))
            await self._confirm(term)
        if self.role is Role.FENCED:
            await self._to_standby(term)
            return False
        self._answered = True
        log.info("leads: term %d", row.term + 1)
        return True

    async def _confirm(self, term: Term) -> bool:
        """One look of a leader, or of one that is to be; whether a former leader has left something."""
        at, orphans = since_boot(), False
        if self._tenure is None:
            return False
        try:
            orphans = await self._ask(term.beat)
        except FencedError as error:
            log.error("fenced: %s", error)
            self._tenure = leadership.confirm(self._tenure, since_boot(), 0, self._timings)
            self.fenced.set()
            return False
        except HistoryError as error:
            log.warning("the leader cannot read the instance row: %s", error)
            self._tenure = leadership.unanswered(self._tenure, at, since_boot(), self._timings)
            if self._tenure.unsure:
                self._bell.set()
        else:
            self._tenure = leadership.confirm(self._tenure, at, self._tenure.term, self._timings)
        if self.may_run():
            self._sure.set()
        return orphans

    async def _pay(self, term: Term) -> None:
        if self._owed:
            owed = self._owed
            await self._ask(lambda: term.hand_over(owed))
            log.info("handed over to the leader, unrecorded: %s", pluralized(len(owed), "entry", "entries"))
            self._owed = ()
            await self._handed_over()

    async def _to_standby(self, term: Term) -> None:
        self._let_go()
        self._tenure = None
        term.number, term.fenced = None, False  # also when the session cannot be closed now
        with suppress(HistoryError):
            await self._ask(term.close)
        self.fenced.clear()
        self._sure.clear()

    async def _ask(self, call: Callable[[], T], within: float | None = None) -> T:
        """In a thread, one at a time; what does not answer in time is cut off."""
        if self._asking is not None and not self._asking.done():
            await asyncio.wait([self._asking], timeout=CUT_WITHIN)
        if self._asking is None or self._asking.done():
            task = asyncio.get_running_loop().create_task(in_thread(call, "leadership"))
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # whether it is awaited or not
            self._asking = task
            done, _ = await asyncio.wait([task], timeout=self._timings.answer if within is None else within)
            if done:
                return task.result()
        if self.term is not None:
            self.term.cut()
        raise HistoryError("the database does not answer")


def shared_seats(monitor: MonitorSettings) -> SeatLocks | None:
    """Where `pacs-monitor probe` sees that a daemon runs, and what it is asking; it runs without if need be."""
    try:
        return SeatLocks(monitor.database, monitor.name)
    except HistoryError as error:
        log.error("pacs-monitor probe --direct may check an address at the same time as this daemon: %s", error)
        return None
