"""Seats: no more of our associations at once on an address than its node allows, whoever asks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from pacs_monitor.model import NEVER_CONNECTED, Address, Check, CheckId, Flag, Outcome


class Seat:
    """The seats of one address. Those who wait when it cannot be connected to take that outcome for their own."""

    __slots__ = ("free", "limit", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.free = limit
        self.waiting: deque[asyncio.Future[Outcome | None]] = deque()

    async def take(self) -> Outcome | None:
        """Wait for a seat: None means taken (give it back), an Outcome is inherited and nothing is held."""
        if self.free > 0 and not self.waiting:
            self.free -= 1
            return None
        turn: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result() is None:
                self.give_back(None)
            raise

    def give_back(self, outcome: Outcome | None) -> None:
        """Free the seat. `outcome` is what its holder saw."""
        self.free += 1
        if outcome is not None and outcome.reason in NEVER_CONNECTED:
            inherited = replace(outcome, flags=(*outcome.flags, Flag.INHERITED), phases={}, measurements=())
            while self.waiting:
                turn = self.waiting.popleft()
                if not turn.done():
                    turn.set_result(inherited)
        self._admit()

    def resize(self, limit: int) -> None:
        """A new limit; those who sit stay seated."""
        self.free += limit - self.limit
        self.limit = limit
        self._admit()

    def _admit(self) -> None:
        while self.free > 0 and self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                self.free -= 1
                turn.set_result(None)


class Seats:
    """The seats of every address of the estate."""

    def __init__(self) -> None:
        self._seats: dict[Address, Seat] = {}
        self._kept: dict[CheckId, tuple[Check, tuple[Seat, ...]]] = {}
        """What `of` answered, until the next estate."""

    def adopt(self, checks: Iterable[Check]) -> None:
        """Fit the seats to the estate: where nodes share an address, the most careful one counts."""
        self._kept.clear()
        limits: dict[Address, int] = {}
        for check in checks:
            for address, limit in limits_of(check).items():
                limits[address] = min(limit, limits.get(address, limit))
        for address, limit in limits.items():
            seat = self._seats.get(address)
            if seat is None:
                self._seats[address] = Seat(limit)
            else:
                seat.resize(limit)
        for address in self._seats.keys() - limits.keys():
            seat = self._seats[address]
            if seat.free == seat.limit and not seat.waiting:
                del self._seats[address]

    def of(self, check: Check) -> tuple[Seat, ...]:
        """The seats that a run of this check takes, in one order for all, so that no two runs wait for each other."""
        kept = self._kept.get(check.id)
        if kept is None or kept[0] is not check:
            wanted = sorted(limits_of(check).items())
            seats = tuple(self._seats.setdefault(address, Seat(limit)) for address, limit in wanted)
            kept = self._kept[check.id] = check, seats
        return kept[1]


def limits_of(check: Check) -> dict[Address, int]:
    """Where a check opens associations, at its node and at others, and how many may be open there at once."""
    if not check.probe.uses_association:
        return {}
    limits = {Address(other.host, other.dicom.port): other.max_associations for other in check.others if other.dicom}
    own = check.probe.addresses(check.node, check.settings)
    return limits | dict.fromkeys(own, check.node.max_associations)
