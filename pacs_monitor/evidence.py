"""What people add to what was measured: when the vendor was called, responded, restored; what counts, and who says so.

Every statement is kept. Of one subject and one thing to say of it, the last statement holds, and those before it were
corrected by it. Pure, no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from pacs_monitor.model import SECOND, Micros, iso


class About(StrEnum):
    """What a statement is about."""

    INCIDENT = "incident"
    DECLARED = "declared"
    """An outage that no probe could see, declared by a person."""
    WINDOW = "window"
    """A window of maintenance, as it took place."""


class What(StrEnum):
    """What is stated."""

    REPORTED = "reported"
    """When the vendor was called: the clocks of response and restoration start then."""
    RESPONDED = "responded"
    WORKAROUND = "workaround"
    """When people could work again, by another way."""
    RESTORED = "restored"
    """When the vendor says that it works again."""
    FROM = "from"
    """When a declared outage began."""
    TO = "to"
    """When a declared outage ended."""
    TICKET = "ticket"
    RESPONSIBLE = "responsible"
    """The party whose fault it is said to be."""
    STANDING = "standing"
    """`agreed` or `disputed`."""
    COUNTS = "counts"
    """`yes` or `no`, whatever the rules of an agreement make of it."""

    @property
    def is_moment(self) -> bool:
        """Whether it is a time, not a text."""
        return self in MOMENTS


STEPS = (What.REPORTED, What.RESPONDED, What.WORKAROUND, What.RESTORED)
"""What happens one after the other while an outage lasts."""
SPAN = (What.FROM, What.TO)
MOMENTS = (*STEPS, *SPAN)
AGREED, DISPUTED = "agreed", "disputed"
YES, NO = "yes", "no"
EARLIEST: Micros = 7 * 86_400 * SECOND
"""How long before an incident began something of it may have happened: earlier times are mistyped dates."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a person stated; with neither moment nor value, it takes back what was stated before."""

    id: str
    """A ULID."""
    about: About
    subject: str
    """The id of the incident, the declared outage or the window."""
    what: What
    at: Micros
    """When it was stated."""
    by: str
    moment: Micros | None = None
    value: str = ""
    why: str = ""

    @property
    def is_taken_back(self) -> bool:
        return self.moment is None and not self.value

    def says_the_same(self, other: Statement) -> bool:
        return (self.what, self.moment, self.value, self.why) == (other.what, other.moment, other.value, other.why)


@dataclass(frozen=True, slots=True)
class Declared:
    """An outage that no probe could see, as it was declared; statements may have corrected its times."""

    id: str
    """A ULID."""
    at: Micros
    by: str
    start: Micros
    end: Micros | None
    """None while it goes on."""
    evidence: str
    """How it is known."""
    node: str = ""
    service: str = ""
    """A node or a service."""

    @property
    def of(self) -> tuple[str, str]:
        """`node` or `service`, and its name."""
        return ("node", self.node) if self.node else ("service", self.service)

    def stated(self) -> list[Statement]:
        """Its times, as the first statements of it."""
        times = {What.FROM: self.start} | ({} if self.end is None else {What.TO: self.end})
        return [Statement("", About.DECLARED, self.id, what, self.at, self.by, at) for what, at in times.items()]


class Correction(NamedTuple):
    """A statement, and what it replaced."""

    before: Statement
    after: Statement


class Refused(NamedTuple):
    """Why a statement is not accepted."""

    why: str
    is_conflict: bool = False
    """Whether it is because of what is on record already."""
    before: Statement | None = None
    """What is on record."""


def in_order(statements: Iterable[Statement]) -> list[Statement]:
    """As they were stated."""
    return sorted(statements, key=lambda one: (one.at, one.id))


def held(statements: Iterable[Statement]) -> Mapping[What, Statement]:
    """What holds, of one subject."""
    last = {one.what: one for one in in_order(statements)}
    return {what: one for what, one in last.items() if not one.is_taken_back}


def corrections(statements: Iterable[Statement]) -> list[Correction]:
    """What was stated otherwise before, of one subject, in order of time."""
    last: dict[What, Statement] = {}
    found = []
    for one in in_order(statements):
        if one.what in last and not last[one.what].is_taken_back:
            found.append(Correction(last[one.what], one))
        last[one.what] = one
    return found


def moments(known: Mapping[What, Statement]) -> Mapping[What, Micros]:
    """The times that hold."""
    return {what: one.moment for what, one in known.items() if one.moment is not None}


def span(declared: Declared, statements: Iterable[Statement]) -> tuple[Micros, Micros | None]:
    """From when to when a declared outage lasted, by what holds now."""
    times = moments(held([*declared.stated(), *statements]))
    return times.get(What.FROM, declared.start), times.get(What.TO)


def overlapping(new: Declared, known: Iterable[tuple[Declared, Sequence[Statement]]]) -> Refused | None:
    """Why an outage cannot be declared: part of it is declared already, and would be counted twice."""
    for other, statements in known:
        start, end = span(other, statements)
        begins_before_it_ends = end is None or new.start < end
        if other.of == new.of and begins_before_it_ends and (new.end is None or start < new.end):
            return Refused(f"correct {other.id} instead: it is declared for some of the same time", True)
    return None


def refusal(
    known: Sequence[Statement], new: Sequence[Statement], began: Micros, tapped: bool = False
) -> Refused | None:
    """Why these cannot be stated of a subject that began then; None when they can.

    `tapped`: no time was given, so that it can only be the first; to correct one, a time is needed.
    """
    holds = held(known)
    for one in new:
        before = holds.get(one.what)
        if one.is_taken_back and before is None:
            return Refused(f"nothing to take back: {one.what} is not on record", True)
        if before is not None and one.what.is_moment and tapped and not one.is_taken_back:
            return Refused(
                f"nothing to do: {one.what} is on record already; to correct it, give the time", True, before
            )
        if one.moment is not None and one.moment > one.at:
            return Refused("correct the time: it is still to come")
        if one.moment is not None and one.moment < began - EARLIEST:
            return Refused("correct the time: it is more than 7 days before this began")
    if all(one.what in holds and one.says_the_same(holds[one.what]) for one in new):
        return Refused("nothing to do: that is what is on record", True)
    return _out_of_order(moments(held([*known, *new])))


def _out_of_order(times: Mapping[What, Micros]) -> Refused | None:
    reported, start, end = times.get(What.REPORTED), times.get(What.FROM), times.get(What.TO)
    for what in (What.RESPONDED, What.RESTORED):
        at = times.get(what)
        if reported is not None and at is not None and at < reported:
            return Refused(f"correct one of the times: {what} would be before reported")
    if start is not None and end is not None and end <= start:
        return Refused("correct one of the times: the end would not be after the begin")
    return None


def as_json(statements: Sequence[Statement], time: Callable[[Micros], str] = iso) -> dict[str, Any]:
    """What holds of one subject, by whom and why where that matters, and what was stated otherwise before."""
    holds = held(statements)
    said: dict[str, Any] = {what.value: None for what in What if what not in SPAN}
    said |= {what.value: stated(one, time) for what, one in holds.items() if what not in SPAN}
    for what in (What.STANDING, What.COUNTS):
        one = holds.get(what)
        said |= {f"{what}_by": one and one.by, f"{what}_why": one and one.why}
    return said | {"corrections": [_correction(*pair, time) for pair in corrections(statements)]}


def stated(one: Statement, time: Callable[[Micros], str] = iso) -> str | None:
    """The time or the text; None where it takes back what was."""
    return time(one.moment) if one.moment is not None else one.value or None


def _correction(before: Statement, after: Statement, time: Callable[[Micros], str]) -> dict[str, Any]:
    return {
        "what": after.what.value,
        "before": stated(before, time),
        "after": stated(after, time),
        "at": time(after.at),
        "by": after.by,
        "why": after.why,
    }
