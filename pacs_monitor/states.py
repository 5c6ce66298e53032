"""From results to confirmed states: pure, no clock, no I/O.

Theory of operation. Each result falls into one class: ok, warn, fail, absent or unknown. A standing keeps these
streaks: results in a row that *fail*, that are *bad* (fail or warn), *ok*, *good* (ok or warn), *absent*, *unknown*,
and *others* (below). Whoever is long enough by the first matching row of TABLE moves the state. Unknown results say
nothing of the node: fewer than `failures` in a row interrupt no other streak and bound no outage. Entering unknown or
absent clears all streaks, so that leaving them takes the full thresholds. The diagram in docs/states.md is drawn from
TABLE.

While unknown, *others* are unknown results for another reason than that of the standing; while down, failures of
another class (model.failure_class): a node whose switch is back and which now hangs is no longer unreachable.

Three things move a state without a result: results that stop coming (`lapse`), people who stop the check (`pause`), and
the end of that (`resume`). All lead to unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pacs_monitor.model import (
    NEVER_ANSWERED,
    NO_STREAK,
    SECOND,
    CheckId,
    Micros,
    Presence,
    Reason,
    Result,
    Standing,
    State,
    Status,
    Streak,
    Thresholds,
    Transition,
    failure_class,
)

UP, DEGRADED, DOWN, ABSENT, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.ABSENT, State.UNKNOWN


class Needs(StrEnum):
    """How long a streak must be."""

    FAILURES = "failures"
    RECOVERIES = "recoveries"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Rule:
    """From `sources`, a streak of `needs` results leads to `target`; `troubled` is None where it makes no odds."""

    sources: frozenset[State]
    streak: str
    needs: Needs
    target: State
    troubled: bool | None = None


TABLE = (
    Rule(frozenset({UP, DEGRADED, ABSENT, UNKNOWN}), "fails", Needs.FAILURES, DOWN),
    Rule(frozenset({UP, ABSENT, UNKNOWN}), "bads", Needs.FAILURES, DEGRADED),
    Rule(frozenset({DEGRADED, DOWN}), "oks", Needs.RECOVERIES, UP),
    Rule(frozenset({ABSENT, UNKNOWN}), "oks", Needs.RECOVERIES, UP, troubled=True),
    Rule(frozenset({ABSENT, UNKNOWN}), "oks", Needs.FIRST, UP, troubled=False),
    Rule(frozenset({DOWN}), "goods", Needs.RECOVERIES, DEGRADED),
    Rule(frozenset({ABSENT, UNKNOWN}), "goods", Needs.RECOVERIES, DEGRADED, troubled=True),
    Rule(frozenset({UP, DEGRADED, DOWN, UNKNOWN}), "absents", Needs.FAILURES, ABSENT),
    Rule(frozenset({UP, DEGRADED, DOWN, ABSENT}), "unknowns", Needs.FAILURES, UNKNOWN),
    Rule(frozenset({UNKNOWN}), "others", Needs.FAILURES, UNKNOWN),
    Rule(frozenset({DOWN}), "others", Needs.FAILURES, DOWN),
)
"""First match wins. The last two rows are a lasting change of the cause of unknown, and of the class of failure."""

ROWS = {
    (state, troubled): tuple(rule for rule in TABLE if state in rule.sources and rule.troubled in (None, troubled))
    for state in State
    for troubled in (False, True)
}


def classify(standing: Standing, result: Result, thresholds: Thresholds) -> State:
    """The class of one result, named by the state that it argues for: ok UP, warn DEGRADED, fail DOWN, …"""
    outcome = result.outcome
    if thresholds.presence is Presence.INTERMITTENT and outcome.reason in NEVER_ANSWERED:
        return ABSENT
    if outcome.reason is Reason.BUSY:
        began = result.started if standing.busy_since is None else standing.busy_since
        return DOWN if result.ended - began >= thresholds.busy_fail_after * SECOND else DEGRADED
    match outcome.status:
        case Status.OK:
            return UP
        case Status.WARN:
            return DEGRADED
        case Status.FAIL:
            return DOWN
        case Status.UNKNOWN:
            return UNKNOWN


def advance(standing: Standing, result: Result, thresholds: Thresholds) -> tuple[Standing, Transition | None]:
    """The standing after one more result, and the transition that it completes, if any."""
    kind = classify(standing, result, thresholds)
    if (
        kind is UP
        and standing.state is UP
        and not (standing.bads.length or standing.absents.length or standing.unknowns.length)
    ):
        return standing._replace(last=result.started), None  # the path of nearly every run
    if kind is ABSENT and (missed := _missed(standing, result, thresholds)) is not None:
        return missed
    standing = _count_unknown(standing, result, thresholds) if kind is UNKNOWN else _count(standing, kind, result)
    for rule in ROWS[standing.state, standing.troubled]:
        if kind is UNKNOWN and rule.target is not UNKNOWN:
            continue  # it completes no streak of known results, also when a reload wants fewer of them
        streak: Streak = getattr(standing, rule.streak)
        if streak.length >= _needed(rule.needs, thresholds):
            return _move(standing, rule.target, streak, result)
    return standing, None


def absence(standing: Standing, at: Micros, thresholds: Thresholds) -> str:
    """What is said of a node that is absent and expected at some hours; empty of any other."""
    expected = thresholds.expected
    if expected is None or not (standing.state is ABSENT or _is_missed(standing)):
        return ""
    if not expected.is_open(at):
        return f"off, as expected outside of {expected.words}"
    seen = (
        f"last seen {expected.local(standing.seen)}"
        if standing.seen
        else f"gone since {expected.local(standing.since)}"
    )
    return f"should be on {expected.words}; {seen}"


def _is_missed(standing: Standing) -> bool:
    """Whether it is degraded because it should be on and is not."""
    return standing.state is DEGRADED and standing.reason is Reason.ABSENT


def _missed(standing: Standing, result: Result, thresholds: Thresholds) -> tuple[Standing, Transition | None] | None:
    """A node that is absent in the hours in which it should be on; None where that is no matter, or not yet."""
    expected, now = thresholds.expected, result.ended
    if expected is None or not (standing.state is ABSENT or _is_missed(standing)):
        return None
    allowed = round(thresholds.absent_for * SECOND)
    open_since = max(
        (start for start, _ in expected.intervals((now - allowed - 86_400 * SECOND, now + 1))), default=now
    )
    due = max(standing.since, open_since) + allowed
    if not expected.is_open(now) or (standing.state is ABSENT and now < due):
        return None
    counted = _count(standing, ABSENT, result)._replace(absents=NO_STREAK)
    if standing.state is not ABSENT:
        return counted, None
    since, detail = max(due, standing.last or due), absence(standing, now, thresholds)
    phase = result.outcome.phase
    transition = Transition(result.check, ABSENT, DEGRADED, standing.last, since, now, Reason.ABSENT, phase, detail)
    return _enter(counted, DEGRADED, since, Reason.ABSENT), transition


def lapse(standing: Standing, check: CheckId, now: Micros) -> tuple[Standing, Transition | None]:
    """Results stopped coming: unknown since the last one, because nothing was measured since."""
    if standing.state is UNKNOWN:
        return standing, None
    since = max(standing.since, now if standing.last is None else standing.last)
    transition = Transition(check, standing.state, UNKNOWN, standing.last, since, now, Reason.NOT_MEASURED)
    return _enter(standing, UNKNOWN, since, Reason.NOT_MEASURED), transition


def pause(standing: Standing, check: CheckId, now: Micros, why: str) -> tuple[Standing, Transition | None]:
    """People stop the check: unknown at once. What was measured last holds until now, because it ran until now."""
    if _is_paused(standing):
        return standing, None
    return _become_unknown(standing, check, now, Reason.PAUSED, why)


def resume(standing: Standing, check: CheckId, now: Micros) -> tuple[Standing, Transition | None]:
    """The check may run again: what is unknown from now on is no longer so because of people."""
    if not _is_paused(standing):
        return standing, None
    return _become_unknown(standing, check, now, Reason.NOT_MEASURED, "it may run again, and has no result yet")


def shifted(standing: Standing, step: Micros) -> Standing:
    """The same after the wall clock was set: whatever is past is as long ago as before."""

    def moved(streak: Streak) -> Streak:
        before = None if streak.before is None else streak.before + step
        return Streak(streak.length, streak.since + step, before) if streak.length else streak

    return standing._replace(
        since=standing.since + step,
        down_since=None if standing.down_since is None else standing.down_since + step,
        last=None if standing.last is None else standing.last + step,
        busy_since=None if standing.busy_since is None else standing.busy_since + step,
        seen=None if standing.seen is None else standing.seen + step,
        fails=moved(standing.fails),
        bads=moved(standing.bads),
        oks=moved(standing.oks),
        goods=moved(standing.goods),
        absents=moved(standing.absents),
        unknowns=moved(standing.unknowns),
        others=moved(standing.others),
    )


def redated(moment: Micros, step: Micros, now: Micros) -> Micros:
    """A moment that has just been, by the clock as it was set: it may have been read before or after that."""
    return min(moment, moment + step, key=lambda reading: abs(reading - now))


def leaning(standing: Standing) -> State | None:
    """The state that the streaks lean towards, or None while the last result agrees with the state."""
    for rule in ROWS[standing.state, standing.troubled]:
        streak: Streak = getattr(standing, rule.streak)
        if streak.length and rule.target is not standing.state:
            return rule.target
    return None


def hurried(standing: Standing) -> bool:
    """Whether the next run comes after `retry_interval`: leaning, but a busy peer is never asked faster."""
    return standing.busy_since is None and leaning(standing) is not None


def silence_allowed(interval: float, timeout: float) -> float:
    """Seconds without a result until a check is unknown (`not_measured`)."""
    return max(3 * interval, interval + timeout)


def _is_paused(standing: Standing) -> bool:
    return standing.state is UNKNOWN and standing.reason is Reason.PAUSED


def _become_unknown(
    standing: Standing, check: CheckId, now: Micros, reason: Reason, detail: str
) -> tuple[Standing, Transition]:
    since = max(standing.since, now)  # the clock may have been set back in between
    transition = Transition(check, standing.state, UNKNOWN, standing.last, since, now, reason, None, detail)
    return _enter(standing, UNKNOWN, since, reason), transition


def _needed(needs: Needs, thresholds: Thresholds) -> int:
    if needs is Needs.FIRST:
        return 1
    return thresholds.failures if needs is Needs.FAILURES else thresholds.recoveries


def _longer(streak: Streak, result: Result, before: Micros | None) -> Streak:
    if streak.length:
        return Streak(streak.length + 1, streak.since, streak.before)
    return Streak(1, result.ended, before)


def _count(standing: Standing, kind: State, result: Result) -> Standing:
    is_known = standing.state is not UNKNOWN or standing.bads.length or standing.oks.length or standing.absents.length
    before = standing.unknowns.before if is_known and standing.unknowns.length else standing.last

    def longer(streak: Streak) -> Streak:
        return _longer(streak, result, before)

    is_other = kind is DOWN and standing.state is DOWN and _is_of_another_class(standing, result)
    busy = None
    if result.outcome.reason is Reason.BUSY:
        busy = result.started if standing.busy_since is None else standing.busy_since
    return standing._replace(
        fails=longer(standing.fails) if kind is DOWN else NO_STREAK,
        bads=longer(standing.bads) if kind in (DOWN, DEGRADED) else NO_STREAK,
        oks=longer(standing.oks) if kind is UP else NO_STREAK,
        goods=longer(standing.goods) if kind in (UP, DEGRADED) else NO_STREAK,
        absents=longer(standing.absents) if kind is ABSENT else NO_STREAK,
        unknowns=NO_STREAK,
        others=longer(standing.others) if is_other else NO_STREAK,
        busy_since=busy,
        last=result.started,
    )


def _is_of_another_class(standing: Standing, result: Result) -> bool:
    before, now = (failure_class(reason, result.probe) for reason in (standing.reason, result.outcome.reason))
    return before is not now


def _count_unknown(standing: Standing, result: Result, thresholds: Thresholds) -> Standing:
    unknowns = _longer(standing.unknowns, result, standing.last)
    if standing.state is not UNKNOWN:
        return standing._replace(unknowns=unknowns, last=result.started)
    others = NO_STREAK
    if result.outcome.reason is not standing.reason:
        others = _longer(standing.others, result, standing.last)
    if unknowns.length >= thresholds.failures:  # as blind as if it had just become unknown
        standing = _enter(standing, UNKNOWN, standing.since, standing.reason)
    return standing._replace(unknowns=unknowns, others=others, last=result.started)


def _move(standing: Standing, target: State, streak: Streak, result: Result) -> tuple[Standing, Transition]:
    outcome = result.outcome
    reason = None if target is UP else outcome.reason
    transition = Transition(
        result.check,
        standing.state,
        target,
        streak.before,
        max(streak.since, streak.before or 0, standing.since),  # the clock may have been set back in between
        result.ended,
        reason,
        outcome.phase if reason else None,
        outcome.detail if reason else "",
    )
    after = _enter(standing, target, transition.since, reason)
    if target is ABSENT and standing.state is not UNKNOWN:
        after = after._replace(seen=standing.seen if _is_missed(standing) else streak.before)
    return after, transition


def _enter(standing: Standing, target: State, since: Micros, reason: Reason | None) -> Standing:
    troubled = standing.troubled
    if target in (DEGRADED, DOWN):
        troubled = True
    elif target is UP:
        troubled = False
    if target in (UNKNOWN, ABSENT):
        return Standing(target, since, reason, troubled, standing.last)
    down_since = standing.state_since if standing.state is DOWN is target else None
    return standing._replace(
        state=target, since=since, reason=reason, troubled=troubled, others=NO_STREAK, down_since=down_since
    )
