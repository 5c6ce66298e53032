"""The board against the situation: what has become unknown or known, and transitions that a fault or a crash lost."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple, Protocol

from pacs_monitor.alerting.events import NOT_BLIND, Happening, KnownAgain, Started, Transitioned, UnknownSince
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.model import TROUBLE, CheckId, IncidentKind, Micros, Reason, Result, Standing, State, Transition


class Seen(Protocol):
    """A check on the board."""

    @property
    def standing(self) -> Standing: ...
    @property
    def last(self) -> Result | None: ...
    @property
    def lapse_at(self) -> float | None:
        """When a result is overdue, on the monotonic clock."""
        ...

    @property
    def proven(self) -> bool:
        """It has worked as it is configured, so that its failures count."""
        ...


class Board(Protocol):
    """The live picture; a reload may exchange `entries`."""

    @property
    def entries(self) -> Mapping[CheckId, Seen]: ...


class Moment(NamedTuple):
    """When one looks: wall time, the monotonic clock, and when the monitor started."""

    now: Micros
    monotonic: float
    started: Micros


def is_untried(seen: Seen, monotonic: float) -> bool:
    """An unknown check that has not run since the start: its state is the one before it."""
    reason = seen.standing.reason or Reason.NOT_MEASURED
    said = seen.last is not None and seen.last.outcome.reason is reason
    not_due = seen.lapse_at is None or seen.lapse_at > monotonic
    return seen.standing.state is State.UNKNOWN and reason is Reason.NOT_MEASURED and not said and not_due


def unknown_and_known(entries: Mapping[CheckId, Seen], situation: Situation, moment: Moment) -> Iterator[Happening]:
    """What alerting has not heard of yet.

    A check is unknown since without a break it has been; not since before the monitor started, nor since a time that
    lies ahead, which a clock that was behind has left. Time in which nobody was blind does not count.
    """
    unknown = (check for check, seen in entries.items() if seen.standing.state is State.UNKNOWN)
    for check in dict.fromkeys((*unknown, *situation.unknown, *situation.untried)):
        seen, known = entries.get(check), situation.unknown.get(check)
        if seen is None:
            if known is not None:
                yield KnownAgain(check)
            continue
        if seen.standing.state is not State.UNKNOWN or is_untried(seen, moment.monotonic):
            if known is not None:
                yield KnownAgain(check, untried=seen.standing.state is State.UNKNOWN)
            elif check in situation.untried and seen.standing.state is not State.UNKNOWN:
                yield KnownAgain(check)
            continue
        standing, outcome = seen.standing, seen.last.outcome if seen.last else None
        reason = standing.reason or Reason.NOT_MEASURED
        if known is None or known.reason is not reason:
            if known is None or known.reason in NOT_BLIND:
                since = min(max(standing.since, moment.started), moment.now)
            else:
                since = known.since
            detail = outcome.detail if outcome is not None and outcome.reason is reason else ""
            yield UnknownSince(check, since, reason, detail)


def started(off_since: Micros | None, situation: Situation, entries: Mapping[CheckId, Seen], moment: Moment) -> Started:
    """With what the members of open blind incidents are now, so that none of these ends for nothing."""
    incidents = [subject.incident for subject in situation.subjects.values()]
    members = {check for one in incidents if one.kind is IncidentKind.BLIND for check in one.members}
    seen = {check: entries[check] for check in sorted(members & entries.keys())}
    unknown = tuple(w for w in unknown_and_known(seen, situation, moment) if isinstance(w, UnknownSince))
    untried = tuple(check for check, one in seen.items() if is_untried(one, moment.monotonic))
    return Started(off_since, unknown, untried)


def unheard(
    entries: Mapping[CheckId, Seen], situation: Situation, coming: Container[CheckId], moment: Moment
) -> Iterator[Happening]:
    """All that alerting has not heard of; nothing is missed of checks in `coming`."""
    yield from [*missed(entries, situation, coming, moment.now), *unknown_and_known(entries, situation, moment)]


def missed(
    entries: Mapping[CheckId, Seen], situation: Situation, coming: Container[CheckId], now: Micros
) -> Iterator[Happening]:
    """The transitions that nothing was made of, as far as they are still known; none for checks in `coming`."""
    for check, seen in entries.items():
        if seen.standing.state in TROUBLE and check not in coming and _is_good(situation, check):
            yield Transitioned(_transition(check, seen, State.UP, now), on_record=True)
    for check, identity in situation.by_check.items():
        if check in coming or check not in entries or entries[check].standing.state is not State.UP:
            continue
        if _is_good(situation, check):
            continue
        subject = situation.subjects.get(identity)
        if subject is not None and subject.incident.kind is IncidentKind.NODE:
            yield Transitioned(_transition(check, entries[check], subject.incident.state, now), on_record=True)


def _is_good(situation: Situation, check: CheckId) -> bool:
    """Whether alerting knows of nothing that is wrong with it; one that flaps is in an incident while it is up."""
    subject = situation.subjects.get(situation.by_check.get(check, ""))
    problems = () if subject is None else subject.incident.active
    return all(problem.state is State.UP for problem in problems if problem.check == check)


def _transition(check: CheckId, seen: Seen, before: State, now: Micros) -> Transition:
    standing, outcome = seen.standing, seen.last.outcome if seen.last else None
    said = outcome if outcome is not None and outcome.reason is standing.reason else None
    since = min(standing.since, now)
    phase, detail = (said.phase, said.detail) if said and said.reason else (None, "")
    return Transition(check, before, standing.state, None, since, now, standing.reason, phase, detail)
