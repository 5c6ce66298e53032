"""The states once more, slowly: written from the design's sentences alone, to be compared with `states.advance`.

It keeps every sample and reads the sentences off the list; nothing is shared with the code under test but its words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from pacs_monitor.model import Micros, Outcome, Phase, Presence, Reason, State, Status, Thresholds


class Kind(Enum):
    """One way in which a run can end; whether `SILENT` fails or means absent is up to the presence of the node."""

    OK = Outcome(Status.OK)
    WARN = Outcome.of(Reason.SLOW, warn=True, phase=Phase.OPERATION)
    FAIL = Outcome.of(Reason.DIMSE_STATUS, phase=Phase.OPERATION)
    SILENT = Outcome.of(Reason.TCP_REFUSED, phase=Phase.CONNECT)
    HUNG = Outcome.of(Reason.DIMSE_TIMEOUT, phase=Phase.OPERATION)
    UNKNOWN = Outcome.of(Reason.AUTH)
    OTHER = Outcome.of(Reason.CALLING_AET_UNKNOWN)


CLASSES: dict[Reason | None, str] = {
    Reason.DIMSE_STATUS: "it answers, but refuses",
    Reason.TCP_REFUSED: "it cannot be reached",
    Reason.DIMSE_TIMEOUT: "it hangs",
}


@dataclass(frozen=True)
class Sample:
    kind: Kind
    started: Micros
    ended: Micros

    @property
    def unknown(self) -> bool:
        return self.kind in (Kind.UNKNOWN, Kind.OTHER)

    @property
    def failure_class(self) -> str:
        return CLASSES[self.kind.value.reason]


@dataclass(frozen=True)
class Change:
    """What a transition says."""

    before: State
    after: State
    last_before: Micros | None
    since: Micros
    noticed: Micros
    reason: Reason | None


@dataclass(frozen=True)
class Oracle:
    thresholds: Thresholds
    state: State = State.UNKNOWN
    cause: Reason | None = Reason.NOT_MEASURED
    incident_open: bool = False
    history: tuple[Sample, ...] = ()
    page: int = 0
    """Where in the history the streaks begin: they take the full patience anew after unknown and absent."""

    def see(self, sample: Sample) -> tuple[Oracle, Change | None]:
        seen = replace(self, history=(*self.history, sample))
        verdict = seen._verdict()
        if verdict is None:
            return seen._blinded(), None
        state, streak = verdict
        reason = None if state is State.UP else sample.kind.value.reason
        change = Change(self.state, state, seen._last_of_old(streak[0]), streak[0].ended, sample.ended, reason)
        opened = state in (State.DEGRADED, State.DOWN) or (self.incident_open and state is not State.UP)
        page = len(seen.history) if state in (State.UNKNOWN, State.ABSENT) else seen.page
        return replace(seen, state=state, cause=reason, incident_open=opened, page=page), change

    def paused(self, now: Micros) -> tuple[Oracle, Change | None]:
        """People stop the check: unknown from now on, at once, and everything before is forgotten."""
        if self._is_paused:
            return self, None
        return self._without_result(now, Reason.PAUSED)

    def resumed(self, now: Micros) -> tuple[Oracle, Change | None]:
        """The check may run again: from now on it is unknown for want of a result alone."""
        return self._without_result(now, Reason.NOT_MEASURED) if self._is_paused else (self, None)

    @property
    def _is_paused(self) -> bool:
        return self.state is State.UNKNOWN and self.cause is Reason.PAUSED

    def _without_result(self, now: Micros, cause: Reason) -> tuple[Oracle, Change]:
        last = self.history[-1].started if self.history else None
        change = Change(self.state, State.UNKNOWN, last, now, now, cause)
        page = len(self.history)
        return replace(self, state=State.UNKNOWN, cause=cause, page=page), change

    def _verdict(self) -> tuple[State, list[Sample]] | None:
        state, failures, recoveries = self.state, self.thresholds.failures, self.thresholds.recoveries
        silent_fails = self.thresholds.presence is Presence.ALWAYS
        failing = {Kind.FAIL, Kind.HUNG, Kind.SILENT} if silent_fails else {Kind.FAIL, Kind.HUNG}
        # `failures` results in a row that fail -> down; that fail or warn -> degraded
        if state is not State.DOWN and len(streak := self._row(failing)) >= failures:
            return State.DOWN, streak
        if state not in (State.DOWN, State.DEGRADED) and len(streak := self._row({*failing, Kind.WARN})) >= failures:
            return State.DEGRADED, streak
        # unknown -> up at the first ok unless an incident is open; absent likewise
        lost = state in (State.UNKNOWN, State.ABSENT)
        if lost and not self.incident_open and self.history[-1].kind is Kind.OK:
            return State.UP, [self.history[-1]]
        # `recoveries` in a row ok -> up; ok or warn -> out of down into degraded
        if state in (State.DEGRADED, State.DOWN) or (lost and self.incident_open):
            if len(streak := self._row({Kind.OK})) >= recoveries:
                return State.UP, streak
            if state is not State.DEGRADED and len(streak := self._row({Kind.OK, Kind.WARN})) >= recoveries:
                return State.DEGRADED, streak
        # intermittent: failures to resolve, connect or associate in time -> absent
        if not silent_fails and state is not State.ABSENT and len(streak := self._row({Kind.SILENT})) >= failures:
            return State.ABSENT, streak
        # while down, `failures` in a row that fail in another class -> down for another reason
        if state is State.DOWN:
            streak = self._row(failing)
            while streak and any(sample.failure_class == CLASSES[self.cause] for sample in streak):
                del streak[0]
            if len(streak) >= failures:
                return State.DOWN, streak
        # `failures` unknown results in a row -> unknown; one incident per cause, so a lasting other cause counts
        streak = self._unknowns()
        if state is State.UNKNOWN:
            while streak and any(sample.kind.value.reason is self.cause for sample in streak):
                del streak[0]
        return (State.UNKNOWN, streak) if len(streak) >= failures else None

    def _row(self, kinds: set[Kind]) -> list[Sample]:
        """The results of these kinds at the end; unknown ones between them are ignored."""
        row: list[Sample] = []
        for sample in reversed(self.history[self.page :]):
            if sample.unknown:
                continue
            if sample.kind not in kinds:
                break
            row.insert(0, sample)
        return row

    def _unknowns(self) -> list[Sample]:
        row: list[Sample] = []
        for sample in reversed(self.history[self.page :]):
            if not sample.unknown:
                break
            row.insert(0, sample)
        return row

    def _blinded(self) -> Oracle:
        """Unknown results that would lead to unknown make everything before them forgotten there as well."""
        streak = self._unknowns()
        if self.state is State.UNKNOWN and len(streak) >= self.thresholds.failures:
            return replace(self, page=len(self.history) - len(streak))
        return self

    def _last_of_old(self, first: Sample) -> Micros | None:
        """The last result of the old state: unknown results belong to none, unless nothing else is known since."""
        earlier = [sample for sample in self.history if sample.started < first.started]
        page = self.history[self.page].started
        since_page = [sample for sample in earlier if sample.started >= page and not sample.unknown]
        if self.state is not State.UNKNOWN or since_page:
            earlier = [sample for sample in earlier if not sample.unknown]
        return earlier[-1].started if earlier else None
