"""Seats: the number of our simultaneous associations to an address never exceeds its node's limit.

A seat belongs to a numeric address and a port, whatever a node calls it. Names are resolved by the run itself: until
then its seats are those of the addresses that the name had last. When the name turns out to have others, the run begins
again from their seats, before it has connected to anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from pacs_monitor.engine.pinned_resolver import MovedError, PinnedResolver
from pacs_monitor.engine.seat import Seat, SharedSeats
from pacs_monitor.model import Address, Check, CheckId, Outcome, Phase, Reason, RememberingResolver, Resolver
from pacs_monitor.net import NetFailure, canonical
from pacs_monitor.net.resolver import is_numeric


class Places(NamedTuple):
    """What a run of a check takes, as long as its names keep their addresses."""

    check: Check
    seats: tuple[Seat, ...]
    """In one order for all, so that no two runs wait for each other."""
    alone: bool
    """Its addresses are those of one host: what one of them cannot connect to, no other can."""
    names: Mapping[str, tuple[str, ...]]
    """Of its hosts those that are names, with the addresses that the seats are for."""


class Seats:
    """The seats of every address of the estate."""

    def __init__(self, resolver: RememberingResolver, shared: SharedSeats | None = None) -> None:
        self._resolver, self._shared = resolver, shared
        self._limits: dict[Address, int] = {}
        """By address as it is configured: where nodes share one, the most careful one counts."""
        self._resolved: dict[Address, tuple[str, ...]] = {}
        """The hosts behind an address as it is configured, as they were seen last."""
        self._seats: dict[Address, Seat] = {}
        self._sharing: dict[Address, set[Address]] = {}
        """By seat: the addresses as they are configured that lead to it."""
        self._left: set[Address] = set()
        """Seats that no address leads to any more, still taken."""
        self._kept: dict[CheckId, Places] = {}

    def adopt(self, checks: Iterable[Check]) -> None:
        """Fit the seats to the estate."""
        self._kept.clear()
        limits: dict[Address, int] = {}
        for check in checks:
            for address, limit in limits_of(check).items():
                limits[address] = min(limit, limits.get(address, limit))
        gone = self._limits.keys() - limits.keys()
        self._limits |= limits  # until all that go have gone, since they may share a seat
        for address in gone:
            self._update_hosts(address, ())
        self._limits = limits
        for address in limits:
            self._update_hosts(address, self._hosts(address))

    def __len__(self) -> int:
        """Addresses that have seats."""
        return len(self._seats)

    def of(self, check: Check) -> tuple[Seat, ...]:
        """The seats that a run of this check takes now."""
        return self._places(check).seats

    async def seated(self, check: Check, ask: Callable[[Resolver], Awaitable[Outcome]]) -> Outcome:
        """Take the seats of a check, have it ask by the resolver that is given, and give them back.

        The answer is that of another run where one that held the same seats could not connect meanwhile.
        """
        pinned: PinnedResolver | None = None
        while True:
            places = await self._take(check)
            if isinstance(places, Outcome):
                return places
            if places.names:
                pinned = pinned or PinnedResolver(self._resolver)
                pinned.hold(places.names)
            outcome: Outcome | None = None
            try:
                outcome = await ask(pinned or self._resolver)
            except MovedError:
                continue
            else:
                return outcome
            finally:
                _give_back(places, outcome)

    @asynccontextmanager
    async def at(self, *addresses: Address) -> AsyncIterator[None]:
        """Hold the seats of these addresses, for a conversation outside of the run of a check; raises NetFailure."""
        for address in addresses:
            with suppress(NetFailure):
                await self._resolver.resolve(address.host)
        limits = dict.fromkeys(addresses, 1)
        seats = self._seats_of(limits)
        while True:
            taken: list[Seat] = []
            try:
                for seat in seats:
                    if (outcome := await seat.take()) is not None:
                        raise NetFailure(Reason.NOT_MEASURED, Phase.CONNECT, outcome.detail)
                    taken.append(seat)
                if (now := self._seats_of(limits)) == seats:
                    yield
                    return
                seats = now  # its names have moved while it waited
            finally:
                for seat in taken:
                    seat.give_back()

    async def _take(self, check: Check) -> Places | Outcome:
        """All seats of a check, or what it inherits."""
        places = self._places(check)
        if not (places.alone or all(places.names.values())):
            await self._look_up(check, places)
        while True:
            places = self._places(check)
            taken: list[Seat] = []
            try:
                for seat in places.seats:
                    outcome = await seat.take(places.seats if places.alone else None)
                    if outcome is not None:
                        return outcome
                    taken.append(seat)
                if places is self._places(check):  # its names have not moved while it waited
                    taken.clear()
                    return places
            finally:
                for seat in taken:
                    seat.give_back()

    async def _look_up(self, check: Check, places: Places) -> None:
        """A check of several hosts takes all of their seats at once, so their addresses must be known before."""
        unknown = [host for host, addresses in places.names.items() if not addresses]
        with suppress(TimeoutError):  # the run will say so
            async with asyncio.timeout(check.timeout):
                await asyncio.gather(*map(self._resolver.resolve, unknown), return_exceptions=True)

    def _places(self, check: Check) -> Places:
        kept = self._kept.get(check.id)
        if kept is not None and kept.check is check and not self._moved(kept):
            return kept
        limits = limits_of(check)
        seats = self._seats_of(limits)
        hosts = {address.host for address in limits}
        names = {host: self._resolver.known(host) for host in hosts if not is_numeric(host)}
        places = Places(check, seats, len(limits) == 1, names)
        self._kept[check.id] = places
        return places

    def _seats_of(self, limits: Mapping[Address, int]) -> tuple[Seat, ...]:
        """The seats to which these addresses lead now; a limit counts where the estate says none."""
        for address, limit in limits.items():
            self._limits.setdefault(address, limit)
            self._update_hosts(address, self._hosts(address))
        places = {Address(host, address.port) for address in limits for host in self._resolved[address]}
        return tuple(self._seats[place] for place in sorted(places))

    def _moved(self, kept: Places) -> bool:
        """Whether its names have other addresses now, or have had: then others may sit on new seats of the old ones."""
        for seat in kept.seats:
            if self._seats.get(seat.address) is not seat:
                return True
        for host, seen in kept.names.items():
            known = self._resolver.known(host)
            if known is not seen and set(known) != set(seen):
                return True
        return False

    def _hosts(self, address: Address) -> tuple[str, ...]:
        found = self._resolver.known(address.host) or (address.host,)
        return tuple(sorted({canonical(host) for host in found}))

    def _update_hosts(self, address: Address, hosts: tuple[str, ...]) -> None:
        """An address as it is configured leads to these hosts from now on."""
        before = self._resolved.get(address, ())
        self._resolved[address] = hosts
        if not hosts:
            del self._resolved[address]
        for host in (*before, *hosts):
            place = Address(host, address.port)
            sharing = self._sharing.setdefault(place, set())
            (sharing.add if host in hosts else sharing.discard)(address)
            self._fit(place, [self._limits[other] for other in sharing])

    def _fit(self, place: Address, limits: list[int]) -> None:
        seat = self._seats.get(place)
        if not limits:
            self._left.add(place)
        elif seat is None:
            self._seats[place] = Seat(place, min(limits), self._shared)
        elif seat.limit != min(limits):
            seat.resize(min(limits))
        for left in [left for left in self._left if self._sharing[left] or self._seats[left].is_idle]:
            self._left.discard(left)
            if not self._sharing[left]:
                del self._seats[left], self._sharing[left]


def _give_back(places: Places, outcome: Outcome | None) -> None:
    for seat in places.seats:
        seat.give_back(outcome, places.seats if places.alone else None)


def limits_of(check: Check) -> dict[Address, int]:
    """Where a check opens associations, at its node and at others, and how many may be open there at once."""
    if not check.probe.uses_association:
        return {}
    limits = {Address(other.host, other.dicom.port): other.max_associations for other in check.others if other.dicom}
    own = check.probe.addresses(check.node, check.settings)
    return limits | dict.fromkeys(own, check.node.max_associations)
