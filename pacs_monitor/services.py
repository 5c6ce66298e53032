"""What users call "the PACS": the state of a service, now and over time, from those of its members. Pure.

A service works while enough of its members do: it is as good as its n-th best member. Unknown stands below everything
that works and above everything that does not: it is never taken for fine, nor for an outage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from pacs_monitor.intervals import Interval
from pacs_monitor.model import TROUBLE, Micros, State
from pacs_monitor.pieces import CLASSES, Cause, Class, Piece

BEST_FIRST = (Class.UP, Class.DEGRADED, Class.ABSENT, Class.UNKNOWN, Class.UNREACHABLE, Class.DOWN)
_RANK = {kind: rank for rank, kind in enumerate(BEST_FIRST)}
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


class Stretch(NamedTuple):
    """A time in which it stands the same."""

    start: Micros
    end: Micros
    standing: Standing


Track = Sequence[Stretch]
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
    return _joined(
        Stretch(
            piece.start,
            piece.end,
            _of_piece(piece.felt, piece.felt_cause, piece.kind is Class.MAINTENANCE),
        )
        for piece in pieces
    )


@cache
def _of_piece(felt: Class, cause: Cause | None, planned: bool) -> Standing:
    """The same object for the same: what is made of some of them is made once."""
    return Standing(felt, cause, planned, Class.UP if planned else felt)


def of_service(name: str, services: Mapping[str, Service], checks: Mapping[str, Track], during: Interval) -> Track:
    """A service's time from that of its checks, each of which spans `during`; one that is missing was not watched."""
    service = services[name]
    missing = (Stretch(*during, NOTHING),)
    return combined(
        service.need,
        [
            checks.get(member, missing) if is_check(member) else of_service(member, services, checks, during)
            for member in service.members
        ],
    )


def combined(need: int, members: Sequence[Track]) -> Track:
    """Of tracks over the same time, the one of which `need` must work."""
    changes = sorted((stretch.start, number, stretch) for number, track in enumerate(members) for stretch in track)
    if not changes:
        return ()
    end = max(stretch.end for _, _, stretch in changes)
    now: dict[int, Standing] = {}
    made: dict[tuple[int, ...], Standing] = {}
    found: list[Stretch] = []
    for place, (at, number, stretch) in enumerate(changes):
        now[number] = stretch.standing
        until = changes[place + 1][0] if place + 1 < len(changes) else end
        if until > at:
            these = tuple(map(id, now.values()))
            standing = made.get(these)
            if standing is None:
                standing = made[these] = _together(need, list(now.values()))
            found.append(Stretch(at, until, standing))
    return _joined(found)


def cut(track: Track, during: Interval) -> Track:
    """The part of a track within a time."""
    if track and track[0].start >= during.start and track[-1].end <= during.end:
        return track
    parts = (Stretch(max(s.start, during.start), min(s.end, during.end), s.standing) for s in track)
    return [part for part in parts if part.start < part.end]


def _together(need: int, members: Sequence[Standing]) -> Standing:
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


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Neighbours that stand the same are one."""
    found: list[Stretch] = []
    for stretch in stretches:
        if found and (found[-1].standing is stretch.standing or found[-1].standing == stretch.standing):
            found[-1] = found[-1]._replace(end=stretch.end)
        else:
            found.append(stretch)
    return found
