"""The seats of one address, and the queue before them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from time import monotonic
from typing import Protocol

from pacs_monitor.model import NEVER_CONNECTED, Address, Flag, Outcome, Reason

LOOKS_EVERY = 0.05
LENT_AT_MOST = 60.0
"""Seconds between two looks whether another process has left, and until the run gives up."""

Party = tuple["Seat", ...] | None
"""The seats that one run takes together; None when what it cannot connect to says nothing about others."""


class SharedSeats(Protocol):
    """The seats that other processes of this machine see: `pacs-monitor probe --direct` beside the daemon."""

    def take(self, address: Address) -> bool:
        """Whether the address is this process's now."""
        ...

    def give_back(self, address: Address) -> None: ...


class Seat:
    """The seats of one address. Those who wait when it cannot be connected to take that outcome for their own."""

    __slots__ = ("_is_ours", "_shared", "address", "free", "limit", "waiting")

    def __init__(self, address: Address, limit: int, shared: SharedSeats | None = None) -> None:
        self.address = address
        self.free = limit
        self.limit = limit
        self.waiting: deque[tuple[asyncio.Future[Outcome | None], Party]] = deque()
        self._shared = shared
        self._is_ours = False

    @property
    def is_idle(self) -> bool:
        return self.free == self.limit and not self.waiting

    async def take(self, party: Party = None) -> Outcome | None:
        """Wait for a seat: None means taken (give it back), an Outcome is inherited and nothing is held."""
        if self.free > 0 and not self.waiting:
            self.free -= 1
        elif (inherited := await self._turn(party)) is not None:
            return inherited
        if self._shared is None or self._is_ours:
            return None
        return await self._claim(self._shared)

    async def _turn(self, party: Party) -> Outcome | None:
        turn: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self.waiting.append((turn, party))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result() is None:
                self.give_back()
            raise

    async def _claim(self, shared: SharedSeats) -> Outcome | None:
        """Have the address for this process, too."""
        ends = monotonic() + LENT_AT_MOST
        try:
            while not self._is_ours:
                if shared.take(self.address):
                    self._is_ours = True
                elif monotonic() < ends:
                    await asyncio.sleep(LOOKS_EVERY)
                else:
                    self.give_back()
                    detail = f"another pacs-monitor process on this machine kept {self.address} busy until the deadline"
                    return Outcome.of(Reason.NOT_MEASURED, detail=detail)
        except BaseException:
            self.give_back()
            raise
        return None

    def give_back(self, outcome: Outcome | None = None, party: Party = None) -> None:
        """Free the seat. `outcome` is what its holder saw."""
        self.free += 1
        if self._is_ours and self._shared is not None and self.free == self.limit:
            self._is_ours = False
            self._shared.give_back(self.address)
        if outcome is not None and outcome.reason in NEVER_CONNECTED and party is not None:
            self._inherit(outcome, party)
        self._admit()

    def resize(self, limit: int) -> None:
        """A new limit; those who sit stay seated."""
        self.free += limit - self.limit
        self.limit = limit
        self._admit()

    def _inherit(self, outcome: Outcome, party: Party) -> None:
        """Whoever waits for the very same seats would see the same."""
        inherited = replace(outcome, flags=(*outcome.flags, Flag.INHERITED), phases={}, measurements=())
        staying = []
        for turn, waiting in self.waiting:
            if waiting != party:
                staying.append((turn, waiting))
            elif not turn.done():
                turn.set_result(inherited)
        self.waiting = deque(staying)

    def _admit(self) -> None:
        while self.free > 0 and self.waiting:
            turn, _ = self.waiting.popleft()
            if not turn.done():
                self.free -= 1
                turn.set_result(None)
