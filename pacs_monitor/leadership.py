"""Which of several daemons of one name leads: pure decisions on what each of them sees of the instance row.

The row has a `term`, which every change of leader raises by one, and a `beat`, which the leader raises with every look;
0 means that it ended in good order. The leader's session holds an advisory lock of its term. A standby claims the next
term by compare-and-set: when the lock has been free for longer than a leader needs to take it again, or when the beat
has not moved for long (a leader that is powered off or stopped keeps its lock for a while). It then waits until a
leader that still runs must have seen the new term, and leads. A leader that sees another term than its own is fenced
for good.

All times are seconds of the machine's own clock since boot, suspended time included (CLOCK_BOOTTIME). What was seen
counts only while looks follow each other: after a stall, or while the database was away, a standby begins afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

LATE = 1.0
"""Seconds by which a busy machine may end a look too late."""


class Role(StrEnum):
    """What a daemon is among those of its name."""

    LEADER = "leader"
    STANDBY = "standby"
    FENCED = "fenced"
    """It led, and another one leads now."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds."""

    look: float = 2.0
    """Between two looks of the leader at the instance row."""
    answer: float = 5.0
    """How long one look may take."""
    watch: float = 0.5
    """Between two looks of a standby."""
    free: float = 3.0
    """How long the leader's lock has to be free: a leader that lost its session takes it again within a look."""
    still: float = 12.0
    """How long the beat has to stand still."""
    wait: float = 5.0
    """From claiming a term to leading: a leader that runs has looked by then, and is fenced."""
    stall: float = 5.0
    """A process that did not run for so long looks before it does anything else."""
    away: float = 15.0
    """How long what writes or moves objects goes on without the database."""


class Row(NamedTuple):
    """The instance row as it was seen at a moment."""

    at: float
    term: int
    beat: int
    free: bool
    """Nobody holds the lock of this term."""


class Action(StrEnum):
    """What a standby is to do."""

    WAIT = "wait"
    CLAIM = "claim"
    """By compare-and-set, if the lock of the term is still free."""
    CLAIM_HELD = "claim held"
    """By compare-and-set, although a session holds the lock of the term."""


@dataclass(frozen=True, slots=True)
class Standby:
    """What a standby has seen without a break; all of it None after a break."""

    row: Row | None = None
    moved: float | None = None
    """When term or beat last changed."""
    free: float | None = None
    """Since when the lock is free."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A term that is ours, from the claim until another term is seen."""

    term: int
    leads_at: float
    """It leads once the term was confirmed at this time or later."""
    confirmed: float
    """When the database last said that the term is ours."""
    woke: float
    """When the process last ran."""
    role: Role = Role.STANDBY
    unsure: bool = False
    """It stalled, and has not looked since."""


def watch(standby: Standby, row: Row, timings: Timings) -> tuple[Standby, Action]:
    """One look of a standby."""
    last = standby.row
    if last is None or row.at - last.at > timings.stall or (row.term, row.beat) != (last.term, last.beat):
        standby = Standby(row, row.at, row.at if row.free else None)
    else:
        free = (row.at if standby.free is None else standby.free) if row.free else None
        standby = replace(standby, row=row, free=free)
    if row.free and row.beat == 0:  # nobody ever led, or the leader ended in good order
        return standby, Action.CLAIM
    if standby.free is not None and row.at - standby.free >= timings.free:
        return standby, Action.CLAIM
    if standby.moved is not None and row.at - standby.moved >= timings.still:
        return standby, Action.CLAIM_HELD
    return standby, Action.WAIT


def claimed(row: Row, at: float, timings: Timings) -> Tenure:
    """The claim of the term after this row's was granted; whoever ended in good order needs not be waited for."""
    wait = 0.0 if row.beat == 0 and row.free else timings.wait
    return Tenure(row.term + 1, at + wait, confirmed=at, woke=at)


def confirm(tenure: Tenure, at: float, term: int, timings: Timings) -> Tenure:
    """The database answered a look at this time."""
    if term != tenure.term or tenure.role is Role.FENCED:
        return replace(tenure, role=Role.FENCED, woke=at)
    if tenure.role is Role.STANDBY and at - tenure.confirmed > timings.stall:  # the wait has to be without a break
        return replace(tenure, leads_at=at + timings.wait, confirmed=at, woke=at, unsure=False)
    leads = tenure.role is Role.LEADER or at >= tenure.leads_at
    return replace(tenure, role=Role.LEADER if leads else Role.STANDBY, confirmed=at, woke=at, unsure=False)


def unanswered(tenure: Tenure, began: float, at: float, timings: Timings) -> Tenure:
    """The database did not answer a look: a leader goes on, because a page that comes twice beats none.

    A look that took longer than any look may is one in which the process did not run: it has to look once more.
    """
    return replace(tenure, woke=at, unsure=at - began > timings.answer + LATE)


def wake(tenure: Tenure, at: float, timings: Timings) -> Tenure:
    """The process runs at this time: after a stall it is unsure until it has looked."""
    return replace(tenure, woke=at, unsure=tenure.unsure or at - tenure.woke > timings.stall)


def acts(tenure: Tenure) -> bool:
    """Whether it may probe and send."""
    return tenure.role is Role.LEADER and not tenure.unsure


def may_write(tenure: Tenure, at: float, timings: Timings) -> bool:
    """Whether it may also write and move objects."""
    return acts(tenure) and at - tenure.confirmed <= timings.away
