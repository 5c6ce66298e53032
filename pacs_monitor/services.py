"""What users call "the PACS": the state of a service, now and over time, from those of its members. Pure.

A service works while enough of its members do: it is as good as its n-th best member. Unknown stands below everything
that works and above everything that does not: it is never taken for fine, nor for an outage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Generic, NamedTuple, TypeVar

from pacs_monitor.intervals import Interval
from pacs_monitor.model import TROUBLE, Micros, State
from pacs_monitor.pieces import CLASSES, Cause, Class, Piece

BEST_FIRST = (Class.UP, Class.DEGRADED, Class.ABSENT, Class.UNKNOWN, Class.UNREACHABLE, Class.DOWN)
_RANK = {kind: rank for rank, kind in enumerate(BEST_FIRST)}
T = TypeVar("T", bound=Hashable)
_STATES = {kind: state for state, kind in CLASSES.items()} | {Class.UNREACHABLE: State.DOWN}


@dataclass(frozen=True, slots=True)
class Service:
    """It works while `need` of its members do; a member is a check (`node/check`) or another service."""

    name: str
    need: int
    members: tuple[str, ...]
    impact: str = ""

    @property
    def rule(self) -> str:
        """`all of 3`, `any of 2`, `2 of 3`."""
        count = len(self.members)
        return f"{'all' if self.need == count else 'any' if self.need == 1 else self.need} of {count}"


class Standing(NamedTuple):
    """What a check or a service is at an instant."""

    felt: Class
    """As measured, whatever was planned."""
    cause: Cause | None = None
    """Why it is unknown."""
    planned: bool = False
    """The maintenance that was planned is enough to take it down."""
    unplanned: Class = Class.UP
    """What it would be if all that was in maintenance worked."""

    @property
    def counted(self) -> Class:
        """Its class in an account of time."""
        return Class.MAINTENANCE if self.planned else self.felt


NOTHING = Standing(Class.UNKNOWN, Cause.NOT_WATCHED, unplanned=Class.UNKNOWN)
"""What is while something is not there."""


class Stretch(NamedTuple, Generic[T]):
    """A time in which it stands the same."""

    start: Micros
    end: Micros
    standing: T


Track = Sequence[Stretch[Standing]]
"""Without gaps, in order."""


def is_check(member: str) -> bool:
    """Whether a member is a check: names of services have no slash."""
    return "/" in member


def checks_of(name: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    """The checks (`node/check`) that a service rests on, directly or through other services, each once."""
    found: dict[str, None] = {}
    for member in services[name].members:
        found |= dict.fromkeys([member] if is_check(member) else checks_of(member, services))
    return tuple(found)


def state(name: str, services: Mapping[str, Service], states: Mapping[str, State]) -> State:
    """The state of a service from those of its checks; a check of which nothing is known is unknown."""
    service = services[name]
    members = [
        states.get(member, State.UNKNOWN) if is_check(member) else state(member, services, states)
        for member in service.members
    ]
    return _STATES[_nth_best(service.need, [CLASSES[member] for member in members])]


def affected(
    services: Mapping[str, Service], states: Mapping[str, State], failing: Collection[str]
) -> dict[str, State]:
    """The services that are degraded or down, and rest on one of these checks, with their states.

    One that works all the same, such as on the other of two archives, is not affected.
    """
    found: dict[str, bool] = {}

    def rests(name: str) -> bool:
        if name not in found:
            of = [member in failing if is_check(member) else rests(member) for member in services[name].members]
            found[name] = any(of) and state(name, services, states) in TROUBLE
        return found[name]

    return {name: state(name, services, states) for name in services if rests(name)}


def in_maintenance(name: str, services: Mapping[str, Service], maintained: Iterable[str]) -> bool:
    """Whether the maintenance of its checks is enough to take a service down."""
    service, these = services[name], frozenset(maintained)
    planned = [
        member in these if is_check(member) else in_maintenance(member, services, these) for member in service.members
    ]
    return _is_planned(service.need, planned)


def of_check(pieces: Iterable[Piece]) -> Track:
    """A check's time as a member has it."""
    return joined(
        (start, end, _of_piece(felt, felt_cause, kind is Class.MAINTENANCE))
        for start, end, kind, _, felt, felt_cause in pieces
    )


@cache
def _of_piece(felt: Class, cause: Cause | None, planned: bool) -> Standing:
    """The same object for the same: what is made of some of them is made once."""
    return Standing(felt, cause, planned, Class.UP if planned else felt)


def of_service(name: str, services: Mapping[str, Service], checks: Mapping[str, Track], during: Interval) -> Track:
    """A service's time from that of its checks, each of which spans `during`; one that is missing was not watched."""
    missing = (Stretch(*during, NOTHING),)
    return made_of(name, services, lambda check: checks.get(check, missing), Together(together))


def combined(need: int, members: Sequence[Track]) -> Track:
    """Of tracks over the same time, the one of which `need` must work."""
    return merged(need, members, Together(together))


class Together(Generic[T]):
    """What members come to of which some must work, worked out once for the same ones.

    Most of the time all members but one stand as they always do, and equal objects are the same object.
    """

    def __init__(self, make: Callable[[int, Sequence[T]], T]) -> None:
        self._make = make
        self._made: dict[tuple[int, ...], tuple[Sequence[T], T]] = {}
        """By their `id`; the members are kept, so that no other object gets it."""
        self._equal: dict[T, T] = {}

    def __call__(self, need: int, members: Sequence[T]) -> T:
        key = need, *map(id, members)
        found = self._made.get(key)
        if found is None:
            made = self._make(need, members)
            found = self._made[key] = tuple(members), self._equal.setdefault(made, made)
        return found[1]


def made_of(
    name: str,
    services: Mapping[str, Service],
    of: Callable[[str], Sequence[Stretch[T]]],
    made: Together[T],
) -> Sequence[Stretch[T]]:
    """A service's time from that of each check that it rests on, directly or through other services."""
    service = services[name]
    return merged(
        service.need,
        [of(member) if is_check(member) else made_of(member, services, of, made) for member in service.members],
        made,
    )


def merged(need: int, members: Sequence[Sequence[Stretch[T]]], made: Together[T]) -> Sequence[Stretch[T]]:
    """Of times in stretches, all from the same beginning to the same end, the one of which `need` must work."""
    changes = sorted((start, number, standing) for number, track in enumerate(members) for start, _, standing in track)
    if not changes:
        return ()
    end = max(track[-1].end for track in members if track)
    now: dict[int, T] = {}
    found: list[tuple[Micros, Micros, T]] = []
    untils = [at for at, _, _ in changes[1:]] + [end]
    for (at, number, standing), until in zip(changes, untils, strict=True):
        now[number] = standing
        if until > at:
            found.append((at, until, made(need, list(now.values()))))
    return joined(found)


def cut(track: Sequence[Stretch[T]], during: Interval) -> Sequence[Stretch[T]]:
    """The part of a track within a time."""
    first, last = during
    if track and track[0].start >= first and track[-1].end <= last:
        return track
    return [
        Stretch(max(start, first), min(end, last), standing)
        for start, end, standing in track
        if max(start, first) < min(end, last)
    ]


def joined(parts: Iterable[tuple[Micros, Micros, T]]) -> list[Stretch[T]]:
    """As stretches: neighbours that stand the same are one."""
    found: list[Stretch[T]] = []
    each = iter(parts)
    if (first := next(each, None)) is None:
        return found
    begin, until, now = first
    for start, end, standing in each:
        if standing is not now and standing != now:
            found.append(Stretch(begin, until, now))
            begin, now = start, standing
        until = end
    found.append(Stretch(begin, until, now))
    return found


def together(need: int, members: Sequence[Standing]) -> Standing:
    """What stands where these do, and `need` of them must work."""
    felt = _nth_best(need, [member.felt for member in members])
    causes = sorted(member.cause for member in members if member.cause is not None)
    return Standing(
        felt,
        causes[0] if felt is Class.UNKNOWN else None,
        _is_planned(need, [member.planned for member in members]),
        _nth_best(need, [member.unplanned for member in members]),
    )


def _nth_best(need: int, members: Sequence[Class]) -> Class:
    return sorted(members, key=_RANK.__getitem__)[need - 1]


def _is_planned(need: int, planned: Sequence[bool]) -> bool:
    return len(planned) - sum(planned) < need
